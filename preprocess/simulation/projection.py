"""The strip on the sky, and the tangent-plane projection of one frame.

Pixels are 0-based: the centre of the first pixel is (0, 0), x along a row, y along a column.
As in SDSS, the sky drifts along the columns of the detector: y grows along the scan (eastward
where the strip begins) and x across it (northward).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Strip:
    """A strip along a great circle that leaves its first point eastward.

    Parameters
    ----------
    ra, dec : float
        ICRS position of the first point in degrees.

    Notes
    -----
    Strip coordinates are the angle along the great circle and the angle across it, positive
    towards the north, both in degrees from the first point.
    """

    ra: float
    dec: float

    def axes(self) -> np.ndarray:
        """Give unit vectors towards the first point, along the strip and across it (rows)."""
        return np.stack(sky_axes(self.ra, self.dec))

    def vectors(self, along: ArrayLike, across: ArrayLike) -> np.ndarray:
        """Turn strip coordinates in degrees into unit vectors on the sky, shape (..., 3)."""
        along, across = np.radians(along), np.radians(across)
        parts = [np.cos(across) * np.cos(along), np.cos(across) * np.sin(along), np.sin(across)]
        return np.stack(parts, axis=-1) @ self.axes()

    def coordinates(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turn unit vectors into strip coordinates (along, across) in degrees."""
        x, y, z = np.moveaxis(vectors @ self.axes().T, -1, 0)
        return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))

    def direction(self, along: float) -> np.ndarray:
        """Give the unit vector in which the strip runs at a point on its middle line."""
        angle = np.radians(along)
        return np.array([-np.sin(angle), np.cos(angle), 0.0]) @ self.axes()


def sky_axes(ra: float, dec: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the unit vectors to a point on the sky and, there, to the east and the north.

    Parameters
    ----------
    ra, dec : float
        ICRS position in degrees.

    Returns
    -------
    point, east, north : ndarray
        Three components each.
    """
    a, d = np.radians(ra), np.radians(dec)
    point = np.array([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])
    east = np.array([-np.sin(a), np.cos(a), 0.0])
    north = np.array([-np.sin(d) * np.cos(a), -np.sin(d) * np.sin(a), np.cos(d)])
    return point, east, north


def sky_position(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn unit vectors, shape (..., 3), into right ascension (0 to 360) and declination."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    ra = np.degrees(np.arctan2(y, x)) % 360.0
    return np.where(ra >= 360.0, 0.0, ra), np.degrees(np.arctan2(z, np.hypot(x, y)))


@dataclass(frozen=True)
class TangentPlane:
    """The gnomonic (TAN) projection of a frame, as its header cards give it.

    Parameters
    ----------
    ra, dec : float
        CRVAL: ICRS position of the reference pixel in degrees.
    x, y : float
        The reference pixel, 0-based (CRPIX - 1).
    cd : tuple of tuple of float
        CD matrix in degrees per pixel, ((CD1_1, CD1_2), (CD2_1, CD2_2)).
    """

    ra: float
    dec: float
    x: float
    y: float
    cd: tuple[tuple[float, float], tuple[float, float]]

    def pixels(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Project unit vectors, shape (..., 3), to 0-based pixel positions x, y."""
        point, east, north = sky_axes(self.ra, self.dec)
        depth = vectors @ point
        plane = np.degrees(np.stack([vectors @ east, vectors @ north], axis=-1) / depth[..., None])
        offsets = plane @ np.linalg.inv(np.array(self.cd)).T
        return offsets[..., 0] + self.x, offsets[..., 1] + self.y

    def vectors(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Turn 0-based pixel positions into unit vectors on the sky, shape (..., 3)."""
        offsets = np.stack([np.asarray(x) - self.x, np.asarray(y) - self.y], axis=-1)
        plane = np.radians(offsets @ np.array(self.cd).T)
        point, east, north = sky_axes(self.ra, self.dec)
        vectors = point + plane[..., :1] * east + plane[..., 1:] * north
        return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def frame_projection(
    strip: Strip,
    along: float,
    across: float,
    rotation: float,
    shape: tuple[int, int],
    pixel_scale: float,
) -> TangentPlane:
    """Point a detector at a place of the strip.

    Parameters
    ----------
    strip : Strip
        The strip that is scanned.
    along, across : float
        Strip coordinates of the middle of the frame, in degrees.
    rotation : float
        Angle of the detector about its middle in degrees, from +x towards +y.
    shape : tuple of int
        Rows and columns of the frame.
    pixel_scale : float
        Arcseconds per pixel.

    Returns
    -------
    projection : TangentPlane
        With numbers rounded to what a FITS card holds, so that header and truth agree.
    """
    height, width = shape
    ra, dec = (float(value) for value in sky_position(strip.vectors(along, across)))
    ra, dec = round(ra, 10), round(dec, 10)
    point, east, north = sky_axes(ra, dec)
    run = strip.direction(along)
    run = run - (run @ point) * point
    run /= np.linalg.norm(run)
    side = np.cross(point, run)
    turn, scale = np.radians(rotation), pixel_scale / 3600
    along_x = scale * (np.cos(turn) * side + np.sin(turn) * run)
    along_y = scale * (np.cos(turn) * run - np.sin(turn) * side)
    cd = [[float(f"{axis @ to:.12e}") for axis in (along_x, along_y)] for to in (east, north)]
    (xx, xy), (yx, yy) = cd
    return TangentPlane(ra, dec, (width - 1) / 2, (height - 1) / 2, ((xx, xy), (yx, yy)))
