"""Positions, shapes and fluxes in a Gaussian window that follows the light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mr_extract.columns.choice import SEARCH_CUT
from mr_extract.measure.ellipses import columns
from mr_extract.measure.window_sums import FACTOR, PIXEL, follow_windows

if TYPE_CHECKING:
    from mr_extract.measure.surroundings import Surroundings

SIGMA_PER_RADIUS = 2.0 / 2.35  # window's sigma for a half-light radius, as SExtractor
LEAST_RADIUS = 0.5  # pixels
_SINGULAR = 0.00694  # pix^4, SExtractor's: less is a line
_IN_A_LINE = 0x0008  # sep's flag of an object whose pixels are

# Why a windowed measurement is not given, as SExtractor's FLAGS_WIN.
LINE, NEGATIVE, DARK, LOST = 1, 2, 4, 8


def windowed(
    around: Surroundings, objects: np.ndarray, half_light_radius: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Measure objects in a Gaussian window that is moved to its own barycentre.

    The window's sigma is 2/2.35 of the half-light radius, and it ends at 4 sigma.
    It starts at the isophotal position and moves by twice the offset of the
    barycentre until that is less than 1e-4 pixels, at most 16 times.

    Parameters
    ----------
    around : mr_extract.measure.surroundings.Surroundings
        What is opposite a neighbour's or bad pixel is so with respect to the
        window, wherever it is.
    objects : structured ndarray, shape (n,)
        From `mr_extract.detection.extraction.detect`.
    half_light_radius : ndarray of float64, shape (n,)
        In pixels, at least 0.5; where it is nan the sigma is `a`.

    Returns
    -------
    columns : dict of str to ndarray, shape (n,)
        `x_win`, `y_win`: 0-based pixels; `x2_win` ... `theta_win`: the second
        moments of what is seen through the window, pix^2, which are half of those
        of a Gaussian in a window of its width; `errx2_win` ... `errtheta_win`:
        the variance of the position; `flux_win`, the sum of the image times the
        window, which is 1 in its centre, `fluxerr_win`, which is that in a window
        of given width, `snr_win`; `niter_win`;
        `flag_win`: 1 the moments are those of a line or worse, 2 a variance is
        negative, 4 there is no positive flux, 8 the window strayed: it is more
        than a pixel off along both axes and out of the isophotal ellipse.
        Positions, their errors and moments are nan with any.
    flag : ndarray of int64, shape (n,)
        `SEARCH_CUT` where a window on the way reached over the border.
    """
    radius = np.fmax(half_light_radius, LEAST_RADIUS)
    known = np.isfinite(half_light_radius)
    sigma = np.where(known, SIGMA_PER_RADIUS * radius, objects["a"].astype(float))
    sums = follow_windows(around, sigma)
    return _columns(around, objects, sums), np.where(sums["cut"] > 0, SEARCH_CUT, 0)


def _columns(around, objects, sums):
    tv, x, y = sums["tv"], sums["x"], sums["y"]
    dark = ~(tv > 0.0)
    dx, dy = x - around.x, y - around.y
    off = objects["cxx"] * dx * dx + objects["cyy"] * dy * dy + objects["cxy"] * dx * dy
    lost = ~np.isfinite(off) | ((np.abs(dx) > 1.0) & (np.abs(dy) > 1.0) & (off > 1.0))
    x2 = sums["mx2"] - sums["dx"] ** 2
    y2 = sums["my2"] - sums["dy"] ** 2
    xy = sums["mxy"] - sums["dx"] * sums["dy"]
    determinant = x2 * y2 - xy * xy
    flag = np.where(dark, DARK, 0) | np.where(lost, LOST, 0)
    flag |= np.where((x2 < 0.0) | (y2 < 0.0), NEGATIVE, 0) | np.where(determinant < 0.0, LINE, 0)
    thin = np.where(determinant < _SINGULAR, PIXEL, 0.0)
    none = flag != 0
    moments = (np.where(none, np.nan, v) for v in (x2 + thin, y2 + thin, xy))
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(none, np.nan, (FACTOR / tv) ** 2)
        error = np.sqrt(sums["esum"])
        snr = np.where(error > 0.0, tv / error, np.nan)
    ex2, ey2, exy = (sums[name] * scale for name in ("ex2", "ey2", "exy"))
    least = PIXEL * sums["esum"] * scale
    # Pixels in a line leave the error across it undetermined.
    thin = (objects["flag"] & _IN_A_LINE > 0) & (ex2 * ey2 - exy * exy < least * least)
    thin = np.where(thin, least, 0.0)
    return {
        "x_win": np.where(none, np.nan, x), "y_win": np.where(none, np.nan, y),
        **columns("", "_win", *moments), **columns("err", "_win", ex2 + thin, ey2 + thin, exy),
        "flux_win": tv, "fluxerr_win": error, "snr_win": snr,
        "niter_win": sums["niter"].astype(np.int64), "flag_win": flag,
    }
