"""How close the numbers are to SExtractor's, on real and on simulated frames."""

import argparse
import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.accuracy.matching import matched
from bench.accuracy.pulls import RATIOS, equal_stars, pull_widths, pulls_table
from bench.processes import ROOT
from bench.report import Section, give, takes_output
from bench.sextractor import SExtractor
from mr_extract import Config, extract
from mr_extract.columns import choose
from mr_extract.images import read_image
from mr_extract.sextractor.flags import to_sextractor

BRIGHT = 5.0  # signal to noise
REAL = {
    "SDSS": ("a/obs_sdss/fpC-005754-r3-0280.fit.gz", None),
    "CFHT": ("b/cfht/CFHTLS-test_g.fits", None),
    "2MASS": ("b/2mass/aK_asky_990502s1420186.fits.gz", None),
    "DECam": ("d/decam_case8_fz/c4d_130105_065255_ooi_r_a1-N15.fits.fz", None),
    "GMOS": ("d/gmos/gmos.fits", 1),
}
# Frames with a companion: which frame of the above, what of `compare`, and its file.
WITH = {
    "DECam, weights": (
        "DECam", "weight", "d/decam_case8_fz/c4d_130105_065255_oow_r_a1-N15.fits.fz"),
    "CFHT, g on i": ("CFHT", "detect", "b/cfht/CFHTLS-test_i.fits"),
}
# SExtractor takes the card GAINA for GAIN, as one begins with the other: ask both for it.
KEYS = {"DECam": {"gain_key": "GAINA"}, "DECam, weights": {"gain_key": "GAINA"}}
SETTINGS = Config().updated(columns=("all",), apertures=(5.0, 12.0), flux_fractions=(0.2, 0.5, 0.8))


@dataclass
class Shot:
    """A frame to compare.

    Parameters
    ----------
    name : str
    data : ndarray, shape (height, width)
    header : astropy.io.fits.Header
    truth : structured ndarray or None
        What was simulated.
    companions : dict of str to (ndarray, astropy.io.fits.Header)
        `weight` or `detect`, as `compare` takes them.
    """

    name: str
    data: np.ndarray
    header: object
    truth: object = None
    companions: dict = field(default_factory=dict)

    def config(self, base):
        """Return a configuration with what the cards of the frame ask for."""
        return base.updated(**KEYS.get(self.name, {}))


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
    config : mr_extract.config.Config
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


def data_folder():
    """Return the folder of real frames, as the tests find it."""
    return Path(os.environ.get("MR_EXTRACT_DATA", ROOT.parent / "shared" / "data"))


def frames(shared):
    """Yield the frames to compare, those of a folder only if there is one."""
    from preprocess.simulation.frame import simulate_frame

    yield Shot("simulated", *simulate_frame(17, 0))
    if not shared:
        return
    for name, (path, ext) in REAL.items():
        yield Shot(name, *_planes(shared, path, ext))
    for name, (frame, what, path) in WITH.items():
        companions = {what: _planes(shared, path)}
        yield Shot(name, *_planes(shared, *REAL[frame]), companions=companions)


def _planes(shared, path, ext=None):
    image = read_image((Path(shared) / path).read_bytes(), ext)
    data = np.where(image.mask, np.nan, image.data) if image.mask is not None else image.data
    return data, _header(image)


def _header(image):
    from astropy.io import fits

    header = fits.Header.fromstring(image.header.text)
    drop = ("BITPIX", "NAXIS*", "BSCALE", "BZERO", "BLANK", "Z*", "XTENSION", "EXTNAME",
            "PCOUNT", "GCOUNT", "TFIELDS", "TTYPE*", "TFORM*", "CHECKSUM", "DATASUM")
    for pattern in drop:
        for keyword in list(header[pattern] if "*" in pattern else [pattern]):
            header.remove(keyword, ignore_missing=True)
    return header


def sources_table(results):
    """Return the section on which sources are found."""
    section = Section(
        "Sources", "Pairs are each other's nearest within a pixel. With S/N above "
        f"{BRIGHT:g} (flux_auto): the share of ours that SExtractor has, and of its that we have.",
        ("frame", "ours", "SExtractor", "pairs", "ours that it has", "its that we have",
         "same FLAGS"),
    )
    for name, both in results.items():
        same = both.ours["FLAGS"][both.first] == both.theirs["FLAGS"][both.second]
        section.add(name, len(both.ours["x"]), len(both.theirs["x"]), len(both.first),
                    f"{100 * both.share('ours'):.2f} %", f"{100 * both.share('theirs'):.2f} %",
                    f"{100 * same.mean():.1f} %")
    return section


def columns_table(results):
    """Return the section on columns."""
    section = Section(
        "Columns", "Differences of paired sources that neither program flags: median and, "
        "behind the stroke, the value that 95 % stay below, both without sign. In per cent, but "
        "positions in pixels, sky positions in arcseconds, angles (of elongated sources) in "
        "degrees, magnitudes in magnitudes, background and threshold in rms, whole numbers and "
        "covariances (abs) as they are.",
        ("SExtractor", "ours", "in", *results),
    )
    for name, column in choose(SETTINGS.output.columns, SETTINGS.measurement).items():
        if not all(name in both.theirs for both in results.values()) or name == "number":
            continue
        cells, unit = [], ""
        for both in results.values():
            values, found = difference(name, column, both)
            values = np.abs(values[np.isfinite(values)])
            unit = unit or found
            cells.append(f"{_short(np.median(values))} / {_short(np.percentile(values, 95))}"
                         if len(values) else "-")
        section.add(column.sextractor, f"`{name}`", unit, *cells)
    return section


def _short(value):
    return f"{value:.1g}" if value < 0.1 else f"{value:.2g}"


def truth_table(both, zero_point, step=1.0):
    """Return the section on completeness, purity and errors against the simulated truth."""
    section = Section(
        "Truth", "A simulated frame, by magnitude: share of true sources that are found within "
        "two pixels, and share of detections that are true, by our FLUX_AUTO or its.",
        ("magnitude", "true sources", "complete, ours", "SExtractor", "pure, ours", "SExtractor"),
    )
    truth = both.truth
    edges = np.arange(np.floor(truth["mag"].min()), 22.0, step)
    for low in edges:
        chosen = (truth["mag"] >= low) & (truth["mag"] < low + step)
        if chosen.sum() < 5:
            continue
        cells = []
        for table in (both.ours, both.theirs):
            _, found = matched(table["x"], table["y"], truth["x"], truth["y"], 2.0)
            cells.append(f"{100 * np.isin(np.flatnonzero(chosen), found).mean():.1f} %")
        for table in (both.ours, both.theirs):
            with np.errstate(all="ignore"):
                mag = zero_point - 2.5 * np.log10(table["flux_auto"])
            rows = np.flatnonzero((mag >= low) & (mag < low + step))
            real, _ = matched(table["x"], table["y"], truth["x"], truth["y"], 2.0)
            cells.append(f"{100 * np.isin(rows, real).mean():.1f} %" if len(rows) else "-")
        section.add(f"{low:g} to {low + step:g}", int(chosen.sum()), *cells)
    return section


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m bench agreement", description=__doc__)
    parser.add_argument("--data", type=Path, default=data_folder(), metavar="DIR",
                        help="folder of real frames")
    takes_output(parser)
    options = parser.parse_args(arguments)
    results, zero_point = {}, 0.0
    for shot in frames(options.data if options.data.is_dir() else None):
        with tempfile.TemporaryDirectory() as folder:
            results[shot.name] = compare(shot, folder, shot.config(SETTINGS))
        if shot.truth is not None:
            zero_point = shot.header["MAGZP"]
    sections = [sources_table(results), columns_table(results),
                truth_table(results["simulated"], zero_point)]
    widths = {}
    for ratio in RATIOS:
        with tempfile.TemporaryDirectory() as folder:
            widths[ratio] = pull_widths(
                compare(Shot("equal stars", *equal_stars(ratio)), folder))
    sections.append(pulls_table(widths))
    give(sections, options.output)
