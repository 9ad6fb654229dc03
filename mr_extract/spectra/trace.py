"""Where a spectrum runs over the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.spectra.centroids import centroid
from mr_extract.spectra.medians import median_of
from mr_extract.spectra.polynomial import Polynomial, polynomial_fit

_STEPS = 64  # into which the columns are cut
_SIGNIFICANCE = 5.0
_LEAST_POINTS, _FILLED = 8, 0.6  # of the places between the first and the last
_LEAST_ERROR = 0.02  # pixels: what a centroid has besides noise


@dataclass(frozen=True)
class Trace:
    """The row of a spectrum in each column.

    Parameters
    ----------
    curve : mr_extract.spectra.polynomial.Polynomial
        Row of a column, in pixels.
    first, last : int
        Columns between which it is, the last excluded.
    rms : float
        Of the centroids about it, in pixels.
    points : int
        Centroids that were used.
    fwhm : float
        Of the light across it, in pixels.
    """

    curve: Polynomial
    first: int
    last: int
    rms: float
    points: int
    fwhm: float

    @property
    def columns(self) -> np.ndarray:
        """Its columns, as float64."""
        return np.arange(self.first, self.last, dtype=np.float64)


def followed(
    data: np.ndarray, good: np.ndarray, start: float, fwhm: float, degree: int,
    columns: tuple[int, int], slope: float = 0.0,
) -> Trace:
    """Follow a spectrum from where it is brightest to both sides.

    Parameters
    ----------
    data : ndarray of float64, shape (rows, n)
    good : ndarray of bool, shape (rows, n)
    start : float
        Row in the middle of `columns` where it is about.
    fwhm : float
        Its width across in pixels, about.
    degree : int
        Of the polynomial.
    columns : tuple of int
        First and last column, the last excluded.
    slope : float
        Rows a column by which it is known to rise.

    Returns
    -------
    Trace

    Raises
    ------
    ImageFailure
        ``no-trace`` where too few places of it stand out.
    """
    first, last = columns
    edges = np.unique(np.linspace(first, last, min(_STEPS, last - first) + 1).astype(int))
    middles = (edges[:-1] + edges[1:] - 1) / 2.0
    reach = int(np.ceil(3.0 * fwhm)) + 4
    begin = (first + last - 1) / 2.0
    expected = start + slope * (middles - begin)
    light = [_across(data, good, a, b, row, reach) for a, b, row in
             zip(edges[:-1], edges[1:], expected)]
    rows, errors = np.full(len(middles), np.nan), np.full(len(middles), np.inf)
    order = np.argsort([-_signal(*one) for one in light], kind="stable")
    brightest = int(order[0])
    for side in (range(brightest, len(middles)), range(brightest - 1, -1, -1)):
        row = rows[brightest] if np.isfinite(rows[brightest]) else expected[brightest]
        at = brightest
        for k in side:
            guess = row + slope * (middles[k] - middles[at])
            values, low = _across(data, good, edges[k], edges[k + 1], guess, reach)
            found, error = _place(values, low, guess, fwhm)
            if np.isfinite(found):
                rows[k], errors[k], row, at = found, error, found, k
    points = int(np.isfinite(rows).sum())
    if points < degree + 2:
        raise ImageFailure("no-trace", f"a spectrum about row {start:.0f} stands out in {points} "
                           f"of {len(middles)} places along it, too few for a trace of degree "
                           f"{degree}")
    weights = np.where(np.isfinite(rows), 1.0 / (errors**2 + _LEAST_ERROR**2), 0.0)
    fit = polynomial_fit(middles, rows, degree, (first, last - 1.0), weights, 4.0, _LEAST_ERROR)
    if fit is None:
        raise ImageFailure("no-trace", f"the places of a spectrum about row {start:.0f} are on no "
                           f"curve of degree {degree}")
    used = np.flatnonzero(fit.used)
    if len(used) < _LEAST_POINTS or len(used) < _FILLED * (used[-1] - used[0] + 1):
        raise ImageFailure("no-trace", f"what stands out about row {start:.0f} does so in "
                           f"{len(used)} of the {used[-1] - used[0] + 1} places along it between "
                           "the first and the last: it is no spectrum")
    return Trace(fit.curve, first, last, fit.rms, len(used), fwhm)


def _across(data, good, first, last, row, reach):
    """Return the light across some columns less what is beside it, and its first row."""
    low = max(int(np.rint(row)) - reach, 0)
    high = min(int(np.rint(row)) + reach + 1, len(data))
    if high - low < 5:
        return np.full(5, np.nan), low
    part = np.where(good[low:high, first:last], data[low:high, first:last], np.nan)
    values = median_of(part, 1)
    return values - _darker_side(values)[0], low


def _darker_side(values):
    """Return level and noise of the darker end, as there may be a neighbour at the other."""
    size = max(len(values) // 5, 4)
    found = []
    for side in (values[:size], values[-size:]):
        level = float(median_of(side[None, :], 1)[0])
        if np.isfinite(level):
            away = np.abs(side - level)
            found.append((level, 1.4826 * float(median_of(away[None, :], 1)[0])))
    return min(found, default=(np.nan, np.nan))


def _signal(values, low):
    return float(np.where(np.isfinite(values), values, 0.0).sum())


def _place(values, low, guess, fwhm):
    """Return the row of the light and its error, nan where it does not stand out."""
    noise = _darker_side(values)[1]
    near = np.abs(np.arange(low, low + len(values)) - guess) <= max(fwhm, 1.5)
    total = float(np.where(near & np.isfinite(values), values, 0.0).sum())
    if not total > _SIGNIFICANCE * noise * np.sqrt(near.sum()):
        return np.nan, np.inf
    found = low + centroid(values, guess - low, fwhm)
    if not abs(found - guess) <= max(fwhm, 2.0):
        return np.nan, np.inf
    return found, noise * fwhm * np.sqrt(fwhm) / total
