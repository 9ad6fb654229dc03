"""Which sky positions lie in an image, and at which pixels."""

import numpy as np

from mr_extract.astrometry import sky_positions
from mr_extract.failures import ImageFailure
from mr_extract.sky_to_pixels import improved, is_gnomonic, projected, unit_vectors

__all__ = ["in_footprint", "unit_vectors"]

_GRID = 12  # nodes along an axis, from the nearest of which the search begins
_WIDE = np.cos(np.radians(50.0))
_EXACT, _NEAR = 1e-12, 1e-9  # radians
STEP = 2.0**-20  # pixels


def settled(position):
    """Return pixel positions to a grid of 1e-6 pixels, on which borders of pixels lie.

    Of the same place two tiles of an image have pixels that differ in the last digits; on
    this grid they are the same, and so is the answer to whose it is.
    """
    return np.round(position / STEP) * STEP


def in_footprint(header, shape, vectors, reach=0.0):
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
        order, turn = np.arange(len(near)), None
        if not good.all():
            x[~good], y[~good], _ = _by_projection(header, wanted[:, ~good], shape)
    else:
        x, y, turn = _by_projection(header, wanted, shape)
        order = np.arange(len(near))
    if turn is not None:
        order = np.tile(order, 3)
        x, y = (np.concatenate([v, v + step, v - step]) for v, step in zip((x, y), turn))
    u, v = settled(x), settled(y)
    on = np.flatnonzero((u >= -0.5 - reach) & (u < width - 0.5 + reach)
                        & (v >= -0.5 - reach) & (v < height - 0.5 + reach))
    on = on[np.argsort(order[on], kind="stable")]
    return near[order[on]], x[on], y[on]


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
    """Return pixels by the inverse of the projection, improved where that is not all."""
    x, y, turn = projected(header, wanted)
    shown = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    gap = _gap(header, wanted[:, shown], x[shown], y[shown])
    # Where the pixel has no position it lies on the very edge of the map.
    off = shown[gap > _EXACT]
    if len(off):
        u, v, good = improved(header, wanted[:, off], x[off], y[off], shape)
        x[off[good]], y[off[good]] = u[good], v[good]
        lost = shown[gap > _NEAR]
        lost = lost[~np.isin(lost, off[good])]
        x[lost] = y[lost] = np.nan
    return x, y, turn


def _gap(header, wanted, x, y):
    """Return how far pixels are from directions, in radians; nan where they have none."""
    if not len(x):
        return np.zeros(0)
    try:
        there = unit_vectors(*sky_positions(header, x, y))
    except ImageFailure:  # none of them has a position
        return np.full(len(x), np.nan)
    return np.sqrt(((there - wanted) ** 2).sum(0))
