"""Pixels around a place: values, and where they are in the plane that touches the sky there."""

from dataclasses import dataclass
from typing import cast

import numpy as np

from mr_extract.astrometry.inverse import unit_vectors
from mr_extract.portable.angles import arcsin, arctan2

ARCMIN = np.pi / 10800.0  # radians


@dataclass
class Samples:
    """The pixels around a place.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Arcminutes in the tangent plane (gnomonic): x to the east, along longitude, y to the
        north.
    distance : ndarray of float64, shape (n,)
        Arcminutes on the sphere.
    values : ndarray of float64, shape (n,)
        nan where a pixel was not seen, is masked or is not there.
    area : float
        Solid angle of a pixel in steradians.
    whole : bool
        All pixels in reach are among them; not so at the border of an image.
    sigma : ndarray of float64, shape (n,), or None
        Standard deviations of the values; None where they are not known one by one.
    absolute : bool
        `sigma` is in the units of the values; else a factor is missing that all have in common.
    """

    x: np.ndarray
    y: np.ndarray
    distance: np.ndarray
    values: np.ndarray = cast(np.ndarray, None)  # which `samples_at` leaves to its callers
    area: float = np.nan
    whole: bool = True
    sigma: np.ndarray | None = None
    absolute: bool = False

    def some(self, which: np.ndarray) -> "Samples":
        """Return some of the pixels."""
        return Samples(self.x[which], self.y[which], self.distance[which], self.values[which],
                       self.area, self.whole,
                       None if self.sigma is None else self.sigma[which], self.absolute)


def samples_at(
    vectors: np.ndarray, longitude: float, latitude: float, reach: float
) -> tuple[Samples, np.ndarray]:
    """Return where pixels are as seen from a place, of those within a distance of it.

    Parameters
    ----------
    vectors : ndarray of float64, shape (3, n)
        Unit vectors of their centres.
    longitude, latitude : float
        Degrees.
    reach : float
        Arcminutes.

    Returns
    -------
    samples : Samples
        Without values.
    within : ndarray of int64
        Which of the pixels they are.
    """
    centre, east, north = basis(longitude, latitude)
    # Of the chord: the cosine of a small angle has lost its digits.
    chord = np.sqrt(((vectors - centre[:, None]) ** 2).sum(axis=0))
    distance = 2.0 * arcsin(np.minimum(chord / 2.0, 1.0)) / ARCMIN
    within = np.flatnonzero(distance <= reach)
    vectors = vectors[:, within]
    # Without BLAS, whose last digits depend on the processor.
    along, x, y = ((vectors * axis[:, None]).sum(axis=0) for axis in (centre, east, north))
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = (np.where(along > 0, v / along / ARCMIN, np.nan) for v in (x, y))
    return Samples(x, y, distance[within]), within


def basis(longitude: float, latitude: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return unit vectors to a place, to the east of it and to the north."""
    centre = unit_vectors(np.array([longitude]), np.array([latitude]))[:, 0]
    angle, height = np.radians(longitude), np.radians(latitude)
    x, y = np.cos(angle), np.sin(angle)
    north = np.array([-np.sin(height) * x, -np.sin(height) * y, np.cos(height)])
    return centre, np.array([-y, x, 0.0]), north


def from_plane(longitude: float, latitude: float, x: float, y: float) -> tuple[float, float]:
    """Return longitude and latitude in degrees of a point of the tangent plane (arcminutes)."""
    centre, east, north = basis(longitude, latitude)
    vector = centre + (x * east + y * north) * ARCMIN
    return (float(np.degrees(arctan2(vector[1], vector[0])) % 360.0),
            float(np.degrees(arctan2(vector[2], np.hypot(vector[0], vector[1])))))
