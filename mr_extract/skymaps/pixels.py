"""Numbers of HEALPix pixels to places and back, and between RING and NESTED.

Formulas: Gorski et al. 2005, ApJ 622, 759, section 5. Of the twelve faces of the sphere each is a
square of NSIDE x NSIDE pixels, x to the north-east and y to the north-west; a NESTED number is
the face and the interleaved bits of x and y.
"""

import numpy as np

from mr_extract.objects.healpix import cells_of, every_second_bit, with_zeros_between
from mr_extract.skymaps.rings import rings_of

# Of each face: the ring of its lowest corner in units of NSIDE, and its meridian in eighths.
_LOWEST = np.repeat([2, 3, 4], 4)
_MERIDIAN = np.array([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7])


def unit_vectors(pixels: np.ndarray, nside: int, nested: bool) -> np.ndarray:
    """Return the centres of pixels as unit vectors, float64, shape (3, n)."""
    rings = rings_of(nside)
    pixels = ring_of(pixels, nside) if nested else pixels
    ring = np.searchsorted(rings.first, pixels, "right") - 1
    longitude = (pixels - rings.first[ring] + rings.shift[ring]) * (2 * np.pi / rings.count[ring])
    level = rings.level[ring]
    return np.stack([level * np.cos(longitude), level * np.sin(longitude), rings.height[ring]])


def pixels_at(longitude: np.ndarray, latitude: np.ndarray, nside: int) -> np.ndarray:
    """Return the NESTED pixels in which places (degrees) lie, int64, shape (n,)."""
    return cells_of(longitude, latitude, _order(nside))


def nested_of(pixels: np.ndarray, nside: int) -> np.ndarray:
    """Return the NESTED numbers of RING ones, int64."""
    order, rings = _order(nside), rings_of(nside)
    at = np.searchsorted(rings.first, pixels, "right") - 1
    ring, within, length = at + 1, pixels - rings.first[at], rings.count[at] // 4
    # Twice the longitude in pixels of the ring, as seen from its first meridian.
    turn = 2 * within + (2 * rings.shift[at]).astype(np.int64)
    # In the belt two diagonals meet in a pixel, each counted along a side of the faces.
    up, down = (turn + ring - nside) // 2, (turn - ring + 3 * nside) // 2
    face_up, face_down = up >> order, down >> order
    belt = np.where(face_up == face_down, (face_up & 3) | 4,
                    np.where(face_up < face_down, face_up & 3, (face_down & 3) + 8))
    quarter = within // length
    face = np.where(ring < nside, quarter, np.where(ring > 3 * nside, quarter + 8, belt))
    across = turn - _MERIDIAN[face] * length
    across -= np.where(across >= 2 * nside, 8 * nside, 0)
    along = ring - _LOWEST[face] * nside + 1
    x, y = (across - along) >> 1, (-across - along) >> 1
    return (face << (2 * order)) + with_zeros_between(x) + (with_zeros_between(y) << 1)


def ring_of(pixels: np.ndarray, nside: int) -> np.ndarray:
    """Return the RING numbers of NESTED ones, int64."""
    order, rings = _order(nside), rings_of(nside)
    pixels = np.asarray(pixels, np.int64)
    face, within = pixels >> (2 * order), pixels & (nside * nside - 1)
    x, y = every_second_bit(within), every_second_bit(within >> 1)
    at = _LOWEST[face] * nside - x - y - 2
    length, shift = rings.count[at] // 4, (2 * rings.shift[at]).astype(np.int64)
    place = (_MERIDIAN[face] * length + x - y - shift) // 2
    return rings.first[at] + place % (4 * length)


def outermost(pixel: int, nside: int, step: int) -> np.ndarray:
    """Return the centres of the pixels along the sides of a NESTED pixel, cut step x step.

    Parameters
    ----------
    step : int
        A power of two.

    Returns
    -------
    ndarray of float64, shape (3, n)
        Unit vectors.
    """
    children = np.arange(step * step)
    x, y = every_second_bit(children), every_second_bit(children >> 1)
    side = (np.minimum(x, y) == 0) | (np.maximum(x, y) == step - 1)
    return unit_vectors(pixel * step * step + children[side], nside * step, True)


def _order(nside):
    return nside.bit_length() - 1
