"""Tiles of a mosaic against the mosaic whole: sources, positions, fluxes, memory."""

import argparse
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

from bench.accuracy.matching import matched
from bench.accuracy.mosaic import write_mosaic
from bench.processes import Peaks, job, module, run
from bench.report import Section, give, takes_output
from mr_extract.text.catalog import read_catalog

BRIGHT = 10  # signal to noise
BLENDED = 0x0001  # flag
SCALE = 1.5  # threshold in units of the noise, as by default
MEGABYTE = 1e6


def measure(folder, size, tile, mosaic=None):
    """Measure a mosaic whole and in tiles.

    Parameters
    ----------
    folder : Path
        Where to write.
    size, tile : int
        Pixels on a side of the mosaic and of a tile's core.
    mosaic : Path, optional
        One that `bench.accuracy.mosaic.write_mosaic` has written, of this size.

    Returns
    -------
    list of Section
    """
    lines = folder / "tiles.txt"
    if mosaic is None:
        mosaic = write_mosaic(folder / "mosaic.fits", size)
    run(module("preprocess", "tiles", mosaic, "--size", tile, "-o", lines))
    number = len(lines.read_text().splitlines())
    sources = Section(
        "Sources",
        f"A simulated mosaic of {size:,} x {size:,} pixels (stars, galaxies, cosmic rays, a sky "
        f"that rises by 5 % and waves by 2 %), whole and in {number} tiles of at most {tile} x "
        f"{tile} pixels and their overlap. Lost are sources of the whole that no tile has within "
        "a pixel, new those of tiles that the whole has not, parts of blends among them; doubled "
        "are those of the new that lie within 3 pixels of a source of another tile.",
        ("threshold", "whole", "tiles", "doubled", "lost (blends)", "new (blends)",
         f"S/N > {BRIGHT}: whole", "lost", "new"),
    )
    numbers = Section(
        "Numbers",
        f"Differences between the pairs with S/N > {BRIGHT}, in pixels and in errors of the flux: "
        "median, 99 % of them, the greatest. Blends are apart, as deblending draws random numbers.",
        ("threshold", "x, alone", "flux_auto, alone", "flux_auto, blends"),
    )
    cost = Section(
        "Cost",
        "Greatest resident memory of a process, and wall time, with one task at a time.",
        ("threshold", "whole, MB", "tiles, MB", "whole, s", "tiles, s"),
    )
    level = None
    for title in ("1.5 times the noise of each tile, or of the whole", "the same for all"):
        options = [] if level is None else ["--thresh-type", "absolute", f"--thresh={level:.6g}"]
        found, peaks, seconds = [], [], []
        for name, source in (("whole", mosaic), ("tiled", lines)):
            path, began = folder / f"{name}.tsv", perf_counter()
            sizes = Peaks(job("-r", "local", "--jobs", "1", "--quiet", source, "--catalog", path,
                              *options)).sizes
            seconds.append(perf_counter() - began)
            peaks.append(max(sizes) / MEGABYTE)
            found.append(read_catalog(path))
        level = level or SCALE * float(next(iter(found[0].accounts.values())).values["rms"])
        one = Comparison(*(catalog.columns for catalog in found))
        sources.add(title, *one.counts())
        numbers.add(title, *(f"{a:.1e}, {b:.1e}, {c:.1e}" for a, b, c in one.differences()))
        cost.add(title, *(f"{peak:,.0f}" for peak in peaks), *(f"{wall:.0f}" for wall in seconds))
    return [sources, numbers, cost]


class Comparison:
    """Two catalogs of one image: of the whole and of its tiles.

    Parameters
    ----------
    whole, tiled : dict of str to ndarray
    """

    def __init__(self, whole, tiled):
        self.whole, self.tiled = whole, tiled
        self._i, self._j = matched(whole["x"], whole["y"], tiled["x"], tiled["y"], 1.0)
        self._signal = [one["flux_auto"] / one["fluxerr_auto"] for one in (whole, tiled)]
        self.lost = np.setdiff1d(np.arange(len(whole["x"])), self._i)
        self.new = np.setdiff1d(np.arange(len(tiled["x"])), self._j)

    def counts(self):
        """Return what stands in the table of sources."""
        bright = [int(np.count_nonzero(one > BRIGHT)) for one in self._signal]
        cells = [f"{len(self.whole['x']):,}", f"{len(self.tiled['x']):,}", self.doubled(),
                 *(f"{len(part)} ({np.count_nonzero(one['flag'][part] & BLENDED)})"
                   for one, part in ((self.whole, self.lost), (self.tiled, self.new))),
                 f"{bright[0]:,}"]
        for signal, part, all_bright in zip(self._signal, (self.lost, self.new), bright):
            count = int(np.count_nonzero(signal[part] > BRIGHT))
            cells.append(f"{count} ({count / all_bright:.3%})")
        return cells

    def doubled(self):
        """Return how many of the new lie beside a source of another tile."""
        x, y, tile = (self.tiled[name] for name in ("x", "y", "image"))
        return sum(
            bool(((np.hypot(x - x[k], y - y[k]) < 3.0) & (tile != tile[k])).any())
            for k in self.new
        )

    def differences(self):
        """Yield the median, 99th percentile and greatest of what stands in the other table."""
        pairs = np.stack([self._i, self._j])[:, self._signal[0][self._i] > BRIGHT]
        blended = self.whole["flag"][pairs[0]] & BLENDED != 0
        for name, chosen in (("x", ~blended), ("flux_auto", ~blended), ("flux_auto", blended)):
            i, j = pairs[:, chosen]
            apart = np.abs(self.whole[name][i] - self.tiled[name][j])
            if name != "x":
                apart = apart / self.whole["fluxerr_auto"][i]
            yield np.percentile(apart, (50, 99, 100))


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m bench tiles", description=__doc__)
    parser.add_argument("--size", type=int, default=20_000, metavar="N", help="of the mosaic")
    parser.add_argument("--tile", type=int, default=4096, metavar="N", help="of a tile")
    parser.add_argument("--mosaic", type=Path, metavar="FILE",
                        help="a mosaic of that size that was written before")
    takes_output(parser)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        sections = measure(Path(folder), options.size, options.tile, options.mosaic)
    give(sections, options.output)
