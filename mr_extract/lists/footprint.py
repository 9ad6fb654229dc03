"""Which sky positions lie in an image, and at which pixels.

`mr_extract.astrometry.sky_positions` is inverted numerically, so that one
definition of a header's coordinates serves both ways, with any projection and
distortion.
"""

import numpy as np

from mr_extract.astrometry import sky_positions
from mr_extract.failures import ImageFailure

_GRID = 12  # nodes along an axis, from the nearest of which the search begins
_ROUNDS = 20
_CLOSE = 1e-7  # pixels


def unit_vectors(ra, dec):
    """Return directions as unit vectors.

    Parameters
    ----------
    ra, dec : ndarray of float64, shape (n,)
        Degrees.

    Returns
    -------
    ndarray of float64, shape (3, n)
    """
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def inside(x, y, shape):
    """Say which pixel positions lie on the pixels of an image.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        0-based pixels; nan lies outside.
    shape : tuple of int
        Height and width.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    height, width = shape
    return (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)


def in_footprint(header, shape, vectors):
    """Find the directions that an image covers.

    Parameters
    ----------
    header : mapping
        As for `mr_extract.astrometry.sky_positions`.
    shape : tuple of int
        Height and width of the image in pixels.
    vectors : ndarray of float64, shape (3, n)
        Unit vectors, ICRS.

    Returns
    -------
    which : ndarray of int64, shape (m,), or None
        Indices of those on the image, ascending; None where the header has no
        celestial coordinates.
    x, y : ndarray of float64, shape (m,)
        0-based pixels, to 1e-6.

    Raises
    ------
    ImageFailure
        ``broken-wcs``.

    Notes
    -----
    All directions are compared with the circle around the image, which costs
    some milliseconds for a million; those within are sought by Newton's method.
    """
    height, width = shape
    edges = [np.linspace(-0.5, n - 0.5, _GRID) for n in (width, height)]
    grid_x, grid_y = (axis.ravel() for axis in np.meshgrid(*edges))
    positions = sky_positions(header, grid_x, grid_y)
    if positions is None:
        return None, None, None
    grid = unit_vectors(*positions)
    known = np.isfinite(grid).all(0)
    near = np.arange(vectors.shape[1])
    centre = grid[:, known].mean(1) if known.all() else np.zeros(3)
    length = np.sqrt((centre**2).sum())
    if length > 0.2:  # else it is the whole sky, or has corners beyond it
        centre /= length
        spread = (centre @ grid).min()
        # Curved edges reach a little further out than the nodes on them.
        limit = np.cos(min(np.pi, 1.05 * np.arccos(np.clip(spread, -1.0, 1.0)) + 1e-6))
        along = centre[0] * vectors[0]
        along += centre[1] * vectors[1]
        along += centre[2] * vectors[2]
        near = np.flatnonzero(along >= limit)
    if not len(near):
        return near, np.zeros(0), np.zeros(0)
    wanted = vectors[:, near]
    start = np.where(known)[0][_nearest(grid[:, known], wanted)]
    x, y, good = _solved(header, wanted, grid_x[start], grid_y[start], shape)
    good &= inside(x, y, shape)
    return near[good], x[good], y[good]


def _nearest(grid, wanted):
    result = np.empty(wanted.shape[1], np.int64)
    for first in range(0, wanted.shape[1], 16384):
        part = slice(first, first + 16384)
        result[part] = np.einsum("ik,ij->jk", grid, wanted[:, part]).argmax(1)
    return result


def _solved(header, wanted, x, y, shape):
    """Return the pixels that map to unit vectors, and whether they were found."""
    height, width = shape
    x, y = x.copy(), y.copy()
    last_x, last_y = x.copy(), y.copy()
    good, active = np.zeros(len(x), bool), np.arange(len(x))
    for _ in range(_ROUNDS):
        n, u, v = len(active), x[active], y[active]
        try:
            ra, dec = sky_positions(
                header, np.concatenate([u, u + 1.0, u]), np.concatenate([v, v, v + 1.0])
            )
        except ImageFailure:
            break  # no finite position: all that are left went off the sky
        there = unit_vectors(ra, dec)
        here, right, up = there[:, :n], there[:, n : 2 * n], there[:, 2 * n :]
        lost = ~np.isfinite(there.sum(0)).reshape(3, n).all(0)
        if lost.any():  # where the projection has no sky: go half of the step
            back = active[lost]
            x[back], y[back] = (x[back] + last_x[back]) / 2.0, (y[back] + last_y[back]) / 2.0
        here, right, up = here[:, ~lost], right[:, ~lost], up[:, ~lost]
        active, back, u, v = active[~lost], active[lost], u[~lost], v[~lost]
        gap, along_x, along_y = wanted[:, active] - here, right - here, up - here
        # Least squares of gap = along_x dx + along_y dy.
        xx, yy, xy = (along_x**2).sum(0), (along_y**2).sum(0), (along_x * along_y).sum(0)
        gx, gy = (gap * along_x).sum(0), (gap * along_y).sum(0)
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = 1.0 / (xx * yy - xy * xy)
            dx, dy = (yy * gx - xy * gy) * scale, (xx * gy - xy * gx) * scale
        last_x[active], last_y[active] = u, v
        # A step that leaves the image altogether is cut: projections end somewhere.
        x[active] = np.clip(u + dx, -width, 2.0 * width)
        y[active] = np.clip(v + dy, -height, 2.0 * height)
        small = (np.abs(dx) < _CLOSE) & (np.abs(dy) < _CLOSE)
        good[active[small]] = True
        moving = ~small & np.isfinite(dx) & np.isfinite(dy)
        active = np.concatenate([active[moving], back])
        if not len(active):
            break
    return x, y, good
