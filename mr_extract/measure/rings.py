"""Light in elliptical rings around objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mr_extract.compiled import kernels
from mr_extract.detection.pairs import ranges
from mr_extract.measure.ellipses import extents
from mr_extract.measure.surroundings import NONE
from mr_extract.measure.within import rows_within

if TYPE_CHECKING:
    from mr_extract.measure.surroundings import Surroundings

_MOST_PIXELS = 1 << 21  # that are looked at together
_FAR = 1e9  # pixels, beyond which nothing is computed with whole numbers


def profiles(
    search: Surroundings, coefficients: tuple[np.ndarray, ...], limit: np.ndarray, rings: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return sums and numbers of pixels in elliptical rings.

    Parameters
    ----------
    search : mr_extract.measure.surroundings.Surroundings
        Neighbours' and bad pixels are left out, bad ones alone where neighbours are taken as
        they are.
    coefficients : tuple of three ndarrays of float64, shape (n,)
        cxx, cyy, cxy of the unit ellipse.
    limit : ndarray of float64, shape (n,)
        How many times that, of the outermost.
    rings : int
        How many, of equal width.

    Returns
    -------
    total, count : ndarray of float64, shape (n, rings)
    """
    n, data = len(search.x), search.plane.data
    total, count = np.zeros((n, rings)), np.zeros((n, rings))
    cxx, cyy, cxy = coefficients
    reach_x, reach_y = extents(cxx, cyy, cxy, limit)
    per_ring = rings / limit
    ellipses = np.stack([search.x, search.y, cxx, cyy, cxy, limit, reach_y, per_ring], 1)
    if kernels and np.all(np.abs(ellipses) < _FAR) and np.all(cxx > 0):
        kernels.profiles(data, *data.shape, *search.others, search.how != NONE, ellipses, total,
                         count)
        return total, count
    size = np.cumsum(4.0 * np.maximum(reach_x, 1.0) * np.maximum(reach_y, 1.0))
    part = (size // _MOST_PIXELS).astype(np.int64)
    for chosen in (np.flatnonzero(part == k) for k in np.unique(part)):
        x, y, a, b, c, far = ellipses[chosen, :6].T
        owner, pixel, r2 = _in_ellipses(data.shape, x, y, a, b, c, far, reach_y[chosen])
        counts = np.ones(len(pixel), bool)
        box, other = search.replaced(chosen, *_boxes(x, y, reach_x[chosen], reach_y[chosen]))
        if len(pixel):  # they ascend with their owners, as the others do
            number, hidden = owner * data.size + pixel, box * data.size + other
            entry = np.minimum(np.searchsorted(number, hidden), len(number) - 1)
            counts[entry[number[entry] == hidden]] = False
        owner, pixel, r2 = owner[counts], pixel[counts], r2[counts]
        ring = (np.sqrt(r2) * per_ring[chosen][owner]).astype(np.int64)
        ring = np.minimum(ring, rings - 1) + owner * rings
        shape = (len(chosen), rings)
        light = np.bincount(ring, data.ravel()[pixel].astype(float), len(chosen) * rings)
        total[chosen] = light.reshape(shape)
        count[chosen] = np.bincount(ring, minlength=len(chosen) * rings).reshape(shape)
    return total, count


def _boxes(x, y, reach_x, reach_y):
    """Boxes that hold ellipses."""
    return tuple(
        (function(centre + side * reach) + beyond).astype(np.int64)
        for centre, reach in ((x, reach_x), (y, reach_y))
        for function, side, beyond in ((np.floor, -1, 0), (np.ceil, 1, 1)))


def _in_ellipses(shape, x, y, cxx, cyy, cxy, r, reach_y):
    """Pixels within ellipses: whose, flat index, and the square of the elliptical radius."""
    line, row, begin, end = rows_within(shape, x, y, cxx, cyy, cxy, r, reach_y)
    of, column = ranges(begin, end - begin)
    owner, dy = line[of], (row - y[line])[of]
    dx = column - x[owner]
    r2 = (cxx[owner] * dx + cxy[owner] * dy) * dx + cyy[owner] * dy * dy
    return owner, column + (row * shape[1])[of], np.maximum(r2, 0.0)
