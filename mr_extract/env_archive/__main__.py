"""Make the archive of the environment: ``python -m mr_extract.env_archive [-o FILE]``."""

import argparse
import shutil
import sys
from collections.abc import Sequence

from mr_extract.env_archive.archive import environment_archive
from mr_extract.storage.output import written_whole


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m mr_extract.env_archive",
        description="Pack this Python and what mr_extract needs for nodes that have neither, and "
                    "print the name of the archive. It is made once and then kept.")
    parser.add_argument("-o", "--output", metavar="FILE", help="copy it to FILE (.tar.gz)")
    options = parser.parse_args(words)
    try:
        path = environment_archive(_say)
        if options.output:
            with written_whole(options.output) as unfinished:
                shutil.copyfile(path, unfinished)
    except (ValueError, OSError) as error:
        _say(str(error))
        return 2 if isinstance(error, ValueError) else 1
    print(options.output or path)
    return 0


def _say(text):
    print(f"mr_extract: {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
