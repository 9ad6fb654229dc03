"""``python -m mr_extract.export CATALOG... OUT``: catalogs in the formats of other tools."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence

from mr_extract import storage
from mr_extract.addresses import shown_within
from mr_extract.failures import ImageFailure
from mr_extract.settings.options import access_from, add_access
from mr_extract.storage.output import written_whole
from mr_extract.text.stored_catalog import UnfitCatalog

EXAMPLE = """\
The ending of OUT says the format: .fits, .parquet, .vot or .votable, .ecsv, .hats (a folder of this
machine). OUT.tsv is the text that a .fits or .parquet file was made of. CATALOG is a file, or the
folder of an --output-dir (with / at its end where it is remote).
"""
FORMATS = {".fits": "fits", ".parquet": "parquet", ".vot": "votable", ".votable": "votable",
           ".ecsv": "ecsv", ".hats": "hats", ".tsv": "text"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run with arguments; the exit status is 0, or 2 for what cannot be done.

    Parameters
    ----------
    argv : sequence of str, optional
        By default those of the process.
    """
    parser = argparse.ArgumentParser(
        prog="python -m mr_extract.export", description="Catalogs in the formats of other tools.",
        epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalogs", nargs="+", metavar="CATALOG", help="catalogs made alike")
    parser.add_argument("out", metavar="OUT", help="path, s3:// or hdfs://")
    parser.add_argument("--light-curves", metavar="FILE", help="with .parquet: the light curves of "
                        "the objects in CATALOG, which become columns of lists")
    add_access(parser.add_argument_group("access").add_argument)
    options = parser.parse_args(argv)
    try:
        storage.configure(access_from(options))
        kind = FORMATS.get(os.path.splitext(options.out)[1].lower())
        if kind is None:
            raise ValueError(f"{options.out!r} ends in none of {', '.join(FORMATS)}")
        points = options.light_curves
        if points and kind != "parquet":
            raise ValueError("--light-curves is for .parquet: others take points by themselves")
        read = [*options.catalogs, *([points] if points else [])]
        if any(storage.absolute(one) == storage.absolute(options.out) for one in read):
            raise ValueError(f"{options.out!r} would replace what is read")
        if kind == "hats":
            _write_hats(options.catalogs, options.out)
        elif storage.is_local(options.out):
            with written_whole(storage.local.path_of(options.out)) as path:
                _write(kind, options.catalogs, path, points)
        else:
            with tempfile.TemporaryDirectory(prefix="mr_extract-") as folder:
                path = os.path.join(folder, "export")
                _write(kind, options.catalogs, path, points)
                with open(path, "rb") as file:
                    storage.write(options.out, file)
    except (ValueError, UnfitCatalog, OSError) as error:
        return _refused(str(error))
    except ImageFailure as failure:
        return _refused(f"{options.out}: {failure.message}")
    except ModuleNotFoundError as error:
        extra = "hats" if kind == "hats" else "export"
        return _refused(f"it needs {error.name}: pip install 'mr_extract[{extra}]'")
    return 0


def _refused(words):
    print(f"python -m mr_extract.export: {shown_within(words)}", file=sys.stderr)
    return 2


def _write(kind, catalogs, path, points):
    if kind == "text":
        _write_back(catalogs, path)
        return
    from mr_extract.text.typed_rows import Source

    source = Source(catalogs)
    if kind == "fits":
        from mr_extract.export.fits_table import write_fits as write
    elif kind == "parquet":
        from mr_extract.export.parquet import write_parquet

        write_parquet(source, path, Source([points]) if points else None)
        return
    elif kind == "votable":
        from mr_extract.export.astropy_texts import write_votable as write
    else:
        from mr_extract.export.astropy_texts import write_ecsv as write
    write(source, path)


def _write_hats(catalogs, out):
    from mr_extract.export.hats import write_hats
    from mr_extract.text.typed_rows import Source

    if not storage.is_local(out):
        raise ValueError(f"{out!r}: HATS is written to this machine")
    write_hats(Source(catalogs), storage.local.path_of(out))


def _write_back(catalogs, path):
    from mr_extract.export.back import write_text

    if len(catalogs) != 1:
        raise ValueError("one file is made text again at a time")
    name = catalogs[0]
    if name.endswith(".parquet"):
        from mr_extract.export.parquet import read_parquet as read
    elif name.endswith(".fits"):
        from mr_extract.export.fits_table import read_fits as read
    else:
        raise ValueError(f"{name!r} ends in neither .fits nor .parquet: it is text already, or "
                         "was not made to come back")
    try:
        lines, tables = read(name)
    except KeyError:
        raise ValueError(f"{name!r} was not written by this program") from None
    with open(path, "wb") as file:
        write_text(lines, tables, file)


if __name__ == "__main__":
    sys.exit(main())
