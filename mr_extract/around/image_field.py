"""An image with a WCS as a field: which of its pixels are near a place."""

from typing import cast

import numpy as np

from mr_extract.around.samples import ARCMIN, Samples, basis, samples_at
from mr_extract.astrometry import sky_positions
from mr_extract.astrometry.inverse import unit_vectors
from mr_extract.failures import ImageFailure
from mr_extract.images.image import Image
from mr_extract.lists.placing import Places

_TURN = 21600.0  # arcminutes
# There are celestial coordinates: a field is made of no other image.
_Placed = tuple[np.ndarray, np.ndarray, np.ndarray]
_Sky = tuple[np.ndarray, np.ndarray]


class ImageField:
    """The pixels of an image by their places on the sky.

    Parameters
    ----------
    image : mr_extract.images.Image

    Raises
    ------
    ImageFailure
        ``no-wcs`` or ``broken-wcs``.
    """

    frame = "icrs"

    def __init__(self, image: Image) -> None:
        self._image, self._header = image, image.header
        self._shape = image.data.shape
        if sky_positions(self._header, np.zeros(1), np.zeros(1)) is None:
            raise ImageFailure("no-wcs", "sources are on the sky, and the header has no celestial "
                                         "coordinates")
        self._values = image.pixels().astype(np.float64)
        if image.mask is not None:
            self._values[image.mask] = np.nan
        self._at: dict[tuple[float, float], tuple[float, float]] = {}

    def mine(self, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        """Return which places (ICRS, degrees) lie on the image: numbers, ascending."""
        image = self._image
        places = Places(True, longitude, latitude)
        which, x, y = cast(_Placed, places.on_pixels(
            self._header, self._shape, image.origin, image.core))
        self._at = {(longitude[k], latitude[k]): (u, v) for k, u, v in zip(which, x, y)}
        return which

    def near(self, longitude: float, latitude: float, reach: float) -> Samples:
        """Return the pixels whose centres are within a distance (arcminutes) of a place.

        The solid angle of a pixel is that at the place, which must be one of `mine`.
        """
        x, y = self._at[longitude, latitude]
        axes, area = self._scales(x, y, longitude, latitude)
        # The box around an ellipse into which the scales make the circle, and a little more.
        half = 1.1 * reach * np.sqrt((np.linalg.inv(axes) ** 2).sum(axis=1)) + 2.0
        (x0, x1), (y0, y1) = ((int(np.floor(c - h)), int(np.ceil(c + h)) + 1)
                              for c, h in zip((x, y), half))
        height, width = self._shape
        whole = 0 <= x0 and x1 <= width and 0 <= y0 and y1 <= height
        x0, x1, y0, y1 = max(x0, 0), min(x1, width), max(y0, 0), min(y1, height)
        row, column = (v.ravel() for v in np.mgrid[y0:y1, x0:x1])
        vectors = unit_vectors(*cast(_Sky, sky_positions(
            self._header, column.astype(float), row.astype(float))))
        vectors = np.where(np.isfinite(vectors).all(axis=0), vectors, -basis(
            longitude, latitude)[0][:, None])
        samples, within = samples_at(vectors, longitude, latitude, min(reach, _TURN / 2 - 1))
        samples.values = self._values[row[within], column[within]]
        samples.area, samples.whole = area, whole or self._holds(x, y, axes, reach)
        return samples

    def _scales(self, x, y, longitude, latitude):
        """Return the steps of x and y in the tangent plane (arcminutes), and their area (sr)."""
        steps = np.array([[0.5, -0.5, 0.0, 0.0], [0.0, 0.0, 0.5, -0.5]])
        sky = sky_positions(self._header, x + steps[0], y + steps[1])
        vectors = unit_vectors(*sky)
        centre, east, north = basis(longitude, latitude)
        along, u, v = ((vectors * axis[:, None]).sum(axis=0) for axis in (centre, east, north))
        plane = np.stack([u, v]) / along / ARCMIN
        axes = np.stack([plane[:, 0] - plane[:, 1], plane[:, 2] - plane[:, 3]], axis=1)
        area = abs(axes[0, 0] * axes[1, 1] - axes[0, 1] * axes[1, 0]) * ARCMIN**2
        if not np.isfinite(area) or area == 0:
            raise ImageFailure("broken-wcs", f"pixels at {x:.1f}, {y:.1f} have no size on the sky")
        return axes, float(area)

    def _holds(self, x, y, axes, reach):
        """Tell whether a circle does not cross the border of the image."""
        half = reach * np.sqrt((np.linalg.inv(axes) ** 2).sum(axis=1))
        height, width = self._shape
        return (x - half[0] >= -0.5 and y - half[1] >= -0.5
                and x + half[0] <= width - 0.5 and y + half[1] <= height - 0.5)
