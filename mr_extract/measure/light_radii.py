"""Radii that hold fractions of the light."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import sep

from mr_extract.columns.choice import SEARCH_CUT
from mr_extract.compiled import kernels
from mr_extract.measure.apertures import SEARCH
from mr_extract.measure.border import CIRCLE, over_border

if TYPE_CHECKING:
    from mr_extract.measure.surroundings import Surroundings

_MARGIN = 1.5  # pixels beyond a growth curve, to interpolate in
_FAR = 1e9  # pixels, beyond which nothing is computed with whole numbers


def light_radii(
    around: Surroundings, objects: np.ndarray, fractions: Sequence[float], whole: np.ndarray,
    least_reach: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the radii that hold fractions of a flux.

    Parameters
    ----------
    around : mr_extract.measure.surroundings.Surroundings
    objects : structured ndarray, shape (n,)
    fractions : sequence of float, length k
        Between 0 and 1.
    whole : ndarray of float64, shape (n,)
        Flux that is the whole, `flux_auto`.
    least_reach : float
        In pixels, see below.

    Returns
    -------
    radii : ndarray of float64, shape (n, k)
        In pixels, at most 6 a or `least_reach`, whichever is more: the growth curve
        has 64 steps to there. nan where the flux is not positive.
    flag : ndarray of int64, shape (n,)
        `SEARCH_CUT` where the circle of the growth curve reaches over the border.
    failed : ndarray of bool, shape (n,)
    """
    fractions = list(fractions)

    def radii(data, noise, mask, x, y, rmax, whole):
        radius = flux_radius(data, mask, x, y, rmax, whole, fractions)
        return radius, np.zeros(len(x), np.int64)

    reach = np.maximum(SEARCH * objects["a"].astype(float), least_reach)
    whole_reach = reach + _MARGIN
    (radius, _), failed = around.measure(radii, whole_reach, whole_reach, reach, whole, outputs=2)
    cut = over_border(
        around.plane.data.shape, around.x, around.y, whole_reach, whole_reach, CIRCLE)
    radius = np.where((whole > 0)[:, None] & ~failed[:, None], radius, np.nan)
    return radius, np.where(cut, SEARCH_CUT, 0), failed


def flux_radius(
    data: np.ndarray, mask: np.ndarray | None, x: np.ndarray, y: np.ndarray, rmax: np.ndarray,
    whole: np.ndarray, fractions: Sequence[float],
) -> np.ndarray:
    """Return the radii of growth curves at fractions of a flux, as `sep.flux_radius`.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
    mask : ndarray of bool, shape (height, width), or None
        True where a pixel does not count.
    x, y, rmax : ndarray of float64, shape (n,)
        Centres and ends of the curves, in pixels.
    whole : ndarray of float64, shape (n,)
        Fluxes.
    fractions : sequence of float, length k

    Returns
    -------
    ndarray of float64, shape (n, k)

    Notes
    -----
    The curve has 64 steps, and pixels are divided into 5 x 5. The compiled twin begins
    with a quarter of the steps, as most of the light lies there.
    """
    usual = kernels and mask is None and data.dtype == np.float32 and data.flags.c_contiguous
    if usual and len(x) and np.all((np.abs(x) < _FAR) & (np.abs(y) < _FAR)
                                   & (rmax > 0) & (rmax < _FAR)):
        radii = np.empty((len(x), len(fractions)))
        kernels.flux_radius(
            data, *data.shape, *(np.ascontiguousarray(v, np.float64) for v in (x, y, rmax, whole)),
            np.array(fractions, np.float64), radii)
        return radii
    radii, _ = sep.flux_radius(data, x, y, rmax, fractions, normflux=whole, mask=mask, subpix=5)
    return np.reshape(radii, (len(x), len(fractions)))
