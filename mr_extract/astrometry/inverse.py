"""Pixels of sky positions: the inverse of `mr_extract.astrometry.sky_positions`.

The inverse of a projection is wcslib's, which is exact. Where a header has more than that,
a distortion, Newton's method goes on from there with `sky_positions` itself, so that one
definition of a header's coordinates serves both ways.
"""

from collections.abc import Mapping
from typing import cast

import numpy as np

from mr_extract.astrometry import axes_of, celestial_wcs, sky_positions, turns_of
from mr_extract.failures import ImageFailure
from mr_extract.images.cards import cards_of
from mr_extract.portable.angles import arctan2

_ROUNDS = 20
_CLOSE = 1e-7  # pixels


def unit_vectors(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return directions as unit vectors.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, shape (n,)
        Degrees.

    Returns
    -------
    ndarray of float64, shape (3, n)
    """
    longitude, latitude = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(latitude) * np.cos(longitude),
                     np.cos(latitude) * np.sin(longitude), np.sin(latitude)])


def degrees(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude (0 to 360) and latitude in degrees of vectors, shape (3, n)."""
    x, y, z = vectors
    return np.degrees(arctan2(y, x)) % 360.0, np.degrees(arctan2(z, np.hypot(x, y)))


def is_gnomonic(header: Mapping) -> bool:
    """Tell whether the projection is TAN, with or without a distortion."""
    axes = axes_of(cards_of(header))
    return axes is not None and axes[0][5:8] in ("TAN", "TPV", "TNX")


def projected(
    header: Mapping, vectors: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], float]:
    """Return the pixels of directions by the projection alone, without distortions.

    Parameters
    ----------
    header : mapping
        As for `mr_extract.astrometry.sky_positions`.
    vectors : ndarray of float64, shape (3, n)
        Unit vectors, ICRS.
    shape : tuple of int
        Height and width of the image.

    Returns
    -------
    x, y : ndarray of float64, shape (n,)
        0-based pixels, counted from the `origin` of the header; nan where the projection
        does not show a direction.
    steps : list of ndarray of float64, shape (2,)
        By how many pixels in x and y the same directions come again, within the image and
        one turn more; none for most projections.
    size : float
        Of a pixel, in radians.

    Raises
    ------
    ImageFailure
        ``broken-wcs``.
    """
    from astropy.coordinates import ICRS, SkyCoord

    header = cards_of(header)
    wcs, frame = celestial_wcs(header)
    if wcs.wcs.ctype[wcs.wcs.lng][5:8] == "SZP":
        wcs.wcs.bounds_check(True, False)  # its horizon is not the same both ways
    longitude, latitude = degrees(vectors)
    if not frame.is_equivalent_frame(ICRS()):
        place = SkyCoord(longitude, latitude, unit="deg", frame=ICRS()).transform_to(frame)
        longitude, latitude = place.spherical.lon.deg, place.spherical.lat.deg
    world = np.empty((len(longitude), 2))
    world[:, wcs.wcs.lng], world[:, wcs.wcs.lat] = longitude, latitude
    size = np.radians(np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix))))
    origin = getattr(header, "origin", (0, 0))
    pixels = wcs.wcs_world2pix(world, 0) - origin
    across, up = np.array([0, 1, 0, 1]) * shape[1], np.array([0, 0, 1, 1]) * shape[0]
    step, turns = turns_of(wcs, across + origin[0], up + origin[1])
    steps = []
    if step is not None:
        steps = [k * step for k in range(int(turns.min()) - 1, int(turns.max()) + 2) if k]
    return pixels[:, 0], pixels[:, 1], steps, size


def improved(
    header: Mapping, wanted: np.ndarray, x: np.ndarray, y: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Improve pixels until they map to given directions, by Newton's method.

    Parameters
    ----------
    header : mapping
    wanted : ndarray of float64, shape (3, n)
        Unit vectors, ICRS.
    x, y : ndarray of float64, shape (n,)
        Where to begin.
    shape : tuple of int
        Height and width of the image, which is not left by more than its size.

    Returns
    -------
    x, y : ndarray of float64, shape (n,)
    good : ndarray of bool, shape (n,)
        Whether they map to the directions.
    """
    height, width = shape
    x, y = x.copy(), y.copy()
    last_x, last_y = x.copy(), y.copy()
    good, active = np.zeros(len(x), bool), np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    for _ in range(_ROUNDS):
        if not len(active):
            break
        n, u, v = len(active), x[active], y[active]
        try:
            ra, dec = cast(tuple[np.ndarray, np.ndarray], sky_positions(
                header, np.concatenate([u, u + 1.0, u]), np.concatenate([v, v, v + 1.0])
            ))
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
        # The step to the opposite side of the sky is none, too.
        good[active[small & ((gap**2).sum(0) < xx + yy)]] = True
        moving = ~small & np.isfinite(dx) & np.isfinite(dy)
        active = np.concatenate([active[moving], back])
    return x, y, good
