"""The image of an object that the grating did not bend."""

from __future__ import annotations

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.portable.exponential import exponential

_REACH = 12  # pixels along the dispersion at which a spectrum is still there, a star is not
_TRIALS = 50
_SHARPEST = 0.5  # of the light of 5 x 5 pixels in one: a cosmic ray
_SIGNIFICANCE = 20.0
_ROUNDS = 30
_PER_SIGMA = 2.3548200450309493


def zero_order(
    data: np.ndarray, good: np.ndarray, near: tuple[float, float] | None = None,
    within: float = 30.0,
) -> tuple[float, float]:
    """Return x and y of the brightest source that is no longer than it is wide.

    Parameters
    ----------
    data : ndarray of float64, shape (rows, columns)
    good : ndarray of bool, shape (rows, columns)
        A saturated pixel may be good.
    near : tuple of float, optional
        x and y where it is about; else the whole image is searched.
    within : float
        Pixels about `near`.

    Raises
    ------
    ImageFailure
        ``no-trace`` where there is none.
    """
    level = float(np.median(data[good])) if good.any() else 0.0
    light = np.where(good, data - level, 0.0)
    noise = 1.4826 * float(np.median(np.abs(light[good]))) if good.any() else 0.0
    padded = np.pad(light, ((0, 0), (_REACH, _REACH)))
    beside = np.maximum(padded[:, : -2 * _REACH], padded[:, 2 * _REACH :])
    sharp = _boxes(light - np.maximum(beside, 0.0))
    if near is not None:
        y, x = np.indices(data.shape)
        sharp[(x - near[0]) ** 2 + (y - near[1]) ** 2 > within**2] = 0.0
    for _ in range(_TRIALS):
        row, column = np.unravel_index(int(np.argmax(sharp)), sharp.shape)
        if sharp[row, column] < _SIGNIFICANCE * 5.0 * noise or sharp[row, column] <= 0:
            break
        low, left = max(row - 2, 0), max(column - 2, 0)
        box = light[low : row + 3, left : column + 3]
        if box.max() < _SHARPEST * box.sum():
            return _centre(light, float(column), float(row))
        sharp[low : row + 3, left : column + 3] = 0.0
    where = "" if near is None else f" within {within:g} pixels of x = {near[0]:g}, y = {near[1]:g}"
    raise ImageFailure("no-trace", f"there is no zero order{where}: no source that stands out and "
                       "is round; zero_order= on the line says where it is")


def _boxes(values):
    """Return the sums of 5 x 5 pixels about each."""
    for axis in (0, 1):
        padded = np.pad(values, [(2, 2) if k == axis else (0, 0) for k in (0, 1)])
        size = values.shape[axis]
        values = sum(np.take(padded, np.arange(k, k + size), axis) for k in range(5))
    return values


def _centre(light, x, y):
    """Return the barycentre in a Gaussian window that follows it."""
    fwhm = _fwhm(light, x, y)
    sigma, reach = fwhm / _PER_SIGMA, int(np.ceil(2.5 * fwhm))
    for _ in range(_ROUNDS):
        low, left = max(int(y) - reach, 0), max(int(x) - reach, 0)
        part = light[low : int(y) + reach + 2, left : int(x) + reach + 2]
        rows = np.arange(low, low + part.shape[0])[:, None] - y
        columns = np.arange(left, left + part.shape[1])[None, :] - x
        weights = exponential(-0.5 * (rows**2 + columns**2) / sigma**2) * part
        total = weights.sum()
        if not total > 0:
            break
        steps = [2.0 * float((weights * one).sum() / total) for one in (columns, rows)]
        x, y = x + steps[0], y + steps[1]
        if max(map(abs, steps)) < 1e-4:
            break
    return x, y


def _fwhm(light, x, y):
    """Return about the FWHM: of the pixels about a peak, those above half of it, as a disc."""
    low, left = max(int(y) - 15, 0), max(int(x) - 15, 0)
    part = light[low : int(y) + 16, left : int(x) + 16]
    peak = light[int(y), int(x)]
    return float(np.clip(2.0 * np.sqrt((part > peak / 2.0).sum() / np.pi), 2.0, 20.0))
