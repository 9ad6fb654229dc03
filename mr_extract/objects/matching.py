"""Which positions of one list are near those of another."""

from collections.abc import Iterator

import numpy as np

from mr_extract.compiled import kernels
from mr_extract.objects.neighbours import ALL_ROUND, Cubes, pairs_near
from mr_extract.objects.sphere import chord

_AT_ONCE = 1 << 14  # points of the one list; pairs are some tens of bytes each


class Near:
    """Points, to be found by others that are near.

    Parameters
    ----------
    others : ndarray of float64, shape (m, 3)
        Unit vectors.
    radius, least : float
        Arcseconds: what is near is not farther than the one, and not nearer than the other.
    """

    def __init__(self, others: np.ndarray, radius: float, least: float = 0.0) -> None:
        self._others, self._reach, self._least = others, float(chord(radius)), float(chord(least))
        self._cubes = Cubes(others, self._reach)
        self._sorted = others[self._cubes.order] if kernels else others

    def to(self, xyz: np.ndarray, most: int = 1) -> Iterator[tuple[np.ndarray, ...]]:
        """Give the neighbours of points, those of some points at a time.

        Parameters
        ----------
        xyz : ndarray of float64, shape (n, 3)
            Unit vectors.
        most : int
            The nearest so many of each; 0 for all.

        Yields
        ------
        one, other : ndarray of int64, shape (k,)
            Those of one point together, by distance, equally distant ones by `other`.
        squares : ndarray of float64, shape (k,)
            Of the chords between them.
        """
        keys = self._cubes.keys_of(xyz)
        order = np.argsort(keys, kind="stable")  # what is near each other is looked up in a row
        for start in range(0, len(xyz), _AT_ONCE):
            mine = order[start:start + _AT_ONCE]
            one, other, squares = (self._compiled if kernels else self._numpy)(
                xyz[mine], keys[mine], most)
            yield mine[one], other, squares

    def _numpy(self, xyz, keys, most):
        one, other, squares = pairs_near(self._cubes, xyz, self._others, self._reach)
        far = squares >= self._least * self._least
        one, other, squares = one[far], other[far], squares[far]
        order = np.lexsort((other, squares, one))
        one, other, squares = one[order], other[order], squares[order]
        keep = slice(None) if not most else ranks(one) < most
        return one[keep], other[keep], squares[keep]

    def _compiled(self, xyz, keys, most):
        counts = np.zeros(len(xyz), np.int64)
        found = kernels.near_points(
            keys, np.ascontiguousarray(xyz), self._cubes.keys, self._cubes.order, self._sorted,
            *np.ascontiguousarray(np.transpose(ALL_ROUND)), counts,
            self._least * self._least, self._reach * self._reach, most)
        other, squares = map(np.frombuffer, found, (np.int64, np.float64))
        return np.repeat(np.arange(len(xyz)), counts), other, squares


def match(
    xyz: np.ndarray, others: np.ndarray, radius: float, most: int = 1, least: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all that `Near` gives, ordered by `one`.

    Parameters
    ----------
    xyz, others : ndarray of float64, shape (n, 3) and (m, 3)
    radius : float
    most : int
    least : float
    """
    none = np.zeros(0, np.int64)
    found = [(none, none, np.zeros(0)), *Near(others, radius, least).to(xyz, most)]
    one, other, squares = map(np.concatenate, zip(*found))
    order = np.argsort(one, kind="stable")
    return one[order], other[order], squares[order]


def ranks(one: np.ndarray) -> np.ndarray:
    """Return of sorted numbers how many equal ones stand before each."""
    place = np.arange(len(one))
    begins = np.concatenate([[True], one[1:] != one[:-1]])[: len(one)]
    return place - place[begins][np.cumsum(begins) - 1]
