"""Plain statistics of the pixels around a place."""

import numpy as np


def statistics(values: np.ndarray) -> dict[str, float | int]:
    """Return what good pixels come to.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)

    Returns
    -------
    dict of str to (float or int)
        ``pixels``, their number, ``mean``, ``median``, ``least``, ``greatest`` and ``rms``,
        the scatter about the mean (divided by n); nan of none.
    """
    if not len(values):
        return {"pixels": 0} | dict.fromkeys(
            ("mean", "median", "least", "greatest", "rms"), np.nan)
    return {"pixels": len(values), "mean": float(values.mean()),
            "median": float(np.median(values)), "least": float(values.min()),
            "greatest": float(values.max()), "rms": float(values.std())}
