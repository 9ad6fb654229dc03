"""Which sources are a tile's own, and which its border cuts.

Tiles overlap, and most sources of an overlap are found in two of them or four. A source is
that tile's in whose core its highest pixel lies. Highest is the pixel of the image as it
is read: its values are the same in every tile, to the bit, while those without background
or filtered differ in the last digits, and of two that are nearly equal now one would be the
highest and now the other. Of equal ones, as in the core of a saturated star, it is the first
in the order of rows. A barycentre will not do: it moves with each pixel at the rim of the
source, and of a blend these are dealt out by chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mr_extract.images.region import Region

if TYPE_CHECKING:
    from mr_extract.detection.segments import Segments

# Sides of the image at which sep calls a source truncated.
_SIDES = (("xmin", 1), ("xmax", 1), ("ymin", 0), ("ymax", 0))


def highest_pixels(
    raw: np.ndarray, mask: np.ndarray | None, segments: Segments
) -> tuple[np.ndarray, np.ndarray]:
    """Return the highest pixel of each object.

    Parameters
    ----------
    raw : ndarray of float32, shape (height, width)
        The image with its background.
    mask : ndarray of bool, shape (height, width), or None
        True where a pixel does not count: it is the highest only where no other is.
    segments : mr_extract.detection.segments.Segments

    Returns
    -------
    x, y : ndarray of int64, shape (n,)
    """
    segments = segments.own  # what cleaning added may be brighter
    if not segments.count:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    values = raw.ravel()[segments.pixels]
    if mask is not None:
        values[mask.ravel()[segments.pixels]] = -np.inf
    y, x = np.divmod(segments.pixels[segments.highest(values)], raw.shape[1])
    return x, y


def own(x: np.ndarray, y: np.ndarray, core: Region, origin: tuple[int, int]) -> np.ndarray:
    """Say which of some pixels lie in the core of a tile.

    Parameters
    ----------
    x, y : ndarray of int64, shape (n,)
        Of the tile.
    core : mr_extract.images.region.Region
        Of the image that the tile is of.
    origin : tuple of int
        x and y of the tile's first pixel in it.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    return core.contains(x + origin[0], y + origin[1])


def cut(
    objects: np.ndarray, shape: tuple[int, int], core: Region, origin: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Say which objects touch the border of their tile, and which that of the image.

    Parameters
    ----------
    objects : structured ndarray, shape (n,)
        With `xmin`, `xmax`, `ymin` and `ymax`, in pixels of the tile.
    shape : tuple of int
        Height and width of the tile.
    core : mr_extract.images.region.Region
        It reaches to the border of the tile where that is the border of the image.
    origin : tuple of int
        As for `own`.

    Returns
    -------
    by_tile, by_image : ndarray of bool, shape (n,)
    """
    (x0, y0), (height, width) = origin, shape
    tile = Region(x0, x0 + width, y0, y0 + height)
    ends = {"xmin": core.x0 == tile.x0, "xmax": core.x1 == tile.x1,
            "ymin": core.y0 == tile.y0, "ymax": core.y1 == tile.y1}
    by_tile, by_image = np.zeros((2, len(objects)), bool)
    for name, axis in _SIDES:
        touches = objects[name] == (0 if name.endswith("min") else shape[axis] - 1)
        if ends[name]:
            by_image |= touches
        else:
            by_tile |= touches
    return by_tile, by_image
