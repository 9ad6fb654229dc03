"""Which share of the stars is found, by signal to noise and seeing, as a picture."""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from bench.machine import where
from bench.report import Section, give, takes_output
from bench.sextractor import PROGRAM

SEEINGS = (2.0, 3.0, 4.0, 6.0, 8.0)
OURS = {"thresh_type": "significance", "thresh": 4.5, "filter_kernel": "seeing", "minarea": 1}
_NOISE, _SIDE, _STARS = 10.0, 1500, 1500
_EDGES = np.arange(3.0, 10.1, 0.5)


def field(fwhm, seed, side=_SIDE, stars=_STARS):
    """Return a frame of Gaussian stars that do not touch, their places and signal to noise.

    Parameters
    ----------
    fwhm : float
        Pixels.
    seed : int
    side, stars : int
        Pixels along an axis; fewer stars where they have no room.

    Returns
    -------
    data : ndarray of float32, shape (side, side)
    x, y, ratio : ndarray of float64, shape (n,)
    """
    rng = np.random.default_rng(seed)
    step = max(int(5 * fwhm) + 14, int(side / np.sqrt(stars)))
    x, y = (axis.ravel() for axis in np.meshgrid(*2 * [np.arange(step, side - step, step)]))
    x, y = (axis + rng.uniform(-0.5, 0.5, len(x)) for axis in (x, y))
    ratio = rng.uniform(2.5, 10.5, len(x))
    bright = rng.permutation(len(x))[:30]
    ratio[bright] = rng.uniform(60, 300, len(bright))
    sigma = fwhm / 2.354820045
    data = rng.normal(100.0, _NOISE, (side, side))
    reach = np.arange(-int(4 * sigma) - 2, int(4 * sigma) + 3)
    for u, v, flux in zip(x, y, ratio * _NOISE * np.sqrt(4 * np.pi) * sigma):
        columns, rows = int(round(u)) + reach, int(round(v)) + reach
        star = np.outer(_profile(rows, v, sigma), _profile(columns, u, sigma))
        data[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1] += flux * star
    return data.astype(np.float32), x, y, ratio


def _profile(pixels, centre, sigma):
    from math import erf

    edges = [erf(v) for v in (np.append(pixels, pixels[-1] + 1) - 0.5 - centre) / sigma / 2**0.5]
    return np.diff(edges) / 2


def ours(data):
    """Return the places of what our significance finds."""
    from mr_extract import extract

    table = extract(data, columns=("x", "y"), **OURS)
    return np.array(table["x"]), np.array(table["y"])


def theirs(data):
    """Return the places of what source-extractor's default finds."""
    from astropy.io import fits

    with tempfile.TemporaryDirectory() as folder:
        fits.writeto(f"{folder}/frame.fits", data)
        Path(folder, "some.param").write_text("X_IMAGE\nY_IMAGE\n")
        Path(folder, "default.conv").write_text("CONV NORM\n1 2 1\n2 4 2\n1 2 1\n")
        subprocess.run([PROGRAM, "frame.fits", "-c", "/dev/null", "-PARAMETERS_NAME", "some.param",
                        "-CATALOG_NAME", "its.cat", "-CATALOG_TYPE", "FITS_1.0", "-VERBOSE_TYPE",
                        "QUIET"], cwd=folder, check=True, timeout=600)
        table = fits.getdata(f"{folder}/its.cat", 1)
        return table["X_IMAGE"] - 1.0, table["Y_IMAGE"] - 1.0


def found_of(fwhm, find, frames=3, side=_SIDE):
    """Return which stars are found, of what signal to noise, and the share that is none.

    Returns
    -------
    ratio : ndarray of float64, shape (n,)
    found : ndarray of bool, shape (n,)
    false : float
    """
    ratios, near, false, count = [], [], 0, 0
    for seed in range(frames):
        data, x, y, ratio = field(fwhm, seed, side)
        u, v = find(data)
        apart = np.hypot(x[:, None] - u, y[:, None] - v)
        ratios.append(ratio)
        near.append(apart.min(1) < max(1.5, fwhm / 2))
        false += np.count_nonzero(apart.min(0) > max(2.0, fwhm))
        count += len(u)
    return np.concatenate(ratios), np.concatenate(near), false / count


def shares(ratio, found):
    """Return which share is found in each step of half a unit of signal to noise."""
    step = np.digitize(ratio, _EDGES) - 1
    return np.array([found[step == k].mean() for k in range(len(_EDGES) - 1)])


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m bench completeness", description=__doc__)
    parser.add_argument("--picture", type=Path, required=True, metavar="FILE")
    parser.add_argument("--frames", type=int, default=3, metavar="N", help="of each seeing")
    takes_output(parser)
    options = parser.parse_args(arguments)
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    section = Section(
        "Completeness", "Stars that are found at a signal to noise of 5 and 6.5 (of the best "
        "photometry; within a quarter of it) and detections that are none, of "
        f"{options.frames} simulated frames of {_SIDE} x {_SIDE} pixels each: ours with "
        "`--thresh-type significance --thresh 4.5 --filter-kernel seeing --minarea 1`, "
        "source-extractor with its default.",
        ("seeing (pixels)", "ours at 5", "at 6.5", "false", "theirs at 5", "at 6.5", "false"))
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4.2), layout="constrained", sharey=True)
    middle = (_EDGES[1:] + _EDGES[:-1]) / 2
    for shade, fwhm in zip(np.linspace(0.0, 0.85, len(SEEINGS)), SEEINGS):
        row = [f"{fwhm:g}"]
        for axis, find in zip(axes, (ours, theirs)):
            ratio, found, false = found_of(fwhm, find, options.frames)
            axis.plot(middle, shares(ratio, found), color=pyplot.cm.viridis(shade), marker="o",
                      markersize=3, label=f"{fwhm:g} pixels, false {100 * false:.1f} %")
            row += [f"{100 * found[np.abs(ratio - at) < 0.25].mean():.0f} %" for at in (5.0, 6.5)]
            row.append(f"{100 * false:.1f} %")
        section.add(*row)
    for axis, title in zip(axes, ("significance 4.5, filter of the seeing",
                                  "source-extractor, default")):
        axis.axhline(0.5, color="0.8", zorder=0)
        axis.axhline(0.9, color="0.8", zorder=0)
        axis.set(title=title, xlabel="signal to noise", xlim=(3, 10), ylim=(0, 1.02))
        axis.legend(title="seeing", fontsize=8)
    axes[0].set_ylabel("share of stars that is found")
    figure.savefig(options.picture, dpi=80, metadata={"Description": f"Made on: {where()}"})
    give([section], options.output)
    return 0
