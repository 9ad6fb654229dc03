"""Detections to unique sources, objects and matches, and exports: time and memory by number."""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from bench.processes import ROOT, Peaks, environment, module
from bench.report import Section, give, takes_output
from mr_extract.objects.association import Links, associate
from mr_extract.objects.sphere import vectors
from mr_extract.settings.config import Config
from mr_extract.text.accounting import header, image_line
from mr_extract.text.rows import format_rows

EPOCHS = 50
PER_DEGREE = 20_000  # stars of a square degree
NOISE = 0.1 / 3600
COLUMNS = ("number", "x", "y", "ra", "dec", "flux_auto", "fluxerr_auto", "mag_auto", "magerr_auto",
           "flag")
MEGABYTE = 1e6
_ALL_PAIRS, _BESIDE = 100_000, 1_000_000  # detections: of each 50 pairs; with LSDB in memory
LSDB = ROOT / "bench" / "speed" / "lsdb_side.py"


def write_survey(path, detections):
    """Write a catalog of stars at the equator, in square degrees, seen in every epoch."""
    stars = max(1, detections // EPOCHS)
    rng = np.random.default_rng(1)
    area = max(1, round(stars / PER_DEGREE))
    ra, dec = rng.uniform(0, area, stars), rng.uniform(-0.5, 0.5, stars)
    mag = rng.uniform(15, 21, stars)
    with open(path, "wb") as file:
        images = EPOCHS * area
        file.write(header(Config(), ("image", *COLUMNS), {"sep": "1"}, {
            "images": images, "failed": 0, "sources": stars * EPOCHS}).encode())
        for k in range(images):
            epoch, field = divmod(k, area)
            mine = np.flatnonzero(np.minimum(ra.astype(int), area - 1) == field)
            n = len(mine)
            corners = [field, -0.5, field + 1, -0.5, field + 1, 0.5, field, 0.5]
            text = image_line(f"{k:06d}.fits", {
                "sources": n, "width": 4096, "height": 4096, "mjd": 55000 + epoch, "filter": "r",
                "footprint": ",".join(map(str, corners))})
            columns = (np.arange(1, n + 1, dtype=np.int32), rng.uniform(0, 4096, n),
                       rng.uniform(0, 4096, n), ra[mine] + rng.normal(0, NOISE, n),
                       dec[mine] + rng.normal(0, NOISE, n),
                       *(rng.uniform(1, 2, n).astype(np.float32) for _ in range(2)),
                       (mag[mine] + rng.normal(0, 0.02, n)).astype(np.float32),
                       np.full(n, 0.02, np.float32), np.zeros(n, np.int32))
            file.write(text.encode() + format_rows(f"{k:06d}.fits", dict(zip(COLUMNS, columns))))
    return stars * EPOCHS


def measure(folder, counts, jobs, lsdb=None):
    """Return the section."""
    section = Section(
        "Detections",
        f"Simulated stars, {PER_DEGREE:,} a square degree, each seen in {EPOCHS} epochs with a "
        f"scatter of 0.1 arcsec. CPU of all processes, with their start; the greatest resident "
        f"memory of one of them; `-r local --jobs {jobs}`. The kernel alone is in memory, on "
        "one core. One run each. Start is one to two seconds. `crossmatch` is within an arcsecond."
        + (" LSDB: in one process of one thread, without its start: hats-import of the Parquet, "
           "then matches of the catalog with itself, up to a million rows, as it has all pairs in "
           "memory." if lsdb else ""),
        ("", "detections", "CPU, s", "detections a CPU second", "MB"),
    )
    for count in counts:
        catalog = folder / f"{count}.tsv"
        written = write_survey(catalog, count)
        _kernel(section, min(written, 1_000_000))
        runner = ("-r", "local", "--jobs", jobs, "--quiet")
        for title, command in (
            ("`unique`", module("mr_extract.jobs.unique", *runner, catalog, "--catalog",
                                folder / "unique.tsv")),
            ("`objects`", module("mr_extract.jobs.objects", *runner, catalog, "--catalog",
                                 folder / "objects.tsv")),
            ("`crossmatch` with itself, nearest", module(
                "mr_extract.jobs.crossmatch", *runner, catalog, "--with", catalog, "--take",
                "number", "--catalog", folder / "matches.tsv")),
            ("`crossmatch` with itself, all of an object", module(
                "mr_extract.jobs.crossmatch", *runner, catalog, "--with", catalog, "--take",
                "number", "--nearest", 0, "--catalog", folder / "matches.tsv")),
            ("`export`, Parquet", module("mr_extract.export", catalog, folder / "x.parquet")),
            ("`export`, FITS", module("mr_extract.export", catalog, folder / "x.fits")),
        ):
            if title.endswith("all of an object") and written > _ALL_PAIRS:
                continue  # of a million rows they are fifty million
            peaks = Peaks(command)
            _add(section, title, written, peaks.cpu, max(peaks.sizes) / MEGABYTE)
        if lsdb and written <= _BESIDE:
            _lsdb(section, lsdb, folder, written)
        catalog.unlink()
    return section


def _add(section, title, count, seconds, megabytes=None):
    section.add(title, f"{count:,}", f"{seconds:.1f}", f"{count / seconds:,.0f}",
                "" if megabytes is None else f"{megabytes:.0f}")
    section.note(f"{title}, {count}, a second", count / seconds)


def _lsdb(section, python, folder, count):
    """Add what hats-import and LSDB take, in a Python that has both."""
    done = subprocess.run([python, LSDB, folder / "x.parquet", folder / f"hats-{count}",
                           str(EPOCHS)], stdout=subprocess.PIPE, check=True, env=environment())
    for title, seconds in json.loads(done.stdout.splitlines()[-1]).items():
        _add(section, title, count, seconds)


def _kernel(section, count):
    from time import process_time

    rng = np.random.default_rng(2)
    stars = count // EPOCHS
    ra, dec = rng.uniform(0, 1, stars), rng.uniform(0, 1, stars)
    image, row = np.repeat(np.arange(EPOCHS), stars), np.tile(np.arange(stars), EPOCHS)
    shift = rng.normal(0, NOISE, (2, len(row)))
    xyz = vectors(ra[row] + shift[0], dec[row] + shift[1])
    began = process_time()
    associate(xyz, image, row, Links(1.0))
    _add(section, "association alone", len(row), process_time() - began)


def main(arguments=None):
    """Measure and give the section."""
    parser = argparse.ArgumentParser(prog="python -m bench detections", description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000],
                        metavar="N", help="detections [100000 1000000 10000000]")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes [2]")
    parser.add_argument("--lsdb", metavar="PYTHON",
                        help="a Python that has hats-import and lsdb, to be measured too")
    takes_output(parser)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        give([measure(Path(folder), options.counts, options.jobs, options.lsdb)], options.output)
    return 0
