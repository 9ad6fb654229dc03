"""Which sky positions lie in an image, and at which pixels."""

from collections.abc import Mapping

import numpy as np

from mr_extract.astrometry import sky_positions
from mr_extract.astrometry.inverse import improved, is_gnomonic, projected, unit_vectors
from mr_extract.failures import ImageFailure

__all__ = ["in_footprint", "unit_vectors"]

_GRID = 12  # nodes along an axis, from the nearest of which the search begins
_WIDE = np.cos(np.radians(50.0))
_EXACT = 1e-12  # radians
_NEAR = 0.01  # pixels: wcslib has the projection CSC in single precision
#: Indices of positions (None without celestial coordinates), and x and y of each.
Placed = tuple[np.ndarray, np.ndarray, np.ndarray] | tuple[None, None, None]
STEP = 2.0**-20  # pixels


def settled(position: np.ndarray) -> np.ndarray:
    """Return pixel positions to a grid of 1e-6 pixels, on which borders of pixels lie.

    Of the same place two tiles of an image have pixels that differ in the last digits; on
    this grid they are the same, and so is the answer to whose it is.
    """
    return np.round(position / STEP) * STEP


def in_footprint(
    header: Mapping, shape: tuple[int, int], vectors: np.ndarray, reach: float = 0.0
) -> Placed:
    """Find the directions that an image covers.

    Parameters
    ----------
    header : mapping
        As for `mr_extract.astrometry.sky_positions`.
    shape : tuple of int
        Height and width of the image in pixels.
    vectors : ndarray of float64, shape (3, n)
        Unit vectors, ICRS; nan lies outside.
    reach : float
        Pixels around the image that count as well.

    Returns
    -------
    which : ndarray of int64, shape (m,), or None
        Indices of those on the image, ascending; None where the header has no
        celestial coordinates. Where a map shows a direction more than once, it is there
        as often, first where its longitude is nearest the middle of the projection.
    x, y : ndarray of float64, shape (m,)
        0-based pixels, to 1e-6.

    Raises
    ------
    ImageFailure
        ``broken-wcs``.

    Notes
    -----
    All directions are compared with the circle around the image, which costs
    some milliseconds for a million.
    """
    height, width = shape
    edges = [np.linspace(-0.5 - reach, n - 0.5 + reach, _GRID) for n in (width, height)]
    grid_x, grid_y = (axis.ravel() for axis in np.meshgrid(*edges))
    positions = sky_positions(header, grid_x, grid_y)
    if positions is None:
        return None, None, None
    grid = unit_vectors(*positions)
    near, narrow = _in_circle(grid, vectors)
    if not len(near):
        return near, np.zeros(0), np.zeros(0)
    wanted = vectors[:, near]
    if narrow and is_gnomonic(header):
        start = _nearest(grid, wanted)
        x, y, good = improved(header, wanted, grid_x[start], grid_y[start], shape)
        if not good.all():
            x[~good], y[~good], *_ = _by_projection(header, wanted[:, ~good], shape)
        on = np.flatnonzero(_inside(x, y, shape, reach))
        return near[on], x[on], y[on]
    x, y, steps, size = _by_projection(header, wanted, shape)
    found = [np.flatnonzero(_inside(x, y, shape, reach))]
    places = [(x[found[0]], y[found[0]])]
    for step in sorted(steps, key=lambda step: np.hypot(*step)):
        u, v = x + step[0], y + step[1]
        again = np.flatnonzero(_inside(u, v, shape, reach))
        gap = _gap(header, wanted[:, again], u[again], v[again])
        again = again[gap < _NEAR * size]
        found.append(again)
        places.append((u[again], v[again]))
    order = np.argsort(np.concatenate(found), kind="stable")
    x, y = (np.concatenate(v)[order] for v in zip(*places))
    return near[np.concatenate(found)[order]], x, y


def _inside(x, y, shape, reach):
    (height, width), (x, y) = shape, (settled(x), settled(y))
    return ((x >= -0.5 - reach) & (x < width - 0.5 + reach)
            & (y >= -0.5 - reach) & (y < height - 0.5 + reach))


def _in_circle(grid, vectors):
    """Return which directions lie in the circle around the nodes, and whether it is small."""
    near = np.flatnonzero(np.isfinite(vectors[2]))
    centre = grid.mean(1)
    length = np.sqrt((centre**2).sum())
    if not length > 0.2:  # it is the whole sky, or has corners beyond it
        return near, False
    centre /= length
    spread = (centre @ grid).min()
    if spread < _WIDE:
        return near, False
    # Curved edges reach a little further out than the nodes on them.
    limit = np.cos(1.05 * np.arccos(min(spread, 1.0)) + 1e-6)
    along = centre[0] * vectors[0]
    along += centre[1] * vectors[1]
    along += centre[2] * vectors[2]
    return np.flatnonzero(along >= limit), True


def _nearest(grid, wanted):
    result = np.empty(wanted.shape[1], np.int64)
    for first in range(0, wanted.shape[1], 16384):
        part = slice(first, first + 16384)
        result[part] = np.einsum("ik,ij->jk", grid, wanted[:, part]).argmax(1)
    return result


def _by_projection(header, wanted, shape):
    """Return pixels by the inverse of the projection, improved where that is not all.

    Also returns the steps to where the map shows a direction again, and the size of a pixel
    in radians.
    """
    x, y, steps, size = projected(header, wanted, shape)
    shown = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    gap = _gap(header, wanted[:, shown], x[shown], y[shown])
    # Where a pixel of the projection has no position it lies on the very edge of the map.
    off, gap = shown[gap > _EXACT], gap[gap > _EXACT]
    if len(off):
        u, v, _ = improved(header, wanted[:, off], x[off], y[off], shape)
        smaller = _gap(header, wanted[:, off], u, v)
        better = smaller < gap
        x[off[better]], y[off[better]] = u[better], v[better]
        lost = off[~(np.fmin(gap, smaller) < _NEAR * size)]
        x[lost] = y[lost] = np.nan
    return x, y, steps, size


def _gap(header, wanted, x, y):
    """Return how far pixels are from directions, in radians; nan where they have none."""
    if not len(x):
        return np.zeros(0)
    try:
        there = unit_vectors(*sky_positions(header, x, y))
    except ImageFailure:  # none of them has a position
        return np.full(len(x), np.nan)
    return np.sqrt(((there - wanted) ** 2).sum(0))
