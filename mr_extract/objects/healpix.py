"""HEALPix numbers in the nested scheme (Górski et al. 2005, ApJ 622, 759).

Written down here, as astropy-healpix has not these numbers without astropy's coordinates and
units, whose import costs a task more than a hundred thousand detections.
"""

import numpy as np

from mr_extract.portable.angles import arctan2

DEEPEST = 29


def cells_of(ra: np.ndarray, dec: np.ndarray, order: int) -> np.ndarray:
    """Return the cells in which positions lie.

    Parameters
    ----------
    ra, dec : ndarray of float64, shape (n,)
        Degrees; right ascension in any turn.
    order : int
        0 to 29: the sphere has 12 * 4**order cells.

    Returns
    -------
    ndarray of int64, shape (n,)
        In the nested scheme: a cell k of one order is cells 4k to 4k + 3 of the next.
    """
    ra, latitude = np.asarray(ra, float), np.radians(np.asarray(dec, float))
    side = 1 << order
    z, level = np.sin(latitude), np.cos(latitude)
    turn = np.mod(ra / 90.0, 4.0)  # of -1e-20 it is 4
    face, x, y = (np.empty(len(ra), np.int64) for _ in range(3))
    belt = np.abs(z) <= 2 / 3
    rising = side * (0.5 + turn[belt] - 0.75 * z[belt])
    falling = side * (0.5 + turn[belt] + 0.75 * z[belt])
    up, down = rising.astype(np.int64), falling.astype(np.int64)
    face_up, face_down = up >> order, down >> order
    face[belt] = np.where(face_up == face_down, (face_up & 3) | 4, np.where(
        face_up < face_down, face_up & 3, (face_down & 3) + 8))
    x[belt], y[belt] = down & (side - 1), side - 1 - (up & (side - 1))
    cap = ~belt
    quarter = np.minimum(turn[cap].astype(np.int64), 3)
    part = turn[cap] - quarter
    # Of the cosine, as 1 - |z| has no digits left at a pole.
    width = side * level[cap] * np.sqrt(3.0 / (1.0 + np.abs(z[cap])))
    up, down = (np.minimum((share * width).astype(np.int64), side - 1)
                for share in (part, 1.0 - part))
    north = z[cap] > 0
    face[cap] = np.where(north, quarter, quarter + 8)
    x[cap] = np.where(north, side - 1 - down, up)
    y[cap] = np.where(north, side - 1 - up, down)
    return (face << (2 * order)) + with_zeros_between(x) + (with_zeros_between(y) << 1)


def centres_of(cells: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the middles of cells, right ascension and declination in degrees.

    Parameters
    ----------
    cells : ndarray of int64, shape (n,)
    order : int
    """
    cells, side = np.asarray(cells, np.int64), 1 << order
    face, within = cells >> (2 * order), cells & (side * side - 1)
    x, y = every_second_bit(within), every_second_bit(within >> 1)
    ring = (face // 4 + 2) * side - x - y - 1  # from the north pole, 1 to 4 * side - 1
    from_pole = np.minimum(ring, 4 * side - ring)
    in_cap = from_pole < side
    length = np.where(in_cap, from_pole, side)
    height = np.where(in_cap, 1 - from_pole**2 / (3.0 * side**2), (2 * side - ring) * 2 / 3 / side)
    z = np.where(in_cap & (ring > side), -height, height)
    middle = np.array([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7])[face]
    turn = 0.5 * (middle * length + x - y) / length
    # In the caps also by the cosine of the declination, as above.
    level = np.where(in_cap, from_pole / side * np.sqrt((2 - from_pole**2 / (3.0 * side**2)) / 3),
                     np.sqrt(np.maximum(1 - z * z, 0)))
    return np.mod(turn * 90.0, 360.0), np.degrees(arctan2(z, level))


def with_zeros_between(bits: np.ndarray) -> np.ndarray:
    """Return numbers (int64, below 2**31) with a zero before each bit."""
    for shift, mask in _STEPS:
        bits = (bits | (bits << shift)) & mask
    return bits


def every_second_bit(bits: np.ndarray) -> np.ndarray:
    """Return every second bit, from the lowest on."""
    bits = bits & _STEPS[-1][1]
    for (shift, _), mask in zip(reversed(_STEPS), [*(m for _, m in reversed(_STEPS[:-1])), _LOW]):
        bits = (bits | (bits >> shift)) & mask
    return bits


_LOW = 0x00000000FFFFFFFF
_STEPS = ((16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F),
          (2, 0x3333333333333333), (1, 0x5555555555555555))
