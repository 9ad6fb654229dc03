"""Which positions of one list are near those of another."""

import numpy as np

from mr_extract.objects.neighbours import Cubes, pairs_near
from mr_extract.objects.sphere import chord

_AT_ONCE = 1 << 14  # points of the one list; pairs are some tens of bytes each


def match(
    xyz: np.ndarray, others: np.ndarray, radius: float, most: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the neighbours of points among others.

    Parameters
    ----------
    xyz : ndarray of float64, shape (n, 3)
    others : ndarray of float64, shape (m, 3)
        Unit vectors.
    radius : float
        Arcseconds; what is just as far is near.
    most : int
        The nearest so many of each; 0 for all.

    Returns
    -------
    one, other : ndarray of int64, shape (k,)
        Ordered by `one`, then by distance, equally distant ones by `other`.
    squares : ndarray of float64, shape (k,)
        Of the chords between them.
    """
    reach = float(chord(radius))
    cubes = Cubes(others, reach)
    none = np.zeros(0, np.int64)
    found = [(none, none, np.zeros(0))]
    for start in range(0, len(xyz), _AT_ONCE):
        one, other, squares = pairs_near(cubes, xyz[start:start + _AT_ONCE], others, reach)
        order = np.lexsort((other, squares, one))
        one, other, squares = one[order], other[order], squares[order]
        keep = slice(None) if not most else ranks(one) < most
        found.append((start + one[keep], other[keep], squares[keep]))
    ones, others_found, distances = zip(*found)
    return np.concatenate(ones), np.concatenate(others_found), np.concatenate(distances)


def ranks(one: np.ndarray) -> np.ndarray:
    """Return of sorted numbers how many equal ones stand before each."""
    place = np.arange(len(one))
    begins = np.concatenate([[True], one[1:] != one[:-1]])[: len(one)]
    return place - place[begins][np.cumsum(begins) - 1]
