"""What is near each other in space: points sorted into cubes."""

import numpy as np

_MOST = 1 << 20  # cubes along an axis: three numbers fit into one of 63 bits
_SHIFT = 21


class Cubes:
    """Unit vectors in cubes no smaller than a distance.

    Parameters
    ----------
    xyz : ndarray of float64, shape (n, 3)
    reach : float
        What is not farther apart lies in cubes that touch.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        The points in the order of their cubes.
    keys : ndarray of int64, shape (n,)
        The cubes in this order.
    """

    def __init__(self, xyz: np.ndarray, reach: float) -> None:
        self._side = max(reach * (1 + 1e-9), 2.0 / (_MOST - 4))
        keys = self.keys_of(xyz)
        self.order = np.argsort(keys, kind="stable")
        self.keys = keys[self.order]

    def keys_of(self, xyz: np.ndarray) -> np.ndarray:
        """Return the cubes of points (int64)."""
        cubes = np.floor((xyz + 1.0) / self._side).astype(np.int64) + 1
        return (((cubes[:, 0] << _SHIFT) | cubes[:, 1]) << _SHIFT) | cubes[:, 2]

    def groups(self) -> np.ndarray:
        """Return a number for each point, the same for points whose cubes hang together.

        Points not farther apart than the reach have the same number, and some that are.

        Returns
        -------
        ndarray of int64, shape (n,)
        """
        if not len(self.keys):
            return np.zeros(0, np.int64)
        first = np.concatenate([[True], self.keys[1:] != self.keys[:-1]])
        occupied = self.keys[first]
        one, other = [], []
        for step in _HALF_ROUND:
            start = np.searchsorted(occupied, occupied + step[0])
            stop = np.searchsorted(occupied, occupied + step[1], side="right")
            cubes, touched = _spread(start, stop)
            one.append(cubes)
            other.append(touched)
        labels = _components(len(occupied), np.concatenate(one), np.concatenate(other))
        numbers = np.empty(len(self.keys), np.int64)
        numbers[self.order] = labels[np.cumsum(first) - 1]
        return numbers

    def pairs(self, xyz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which of the points may be within reach of others: those of touching cubes.

        Parameters
        ----------
        xyz : ndarray of float64, shape (m, 3)

        Returns
        -------
        theirs, ours : ndarray of int64, shape (k,)
            Numbers of theirs, and of the points that are perhaps near to them.
        """
        keys = self.keys_of(xyz)
        theirs, ours = [], []
        for low, high in ALL_ROUND:
            start = np.searchsorted(self.keys, keys + low)
            stop = np.searchsorted(self.keys, keys + high, side="right")
            one, places = _spread(start, stop)
            theirs.append(one)
            ours.append(self.order[places])
        return np.concatenate(theirs), np.concatenate(ours)


def _step(dx, dy, dz):
    return (((dx << _SHIFT) + dy) << _SHIFT) + dz


#: From a cube to the first and last of those that touch it: cubes along z have numbers in a row, so
#: that each search is for up to three.
ALL_ROUND = tuple((_step(dx, dy, -1), _step(dx, dy, 1)) for dx in (-1, 0, 1) for dy in (-1, 0, 1))
_HALF_ROUND = ((_step(0, 0, 1), _step(0, 0, 1)),
               *((_step(dx, dy, -1), _step(dx, dy, 1))
                 for dx, dy in ((0, 1), (1, -1), (1, 0), (1, 1))))


def pairs_within(
    points: np.ndarray, others: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all pairs that are not farther apart than a chord.

    Parameters
    ----------
    points : ndarray of float64, shape (n, 3)
    others : ndarray of float64, shape (m, 3)
        Unit vectors.
    reach : float
        Length of the chord.

    Returns
    -------
    one, other : ndarray of int64, shape (k,)
    squares : ndarray of float64, shape (k,)
        Of their chords.
    """
    return pairs_near(Cubes(others, reach), points, others, reach)


def pairs_near(
    cubes: Cubes, points: np.ndarray, others: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what `pairs_within` does, where `others` lie in cubes already."""
    one, other = cubes.pairs(points)
    apart = points[one] - others[other]
    # In the order of the compiled twin.
    squares = (apart[:, 0] ** 2 + apart[:, 1] ** 2) + apart[:, 2] ** 2
    near = squares <= reach * reach
    return one[near], other[near], squares[near]


def _spread(start, stop):
    """Return of ranges (k, start, ..., stop - 1) each k with each number of its range."""
    lengths = stop - start
    owners = np.repeat(np.arange(len(start)), lengths)
    behind = np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return owners, start[owners] + behind


def _components(size, one, other):
    """Return the least number that hangs together with each of 0 to size - 1."""
    labels = np.arange(size)
    while True:
        ours, theirs = labels[one], labels[other]
        apart = ours != theirs
        if not apart.any():
            return labels
        one, other = one[apart], other[apart]
        low = np.minimum(ours, theirs)[apart]
        high = np.maximum(ours, theirs)[apart]
        np.minimum.at(labels, high, low)
        while True:
            further = labels[labels]
            if (further == labels).all():
                break
            labels = further
