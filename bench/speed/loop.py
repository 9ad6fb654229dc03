"""The loop that a careful user would write around the kernels, and nothing else.

``python -m bench.speed.loop MANIFEST OUTPUT COLUMNS``
"""

import sys

from mr_extract.frames.measuring import measure_image
from mr_extract.images import read_image
from mr_extract.settings.config import Config
from mr_extract.text.manifest import read_entries
from mr_extract.text.rows import format_rows


def main(manifest, output, columns):
    config = Config().updated(columns=tuple(columns.split(",")))
    with open(manifest, "rb") as lines, open(output, "wb") as catalog:
        for entry in read_entries(lines):
            with open(entry.uri, "rb") as file:
                image = read_image(file.read(), entry.ext)
            sources = measure_image(image, config, float(entry.get("zero_point") or 0))
            catalog.write(format_rows(entry.id, sources.columns))


if __name__ == "__main__":
    main(*sys.argv[1:])
