"""One frame measured with both programs, and how far their columns are apart."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.accuracy.matching import matched
from bench.sextractor import SExtractor
from mr_extract import Config, extract
from mr_extract.columns.choice import choose
from mr_extract.sextractor.flags import to_sextractor

BRIGHT = 5.0  # signal to noise
SETTINGS = Config().updated(columns=("all",), apertures=(5.0, 12.0), flux_fractions=(0.2, 0.5, 0.8))
# Buffers of the program that do for any frame here; ours grow by themselves.
LARGE = {"MEMORY_PIXSTACK": 10_000_000, "MEMORY_OBJSTACK": 65_000}


@dataclass
class Both:
    """The catalogs of both programs for one frame.

    Parameters
    ----------
    ours, theirs : dict of str to ndarray
        Columns by our names; positions of both begin at 0, flags are SExtractor's.
    first, second : ndarray of int64
        Pairs: rows of ours and of theirs.
    rms : float
        Of the background.
    truth : structured ndarray or None
        What was simulated.
    """

    ours: dict
    theirs: dict
    first: np.ndarray
    second: np.ndarray
    rms: float
    truth: object = None

    def pair(self, name, clean=True):
        """Return a column of both for paired sources, without a flag if clean."""
        first, second = self.first, self.second
        if clean:
            good = (self.ours["flag"][first] == 0) & (self.theirs["FLAGS"][second] == 0)
            first, second = first[good], second[good]
        return self.ours[name][first], self.theirs[name][second]

    def share(self, which):
        """Return the share of bright sources of ``ours`` or ``theirs`` that are paired."""
        table = getattr(self, which)
        with np.errstate(invalid="ignore"):
            bright = table["flux_auto"] > BRIGHT * table["fluxerr_auto"]
        rows = self.first if which == "ours" else self.second
        return np.isin(np.flatnonzero(bright), rows).mean() if bright.any() else 1.0


def compare(shot, folder, config=SETTINGS, **options):
    """Measure a frame with both programs.

    Parameters
    ----------
    shot : Shot
        A `weight` of it holds inverse variances; on `detect` the sources are found. Narrow
        gaps in the weights are bridged by neither program: they do it in different ways.
    folder : Path
        For the files of the program.
    config : mr_extract.settings.config.Config
    **options
        Further settings of SExtractor.

    Returns
    -------
    Both
    """
    from astropy.io import fits

    paths = {}
    for name, planes in {"frame": (shot.data, shot.header), **shot.companions}.items():
        paths[name] = Path(folder) / f"{name}.fits"
        fits.writeto(paths[name], *planes, overwrite=True, output_verify="silentfix")
    ours = {}
    if "weight" in paths:
        options = {"WEIGHT_TYPE": "MAP_WEIGHT", "WEIGHT_IMAGE": paths["weight"],
                   "INTERP_TYPE": "NONE", **options}
        config = config.updated(interp_maxlag=0)
        ours["weight"] = shot.companions["weight"][0]
    if "detect" in paths:
        ours["detect"] = paths["detect"]
    program = SExtractor(Path(folder), config, "FITS_1.0", **LARGE, **options)
    subprocess.run(program.command(paths["frame"], paths.get("detect")), cwd=folder, check=True,
                   timeout=600)
    with fits.open(program.catalog) as units:
        rows = units[1].data
        cells = {name: np.asarray(rows[name]) for name in rows.names}
    table = extract(paths["frame"], config, **ours)
    ours = {name: np.asarray(table[name]) for name in table.colnames}
    ours["FLAGS"] = to_sextractor(ours["flag"])
    theirs = {"FLAGS": cells["FLAGS"]}
    for name, column in choose(config.output.columns, config.measurement).items():
        values = cells.get(column.sextractor)
        if values is None:
            continue
        if column.vector:
            values = values.reshape(len(rows), -1)[:, int(name.rsplit("_", 1)[1]) - 1]
        pixel = column.unit == "pix" and column.ucd.startswith("pos.cartesian")
        theirs[name] = values - 1 if pixel else values
    first, second = matched(ours["x"], ours["y"], theirs["x"], theirs["y"])
    return Both(ours, theirs, first, second, table.meta["rms"], shot.truth)


def difference(name, column, both):
    """Return differences of a column for clean pairs, in the measure that means something.

    Returns
    -------
    values : ndarray of float64
    unit : str
        ``deg`` and ``pix`` as they are, ``"`` on the sky, ``mag``, ``1`` for whole
        numbers, ``rms`` of the background, otherwise relative in ``%``.
    """
    ours, theirs = (np.asarray(values, float) for values in both.pair(name))
    if len(ours) == 0:
        return np.zeros(0), ""
    with np.errstate(all="ignore"):
        if "theta" in name:
            long = both.pair("a")[1] > 1.2 * both.pair("b")[1]
            return ((ours - theirs + 90) % 180 - 90)[long], "deg"
        if name in ("background", "threshold"):
            return (ours - theirs) / both.rms, "rms"
        if name.startswith(("ra", "dec", "lon", "lat")):
            return 3600 * ((ours - theirs + 180) % 360 - 180), '"'
        if column.ucd.startswith("pos.cartesian"):
            return ours - theirs, "pix"
        if column.unit.startswith("mag"):
            valid = theirs < 99
            return (ours - theirs)[valid], "mag"
        if column.dtype == "i4":
            return ours - theirs, "1"
        if name.startswith(("xy", "errxy", "cxy", "errcxy")):
            return ours - theirs, "abs"
        return 100 * (ours / theirs - 1)[theirs != 0], "%"
