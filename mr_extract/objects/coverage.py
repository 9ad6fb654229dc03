"""Which images covered a place."""

from collections.abc import Sequence

import numpy as np

from mr_extract.objects.sphere import ARCSEC, positions, vectors


def covered(xyz: np.ndarray, corners: Sequence[float] | np.ndarray) -> np.ndarray:
    """Tell which positions lie in a footprint.

    Parameters
    ----------
    xyz : ndarray of float64, shape (n, 3)
        Unit vectors.
    corners : sequence of 8 float
        ``ra, dec`` of four corners in turn, either way round, in degrees. They are joined by
        great circles, and lie in one hemisphere.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    points = vectors(np.array(corners[0::2], float), np.array(corners[1::2], float))
    sides = np.cross(points, np.roll(points, -1, axis=0))
    towards = xyz @ sides.T
    inside = (towards >= 0).all(axis=1) | (towards <= 0).all(axis=1)
    return inside & (xyz @ points.sum(axis=0) > 0)


def circle_of(corners: Sequence[float] | np.ndarray) -> tuple[float, float, float]:
    """Return the centre (degrees) of a footprint and the radius (arcseconds) that holds it."""
    points = vectors(np.array(corners[0::2], float), np.array(corners[1::2], float))
    centre = points.sum(axis=0)
    centre /= np.linalg.norm(centre)
    farthest = np.arccos(np.clip((points @ centre).min(), -1, 1))
    ra, dec = positions(centre)
    return float(ra), float(dec), float(farthest / ARCSEC)
