"""Simulate a night, extract it on all cores, compare with the truth, draw a frame.

``make demo`` runs it; ``make demo FITS='path/*.fits'`` takes images of your own.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mr_extract.demo.comparison import MATCH_RADIUS, as_text, compare
from mr_extract.demo.picture import draw
from mr_extract.images import read_image
from mr_extract.storage import read
from mr_extract.text.catalog import read_catalog
from mr_extract.text.manifest import read_entries


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demonstration and return the exit status of the job."""
    parser = argparse.ArgumentParser(prog="python -m mr_extract.demo", description=__doc__)
    parser.add_argument("--frames", type=int, default=12, help="frames of the night [12]")
    parser.add_argument("--seed", type=int, default=1, help="seed of the night [1]")
    parser.add_argument("--images", nargs="+", metavar="FITS", help="your own images instead")
    parser.add_argument("--night", default="demo_night", help="folder of the frames [demo_night]")
    parser.add_argument("--catalog", default="catalog.tsv", help="[catalog.tsv]")
    parser.add_argument("--picture", default="demo.png", help="[demo.png]")
    options = parser.parse_args(argv)

    truth = None
    for path in (options.catalog, options.picture):
        Path(path).unlink(missing_ok=True)  # of an earlier run
    if options.images:
        manifest = Path(options.night, "your-images.txt")
        manifest.parent.mkdir(exist_ok=True)
        if _module("preprocess", "manifest", *options.images, "-o", manifest):
            return 2
    else:
        manifest = Path(options.night, "manifest.txt")
        _say(f"simulating {options.frames} overlapping frames into {options.night}/")
        if _module("preprocess", "simulate", options.night, "--frames", options.frames,
                   "--seed", options.seed, "--overwrite"):
            return 2
        truth = _table(Path(options.night, "truth.tsv"))
    _say(f"python mr_extract.py -r local {manifest} --catalog {options.catalog}")
    status = _module("mr_extract.jobs.extract", "-r", "local", manifest,
                     "--catalog", options.catalog)
    if not Path(options.catalog).exists():
        return status
    catalog = read_catalog(options.catalog)
    measured = [account for account in catalog.accounts.values() if not account.kind]
    if truth is not None:
        print("\nagainst the truth, all frames, stars that saturate left out:")
        print(as_text(compare(catalog.columns, truth, _edges(truth, catalog.columns))))
        print(f"true sources by their magnitude, detections by theirs (mag_auto), matched within "
              f"{MATCH_RADIUS:g} pixels;\na Kron aperture holds some 95 to 98 % of the light, "
              "hence the bias")
    if measured:
        busiest = max(measured, key=lambda account: account.rows)
        with open(manifest, "rb") as lines:
            uris = {entry.id: entry.uri for entry in read_entries(lines)}
        _draw(busiest, uris[busiest.id], catalog, options)
    print(f"\n{options.catalog}: {len(catalog.columns['x'])} sources of {len(measured)} images")
    return status


def _say(text):
    print(f"\n>>> {text}", flush=True)


def _module(name, *arguments):
    return subprocess.run([sys.executable, "-m", name, *map(str, arguments)]).returncode


def _edges(truth, columns):
    detected = columns["mag_auto"][np.isfinite(columns["mag_auto"])]
    faintest = np.ceil(np.percentile(detected, 99)) if len(detected) else 24.0
    return np.arange(np.floor(truth["mag"][truth["saturated"] == 0].min()), faintest + 1.0)


def _draw(account, uri, catalog, options):
    mine = catalog.columns["image"] == account.id
    columns = {name: values[mine] for name, values in catalog.columns.items()}
    image = read_image(read(uri), int(account.values["hdu"]))
    draw(image.data, columns, options.picture,
         f"{Path(uri).name}: {account.rows} sources in the frame, "
         f"background rms {float(account.values['rms']):.2f} adu")
    print(f"\n{options.picture}: a part of {uri} with its sources")


def _table(path):
    with open(path, encoding="utf-8") as file:
        names = file.readline().rstrip("\n").split("\t")
        rows = [line.rstrip("\n").split("\t") for line in file]
    table = {name: np.array(values) for name, values in zip(names, zip(*rows))}
    numbers = ("x", "y", "flux", "mag", "saturated")
    return table | {name: table[name].astype(float) for name in numbers}


if __name__ == "__main__":
    sys.exit(main())
