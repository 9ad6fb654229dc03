"""Vector calls in which one bad object does not lose its neighbours."""

from collections.abc import Callable, Sequence

import numpy as np


def each_object(
    function: Callable[..., Sequence[np.ndarray]], *arrays: np.ndarray, outputs: int
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Call a function of n objects so that an object that makes it raise is alone in it.

    sep's photometry raises for a whole call when one object is out of its
    domain. The call is halved until the culprits stand alone: no cost when
    none raises, 2 log2(n) calls for each that does.

    Parameters
    ----------
    function : callable
        Takes the arrays and returns `outputs` arrays of their length; an
        output may have a second axis.
    *arrays : ndarray, shape (n,)
        One value an object.
    outputs : int
        Number of arrays that `function` returns.

    Returns
    -------
    results : tuple of ndarray, shape (n,) or (n, k)
        As from `function`; nan (0 for integers) where it raised.
    failed : ndarray of bool, shape (n,)
        True for the objects for which it raised.
    """
    n = len(arrays[0])
    failed = np.zeros(n, bool)
    pieces = []

    # A loop and not a function within the function: one that calls itself is a
    # cycle of references, which keeps the image until the garbage collector comes.
    waiting = [(0, n)]
    while waiting:
        start, stop = waiting.pop()
        try:
            pieces.append((start, stop, function(*(a[start:stop] for a in arrays))))
        except MemoryError:
            raise
        except Exception:  # whatever it is, it is recorded in `failed`
            if stop - start <= 1:
                failed[start:stop] = True
                continue
            middle = (start + stop) // 2
            waiting += [(middle, stop), (start, middle)]
    if not pieces:  # all raised: no objects at all still tell types and shapes
        try:
            pieces.append((0, 0, function(*(a[:0] for a in arrays))))
        except MemoryError:
            raise
        except Exception:
            return tuple(np.full(n, np.nan) for _ in range(outputs)), failed
    if len(pieces) == 1 and not failed.any():
        return tuple(pieces[0][2]), failed
    results = []
    for k in range(outputs):
        parts = [np.asarray(result[k]) for _, _, result in pieces]
        shape, dtype = (n, *parts[0].shape[1:]), parts[0].dtype
        full = np.full(shape, np.nan if dtype.kind == "f" else 0, dtype)
        for (start, stop, _), part in zip(pieces, parts):
            full[start:stop] = part
        results.append(full)
    return tuple(results), failed
