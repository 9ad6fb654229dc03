"""Which of several measurements of one object is the best."""

from collections.abc import Sequence

import numpy as np


def best_of(
    founder: np.ndarray, keys: Sequence[np.ndarray], place: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best measurement of each object.

    Parameters
    ----------
    founder : ndarray of int, shape (n,)
        Of which object each measurement is, as `mr_extract.objects.association` says.
    keys : sequence of ndarray, shape (n,)
        What makes one better, the more the better; the first counts first, nan for least.
    place : ndarray of int, shape (n,)
        Of equal ones the lowest is taken. No two are the same.

    Returns
    -------
    best : ndarray of int64, shape (k,)
        Numbers of measurements, ordered by founder.
    members : ndarray of int64, shape (k,)
        Measurements of each object.
    """
    worse = [np.where(np.isnan(key), np.inf, -np.asarray(key, float)) for key in keys]
    order = np.lexsort((place, *reversed(worse), founder))
    begins = np.flatnonzero(np.diff(founder[order], prepend=-1))
    return order[begins], np.diff(begins, append=len(order))
