"""A user's function of light curves: called for each object, and what it returned."""

import json
import re
from collections.abc import Callable
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np

_NAME = re.compile(r"[A-Za-z_]\w*")


def results(function: Callable[..., Any], keys: np.ndarray, number: np.ndarray,
            light: tuple[np.ndarray, np.ndarray, np.ndarray], filters: np.ndarray) -> list[bytes]:
    """Call a function for each object.

    Parameters
    ----------
    function : callable
    keys : ndarray, shape (k,)
        Of the objects, whose bytes begin their records.
    number : ndarray of int, shape (n,)
        Object of each measurement.
    light : tuple of ndarray, shape (n,)
        ``mag``, ``magerr``, ``mjd``.
    filters : ndarray of str, shape (n,)

    Returns
    -------
    list of bytes
        For each object its key and JSON: what was returned, or why there is nothing.
    """
    mag, error, mjd = light
    order = np.lexsort((filters, mjd, number))
    bounds = np.searchsorted(number[order], np.arange(len(keys) + 1))
    found = []
    for key, start, stop in zip(keys, bounds, bounds[1:]):
        mine = order[start:stop]
        try:
            values = _checked(function(mjd[mine], mag[mine], error[mine], filters[mine]))
        except Exception as problem:  # a user's function: the others go on
            values = f"{type(problem).__name__}: {problem}"
        found.append(key.tobytes() + json.dumps(values).encode())
    return found


def _checked(returned):
    if not isinstance(returned, dict):
        raise TypeError(f"it returned {type(returned).__name__} and no dictionary")
    values = {}
    for name, value in returned.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name == "failed":
            raise ValueError(f"{name!r} is no name of a column")
        if not isinstance(value, (Real, np.number)):
            raise TypeError(f"{name} is {type(value).__name__} and no number")
        values[name] = float(value) if isfinite(value) else None
    return values
