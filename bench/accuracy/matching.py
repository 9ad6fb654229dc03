"""Sources of two catalogs that are each other's nearest."""

import numpy as np


def matched(x, y, x2, y2, reach=1.0):
    """Pair two lists of positions.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
    x2, y2 : ndarray of float64, shape (m,)
    reach : float
        How far apart a pair may be.

    Returns
    -------
    first, second : ndarray of int64, shape (k,)
        Indices into the two lists; each is the other's nearest.
    """
    there, back = _nearest(x, y, x2, y2, reach), _nearest(x2, y2, x, y, reach)
    first = np.flatnonzero(there >= 0)
    first = first[back[there[first]] == first]
    return first, there[first]


def _nearest(x, y, x2, y2, reach):
    """Return for each first point the nearest second one, -1 where none is in reach."""
    x2, y2 = np.asarray(x2, float), np.asarray(y2, float)
    order = np.argsort(y2, kind="stable")
    x2, y2 = x2[order], y2[order]
    nearest = np.full(len(x), -1)
    begin, end = np.searchsorted(y2, np.asarray(y) - reach), np.searchsorted(y2, y + reach)
    for k, (i, j) in enumerate(zip(begin, end)):
        if i < j:
            apart = (x2[i:j] - x[k]) ** 2 + (y2[i:j] - y[k]) ** 2
            best = int(apart.argmin())
            if apart[best] <= reach**2:
                nearest[k] = order[i + best]
    return nearest
