"""Pairs of points that lie close together."""

import numpy as np


def pairs_within(x: np.ndarray, y: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find all pairs of points no farther apart than the sum of their reaches.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Positions; those that are not finite have no pairs.
    reach : ndarray of float64, shape (n,)
        In the same unit.

    Returns
    -------
    first, second : ndarray of int64, shape (m,)
        Indices, each pair once with ``first < second``, in no useful order.

    Notes
    -----
    Each point looks for those with a reach no greater than its own, in cells as
    wide as the median reach: the time grows with the number of pairs.
    """
    x, y, reach = (np.asarray(v, float) for v in (x, y, reach))
    fine = np.flatnonzero(np.isfinite(x) & np.isfinite(y) & np.isfinite(reach) & (reach > 0))
    if len(fine) < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    x, y, reach = x[fine], y[fine], reach[fine]
    x0, y0 = x.min(), y.min()
    span = max(np.ptp(x), np.ptp(y))
    cell = max(2.0 * float(np.median(reach)), span / 4096, np.finfo(float).tiny)
    column, row = ((x - x0) // cell).astype(np.int64), ((y - y0) // cell).astype(np.int64)
    columns, rows = int(column.max()) + 1, int(row.max()) + 1
    order = np.argsort(row * columns + column, kind="stable")
    key = (row * columns + column)[order]
    # Twice its own reach is as far as a partner with no greater one can be.
    low, high = (np.floor((y - y0 + side * 2.0 * reach) / cell) for side in (-1, 1))
    low, high = np.clip(low, 0, rows - 1).astype(int), np.clip(high, 0, rows - 1).astype(int)
    left, right = (np.floor((x - x0 + side * 2.0 * reach) / cell) for side in (-1, 1))
    left = np.clip(left, 0, columns - 1).astype(int)
    right = np.clip(right, 0, columns - 1).astype(int)
    seeker, line = ranges(low, high - low + 1)
    begin = np.searchsorted(key, line * columns + left[seeker])
    end = np.searchsorted(key, line * columns + right[seeker], "right")
    which, entry = ranges(begin, end - begin)
    i, j = seeker[which], order[entry]
    # Of equals the earlier one looks.
    mine = (reach[j] < reach[i]) | ((reach[j] == reach[i]) & (i < j))
    i, j = i[mine], j[mine]
    near = (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2 <= (reach[i] + reach[j]) ** 2
    i, j = fine[i[near]], fine[j[near]]
    return np.minimum(i, j), np.maximum(i, j)


def ranges(starts: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write out ranges of whole numbers one after another.

    Parameters
    ----------
    starts, counts : ndarray of int64, shape (n,)

    Returns
    -------
    which : ndarray of int64, shape (sum of counts,)
        Which range each number belongs to.
    numbers : ndarray of int64, shape (sum of counts,)
    """
    which = np.repeat(np.arange(len(starts)), counts)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts - starts, counts)
