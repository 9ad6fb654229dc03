"""Unit vectors and chords: distances that know neither a pole nor right ascension 0."""

import numpy as np

from mr_extract.astrometry.inverse import degrees, unit_vectors
from mr_extract.portable.angles import arcsin

ARCSEC = np.pi / 180 / 3600


def vectors(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Return the unit vectors of positions.

    Parameters
    ----------
    ra, dec : ndarray of float64, shape (n,)
        Degrees.

    Returns
    -------
    ndarray of float64, shape (n, 3)
    """
    return np.ascontiguousarray(np.moveaxis(unit_vectors(ra, dec), 0, -1))


def positions(xyz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return right ascension, 0 to 360, and declination of vectors of any length, in degrees."""
    ra, dec = degrees(np.moveaxis(xyz, -1, 0))
    return np.where(ra == 360.0, 0.0, ra), dec  # of -1e-20, say


def chord(angle: float | np.ndarray) -> np.ndarray:
    """Return the length of the chord of an angle in arcseconds."""
    return 2 * np.sin(np.asarray(angle) * ARCSEC / 2)


def arcseconds(chords: float | np.ndarray) -> np.ndarray:
    """Return the angle of chords, the inverse of `chord`."""
    return 2 * arcsin(np.minimum(np.asarray(chords) / 2, 1.0)) / ARCSEC


def tangents(xyz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the unit vectors to the east and north of each position, each of shape (n, 3).

    At a pole, where there is no east, they are those of right ascension 0.
    """
    level = np.hypot(xyz[:, 0], xyz[:, 1])
    at_pole = level == 0
    level = np.where(at_pole, 1.0, level)
    east = np.stack([-xyz[:, 1] / level, np.where(at_pole, 1.0, xyz[:, 0] / level),
                     np.zeros(len(xyz))], axis=-1)
    return east, np.cross(xyz, east)
