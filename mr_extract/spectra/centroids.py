"""Where something bright is, to a small part of a pixel."""

import numpy as np

from mr_extract.portable.exponential import exponential

_ROUNDS = 20
_CLOSE = 1e-4  # pixels
_PER_SIGMA = 2.3548200450309493


def centroid(values: np.ndarray, start: float, fwhm: float) -> float:
    """Return the mean position of values above 0 within a Gaussian window that follows it.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Less their background; nan is left out.
    start : float
        Where to look, in pixels.
    fwhm : float
        Of the window, in pixels.

    Returns
    -------
    float
        nan where it leaves a window of twice the FWHM about `start`, or there is nothing.

    Notes
    -----
    Each step is twice the shift of the weighted mean, as a window of the width of the object
    halves it.
    """
    sigma = fwhm / _PER_SIGMA
    place = start
    low = max(int(np.floor(start - 2.5 * fwhm)), 0)
    part = values[low : int(np.ceil(start + 2.5 * fwhm)) + 1]
    x = np.arange(low, low + len(part), dtype=np.float64)
    good = np.isfinite(part)
    part, x = part[good], x[good]
    if len(part) < 3:
        return np.nan
    for _ in range(_ROUNDS):
        weights = exponential(-0.5 * ((x - place) / sigma) ** 2) * part
        total = weights.sum()
        if not total > 0:
            return np.nan
        step = 2.0 * float((weights * (x - place)).sum() / total)
        place += step
        if abs(place - start) > 2.0 * fwhm:
            return np.nan
        if abs(step) < _CLOSE:
            return place
    return place


def width_of(values: np.ndarray, peak: int) -> float:
    """Return the full width at half maximum of a peak, nan where it has no sides.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Less their background.
    peak : int
        The greatest of them.
    """
    half = values[peak] / 2.0
    sides = []
    for step in (-1, 1):
        k = peak
        while 0 <= k + step < len(values) and values[k + step] > half:
            k += step
        if not 0 <= k + step < len(values):
            return np.nan
        inner, outer = values[k], values[k + step]
        sides.append(abs(k - peak) + (inner - half) / (inner - outer))
    return float(sides[0] + sides[1])
