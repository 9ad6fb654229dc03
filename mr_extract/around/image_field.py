"""An image with a WCS as a field: which of its pixels are near a place."""

from typing import cast

import numpy as np

from mr_extract.around.samples import ARCMIN, Samples, basis, samples_at
from mr_extract.around.weights import pixel_noise
from mr_extract.astrometry import sky_positions
from mr_extract.astrometry.inverse import unit_vectors
from mr_extract.failures import ImageFailure
from mr_extract.images.image import Image
from mr_extract.lists.placing import Places
from mr_extract.settings.beside import Companions

_TURN = 21600.0  # arcminutes
_AT_ONCE = 50_000  # pixels whose directions are worked out together
# There are celestial coordinates: a field is made of no other image.
_Placed = tuple[np.ndarray, np.ndarray, np.ndarray]
_Sky = tuple[np.ndarray, np.ndarray]


class ImageField:
    """The pixels of an image by their places on the sky.

    Parameters
    ----------
    image : mr_extract.images.Image
        Pixels that its mask or weight map name as of no use are nan.
    settings : mr_extract.settings.beside.Companions, optional
        What a weight map means.

    Raises
    ------
    ImageFailure
        ``no-wcs`` or ``broken-wcs``.
    """

    frame = "icrs"

    def __init__(self, image: Image, settings: Companions | None = None) -> None:
        self._image, self._header = image, image.header
        self._shape = image.data.shape
        if sky_positions(self._header, np.zeros(1), np.zeros(1)) is None:
            raise ImageFailure("no-wcs", "sources are on the sky, and the header has no celestial "
                                         "coordinates")
        self._values = image.pixels().astype(np.float64)
        if image.mask is not None:
            self._values[image.mask] = np.nan
        self._sigma, self._absolute = pixel_noise(image, settings or Companions())
        if self._sigma is not None:
            self._values[np.isnan(self._sigma)] = np.nan
        self._at: dict[tuple[float, float], int] = {}
        self._ahead: dict[int, np.ndarray] = {}

    def mine(self, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        """Return which places (ICRS, degrees) lie on the image: numbers, ascending."""
        image = self._image
        places = Places(True, longitude, latitude)
        which, self._x, self._y = cast(_Placed, places.on_pixels(
            self._header, self._shape, image.origin, image.core))
        self._places = list(zip(longitude[which].tolist(), latitude[which].tolist()))
        self._at = {place: k for k, place in enumerate(self._places)}
        self._steps = self._beside() if len(which) else np.empty((3, 4, 0))
        self._ahead = {}
        return which

    def near(self, longitude: float, latitude: float, reach: float) -> Samples:
        """Return the pixels whose centres are within a distance (arcminutes) of a place.

        The solid angle of a pixel is that at the place, which must be one of `mine`: it is
        cheapest in their order, as a header is read for many of them at once.
        """
        k = self._at[longitude, latitude]
        box = self._box(k, reach)
        if k not in self._ahead or self._reach != reach:
            self._look_ahead(k, reach)
        row, column = (v.ravel() for v in np.mgrid[box[2] : box[3], box[0] : box[1]])
        samples, within = samples_at(self._ahead.pop(k), longitude, latitude,
                                     min(reach, _TURN / 2 - 1))
        samples.values = self._values[row[within], column[within]]
        if self._sigma is not None:
            samples.sigma = self._sigma[row[within], column[within]]
            samples.absolute = self._absolute
        axes, samples.area = self._scales(k)
        samples.whole = self._holds(self._x[k], self._y[k], axes, reach)
        return samples

    def _box(self, k, reach):
        """Return the pixels around a place: of x from, to, of y from, to."""
        axes, _ = self._scales(k)
        # The box around an ellipse into which the scales make the circle, and a little more.
        half = 1.1 * reach * np.sqrt((np.linalg.inv(axes) ** 2).sum(axis=1)) + 2.0
        return [int(np.clip(v, 0, most)) for c, h, most in zip(
            (self._x[k], self._y[k]), half, self._shape[::-1])
            for v in (np.floor(c - h), np.ceil(c + h) + 1)]

    def _look_ahead(self, k, reach):
        """Set the directions of the pixels around a place, and around the next ones."""
        boxes, pixels = [], 0
        while k + len(boxes) < len(self._places) and pixels < _AT_ONCE:
            x0, x1, y0, y1 = self._box(k + len(boxes), reach)
            boxes.append([v.ravel() for v in np.mgrid[y0:y1, x0:x1]])
            pixels += len(boxes[-1][0])
        row, column = (np.concatenate(v).astype(float) for v in zip(*boxes))
        vectors = unit_vectors(*cast(_Sky, sky_positions(self._header, column, row)))
        parts = np.split(vectors, np.cumsum([len(row) for row, _ in boxes])[:-1], axis=1)
        self._reach, self._ahead = reach, {}
        for number, part in enumerate(parts, k):
            beyond = -basis(*self._places[number])[0][:, None]
            self._ahead[number] = np.where(np.isfinite(part).all(axis=0), part, beyond)

    def _beside(self):
        """Return the directions half a pixel beside the places, shape (3, 4, n)."""
        steps = np.array([[0.5, -0.5, 0.0, 0.0], [0.0, 0.0, 0.5, -0.5]])
        x, y = (v + step[:, None] for v, step in zip((self._x, self._y), steps))
        sky = cast(_Sky, sky_positions(self._header, x.ravel(), y.ravel()))
        return unit_vectors(*sky).reshape(3, 4, -1)

    def _scales(self, k):
        """Return the steps of x and y in the tangent plane (arcminutes), and their area (sr)."""
        vectors = self._steps[:, :, k]
        centre, east, north = basis(*self._places[k])
        along, u, v = ((vectors * axis[:, None]).sum(axis=0) for axis in (centre, east, north))
        plane = np.stack([u, v]) / along / ARCMIN
        axes = np.stack([plane[:, 0] - plane[:, 1], plane[:, 2] - plane[:, 3]], axis=1)
        area = abs(axes[0, 0] * axes[1, 1] - axes[0, 1] * axes[1, 0]) * ARCMIN**2
        if not np.isfinite(area) or area == 0:
            raise ImageFailure("broken-wcs", f"pixels at {self._x[k]:.1f}, {self._y[k]:.1f} have "
                                             "no size on the sky")
        return axes, float(area)

    def _holds(self, x, y, axes, reach):
        """Tell whether a circle does not cross the border of the image."""
        half = reach * np.sqrt((np.linalg.inv(axes) ** 2).sum(axis=1))
        height, width = self._shape
        return (x - half[0] >= -0.5 and y - half[1] >= -0.5
                and x + half[0] <= width - 0.5 and y + half[1] <= height - 0.5)
