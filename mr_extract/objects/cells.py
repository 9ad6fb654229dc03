"""Cells of the sky (HEALPix, nested), and what lies near their borders."""

import numpy as np

from mr_extract.objects.healpix import DEEPEST, cells_of, centres_of
from mr_extract.objects.sphere import ARCSEC, chord, positions, tangents, vectors

_AROUND = 16  # points on a circle about a position
# A cell is convex but for the bend of its sides, which is nothing over a radius: what lies
# outside of it is half-planes, and one that is within the radius holds one of the points.
_WIDER = 1.2  # > 1 / cos(pi / _AROUND)


def cells_around(ra: float, dec: float, radius: float, order: int) -> np.ndarray:
    """Return the cells that may have a part within a circle, and perhaps some beside them.

    Parameters
    ----------
    ra, dec : float
        Degrees.
    radius : float
        Arcseconds.
    order : int

    Returns
    -------
    ndarray of int64
    """
    place = vectors(np.array([ra]), np.array([dec]))
    cells = np.arange(12)
    for level in range(order + 1):
        if level:
            cells = (4 * cells[:, None] + np.arange(4)).ravel()
        # No point of a cell is as far from its middle as twice its mean size.
        reach = chord(min(radius + 2 * size_of(level), 180 * 3600))
        apart = ((vectors(*centres_of(cells, level)) - place) ** 2).sum(axis=1)
        cells = cells[apart <= reach**2 * (1 + 1e-12)]
    return cells


def size_of(order: int) -> float:
    """Return the side, in arcseconds, of a square as large as a cell."""
    return float(np.sqrt(4 * np.pi / 12 / 4.0**order) / ARCSEC)


def finest_order(radius: float, times: float) -> int:
    """Return the finest order whose cells are some times larger than a radius in arcseconds."""
    order = DEEPEST
    while order and size_of(order) < times * radius:
        order -= 1
    return order


def near_border(ra: np.ndarray, dec: np.ndarray, order: int, radius: float) -> np.ndarray:
    """Tell of positions whether a place within a radius may lie in another cell.

    Parameters
    ----------
    ra, dec : ndarray of float64, shape (n,)
        Degrees.
    order : int
        Of the cells, which are at least ten times larger than the radius.
    radius : float
        Arcseconds.

    Returns
    -------
    ndarray of bool, shape (n,)
        Never false where there is one; true of some positions to 1.2 times the radius from
        the border.

    Raises
    ------
    ValueError
        When the cells are too small.
    """
    if size_of(order) < 10 * radius:
        raise ValueError(f"cells of order {order} are no ten times larger than {radius:g} arcsec")
    near = np.zeros(len(ra), bool)
    at = np.flatnonzero(_in_outermost(ra, dec, order, radius))
    xyz = vectors(ra[at], dec[at])
    own = cells_of(ra[at], dec[at], order)
    east, north = tangents(xyz)
    reach = _WIDER * radius * ARCSEC
    for angle in np.arange(_AROUND) * (2 * np.pi / _AROUND):
        side = east * np.cos(angle) + north * np.sin(angle)
        near[at] |= cells_of(*positions(xyz * np.cos(reach) + side * np.sin(reach)), order) != own
    return near


def _in_outermost(ra, dec, order, radius):
    """Tell what lies in the outermost ones of the small cells of which a cell consists."""
    levels = finest_order(radius, 8) - order  # cells nowhere as narrow as the radius
    if levels < 2:
        return np.ones(len(ra), bool)
    whole = 4**levels - 1
    place = cells_of(ra, dec, order + levels) & whole
    columns = 0x5555555555555555 & whole
    rows = whole ^ columns
    across, along = place & columns, place & rows
    return (across == 0) | (across == columns) | (along == 0) | (along == rows)
