"""Whether the compiled kernels and their twins in Python make the same catalogs, to the byte."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from astropy.io import fits

from bench.processes import ROOT, environment, job
from bench.report import Section, give, takes_output
from bench.speed.crowded import field
from mr_extract.compiled import kernels

COLUMNS = ("default", "all")
FILES = (".fit", ".fits", ".fz")
PACKED = (".gz", ".bz2", ".Z")
CROWDED = ((700, 1_600), (1400, 6_500), (1400, 15_000))  # side in pixels, stars
LARGEST = 60e6  # bytes of a file


def real(folder, largest):
    """Return the FITS files of a folder and those within it that are not too large."""
    found = []
    for path in sorted(Path(folder).rglob("*")):
        name = path.name
        for packed in PACKED:
            name = name.removesuffix(packed)
        if name.endswith(FILES) and path.is_file() and path.stat().st_size <= largest:
            found.append(path)
    return found


def crowded(folder, quick):
    """Write simulated crowded fields, and return their paths."""
    paths = []
    for size, stars in CROWDED[:1] if quick else CROWDED:
        path = folder / f"crowded-{stars}.fits"
        fits.PrimaryHDU(field(size, stars)).writeto(path)
        paths.append(path)
    return paths


def catalog(manifest, columns, compiled, path):
    """Make a catalog by one of the two ways, and return its bytes."""
    run = subprocess.run(
        job("-r", "inline", "--quiet", "--extensions", "all", "--columns", columns,
            "--max-failures", "100%", manifest, "--catalog", path),
        env={**environment(), "MR_EXTRACT_COMPILED": str(int(compiled))}, cwd=ROOT,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if run.returncode:
        raise SystemExit(f"bench: the job ended with {run.returncode}: {run.stderr[-2000:]}")
    return Path(path).read_bytes()


def counted(text):
    """Return how many images of a catalog were measured, how many were not, and rows."""
    lines = text.split(b"\n")
    images = sum(line.startswith(b"#image") for line in lines)
    errors = sum(line.startswith(b"#error") for line in lines)
    rows = sum(bool(line) and not line.startswith(b"#") for line in lines)
    return images, errors, rows


def compared(title, paths, columns, folder, section):
    """Add a row on the catalogs of some files; return whether they are the same."""
    manifest = folder / "manifest.txt"
    manifest.write_text("".join(f"{path.resolve()}\n" for path in paths))
    ours, twins = (catalog(manifest, columns, compiled, folder / f"{columns}-{compiled}.tsv")
                   for compiled in (True, False))
    images, errors, rows = counted(ours)
    same = ours == twins
    section.add(title, f"`{columns}`", f"{len(paths):,}", f"{images:,}", f"{errors:,}",
                f"{rows:,}", f"{len(ours):,}", "yes" if same else "NO")
    return same


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m bench twins", description=__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR",
                        default=os.environ.get("MR_EXTRACT_DATA"),
                        help="folder of FITS files [$MR_EXTRACT_DATA, or none]")
    parser.add_argument("--largest", type=float, default=LARGEST, metavar="BYTES",
                        help=f"files that are larger are left out [{LARGEST:g}]")
    parser.add_argument("--quick", action="store_true", help="one small field alone")
    takes_output(parser)
    options = parser.parse_args(arguments)
    if kernels is None:
        raise SystemExit("bench: there are no compiled kernels to compare")
    section = Section(
        "Compiled kernels and their twins",
        "Catalogs with the compiled kernels and with `MR_EXTRACT_COMPILED=0`: all images of all "
        "FITS files of a folder, and simulated crowded fields. An image that is not measured is "
        "so by both ways, for the same reason.",
        ("files", "columns", "number", "images", "not measured", "rows", "bytes", "the same"),
    )
    same = True
    with tempfile.TemporaryDirectory(prefix="twins-") as folder:
        folder = Path(folder)
        sets = {"crowded fields": crowded(folder, options.quick)}
        if options.data and not options.quick:
            sets["real"] = real(options.data, options.largest)
        for title, paths in sets.items():
            for columns in COLUMNS:
                print(f"bench: {title}, {columns}", file=sys.stderr, flush=True)
                same &= compared(title, paths, columns, folder, section)
    give([section], options.output)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
