"""Our catalogs to SExtractor's, and what the border knows.

``python -m mr_extract.sextractor CATALOG --type fits_ldac --output DIR/``
"""

import argparse
import sys
from collections.abc import Sequence

from mr_extract.sextractor import FORMATS


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = _Parser(
        prog="python -m mr_extract.sextractor",
        description="Write a catalog of mr_extract as SExtractor would leave it.",
    )
    parser.add_argument("catalog", nargs="?", help="catalog of mr_extract")
    parser.add_argument("--type", choices=FORMATS, type=str.lower,
                        default="ascii_head", dest="kind",
                        help="format [ascii_head]")
    parser.add_argument("--output", metavar="DIR/|FILE",
                        help="a directory: a catalogue for each file of images; a file: one of all")
    parser.add_argument("--columns", default="", metavar="FILE.param|A,B",
                        help="parameters to write [all that the catalog holds]")
    parser.add_argument("--describe", choices=("keywords", "parameters", "flags"),
                        help="print what becomes of them here, in Markdown")
    options = parser.parse_args(words)
    if options.describe:
        from mr_extract.sextractor import describe

        sys.stdout.write(getattr(describe, options.describe)())
        return 0
    if not options.catalog or not options.output:
        _refuse("needs a catalog and --output")
    from mr_extract.addresses import shown_within
    from mr_extract.sextractor.export import export

    try:
        written, unwritten = export(
            options.catalog, options.kind, options.output, _names(options.columns),
            complain=lambda text: print(f"mr_extract: {shown_within(text)}", file=sys.stderr))
    except (ValueError, OSError) as error:
        _refuse(str(error))
    print(f"mr_extract: {len(written)} catalogues written", file=sys.stderr)
    return 1 if unwritten else 0


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        _refuse(message)


def _names(text):
    if "." in text or "/" in text:
        from mr_extract.sextractor.files import read_parameters

        return read_parameters(text)
    from mr_extract.settings.declaring import parts_of

    return tuple(parts_of(text))


def _refuse(message):
    print(f"mr_extract: {message}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    sys.exit(main())
