"""The sky below a spectrum, from both of its sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mr_extract.spectra.medians import median_of

_CLIP, _ROUNDS = 4.0, 4
_LEAST = 5  # pixels of a column that tell its sky


@dataclass(frozen=True)
class Sky:
    """A straight line across the spectrum in each column.

    Parameters
    ----------
    level : ndarray of float64, shape (n,)
        On the trace; nan where too few pixels are good.
    slope : ndarray of float64, shape (n,)
        A pixel across.
    scatter : ndarray of float64, shape (n,)
        Of the pixels about it.
    error : ndarray of float64, shape (n,)
        Of `level`.
    pixels : ndarray of int, shape (n,)
        That were used.
    """

    level: np.ndarray
    slope: np.ndarray
    scatter: np.ndarray
    error: np.ndarray
    pixels: np.ndarray

    def at(self, offsets: np.ndarray) -> np.ndarray:
        """Return the sky at offsets from the trace, shape (rows, n) as they have."""
        return self.level + self.slope * offsets


def sky_beside(
    data: np.ndarray, good: np.ndarray, offsets: np.ndarray, inner: float, outer: float,
    degree: int = 1,
) -> Sky:
    """Measure the sky on both sides of a trace.

    Parameters
    ----------
    data : ndarray of float64, shape (rows, n)
    good : ndarray of bool, shape (rows, n)
        False also where other objects are.
    offsets : ndarray of float64, shape (rows, n)
        Rows of the pixels less that of the trace.
    inner, outer : float
        Distances from the trace between which pixels count.
    degree : int
        0 for a level, 1 for a line; where one side has too few pixels it is a level.

    Returns
    -------
    Sky
    """
    distance = np.abs(offsets)
    used = good & (distance >= inner) & (distance <= outer)
    values = np.where(used, data, 0.0)
    level, slope = median_of(np.where(used, data, np.nan), 0), np.zeros(data.shape[1])
    for _ in range(_ROUNDS):
        away = values - (level + slope * offsets)
        scatter = 1.4826 * median_of(np.where(used, np.abs(away), np.nan), 0)
        with np.errstate(invalid="ignore"):
            kept = used & ((np.abs(away) <= _CLIP * scatter) | ~(scatter > 0))
        level, slope, spread = _lines(values, kept, offsets, degree)
        used = kept
    count = used.sum(axis=0)
    away = np.where(used, values - (level + slope * offsets), 0.0)
    with np.errstate(all="ignore"):
        scatter = np.sqrt((away**2).sum(axis=0) / np.maximum(count - 1 - degree, 1))
        error = scatter * spread
    few = count < _LEAST
    for one in (level, slope, scatter, error):
        one[few] = np.nan
    return Sky(level, slope, scatter, error, count)


def _lines(values, used, offsets, degree):
    """Return level and slope by least squares, and the error of the level in the scatter."""
    count = used.sum(axis=0).astype(np.float64)
    sides = np.minimum((used & (offsets > 0)).sum(axis=0), (used & (offsets < 0)).sum(axis=0))
    x = np.where(used, offsets, 0.0)
    with np.errstate(all="ignore"):
        middle = x.sum(axis=0) / count
        mean = np.where(used, values, 0.0).sum(axis=0) / count
        about = np.where(used, offsets - middle, 0.0)
        square = (about**2).sum(axis=0)
        slope = (about * np.where(used, values - mean, 0.0)).sum(axis=0) / square
        slope = np.where((degree > 0) & (sides >= _LEAST), slope, 0.0)
        spread = np.sqrt(1.0 / count + np.where(slope != 0.0, middle**2 / square, 0.0))
    return mean - slope * middle, slope, spread
