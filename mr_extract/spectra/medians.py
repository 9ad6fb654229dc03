"""Medians of what is finite."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def median_of(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the median of what is finite along an axis, nan where nothing is."""
    ordered = np.sort(values, axis=axis)  # nan come last
    count = np.isfinite(values).sum(axis=axis)
    low = np.expand_dims(np.maximum((count - 1) // 2, 0), axis)
    high = np.expand_dims(np.maximum(count // 2, 0), axis)
    high = np.minimum(high, values.shape[axis] - 1)
    pair = np.take_along_axis(ordered, low, axis), np.take_along_axis(ordered, high, axis)
    middle = np.squeeze(0.5 * (pair[0] + pair[1]), axis)
    return np.where(count > 0, middle, np.nan)


def running_median(values: np.ndarray, width: int) -> np.ndarray:
    """Return the medians of windows about each value, mirrored at the ends.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
    width : int
        Odd; a series that is shorter takes what it has.
    """
    width = min(width, (len(values) - 1) // 2 * 2 + 1)
    padded = np.pad(values, width // 2, mode="reflect")
    return median_of(sliding_window_view(padded, width), 1)
