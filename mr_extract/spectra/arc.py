"""Wavelengths by the lines of a lamp: found, told which they are, and a polynomial through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.spectra.centroids import centroid, width_of
from mr_extract.spectra.line_lists import told_apart
from mr_extract.spectra.medians import running_median
from mr_extract.spectra.polynomial import Polynomial, polynomial_fit

_GROUND = 51  # columns of the running median below lines
_SCALES = np.linspace(0.94, 1.06, 33)  # of the dispersion that is guessed
_BENDS = np.linspace(-0.08, 0.08, 17)  # change of the dispersion from the middle to an end
_ROUNDS = 8
_PEAKS, _WAYS = 3, 60  # ways to lay the lines that are tried
_SURE = 0.6  # of the lines in the lamp, with which no other way is looked at
_STRETCH = 2.5  # of the dispersion that is guessed, which it nowhere may be off
_SPAN = 0.3  # of the columns, which lines must span
_WORST = 0.25  # of the FWHM of a line, which is the greatest scatter
_SPARE = 3  # lines that are needed besides those that a polynomial goes through anyway
_CHANCE = 3.0  # times the lines that fall on known ones by chance


@dataclass(frozen=True)
class Solution:
    """Wavelengths of the columns.

    Parameters
    ----------
    curve : mr_extract.spectra.polynomial.Polynomial
        Angstrom of a column.
    columns, wavelengths : ndarray of float64, shape (n,)
        The lines that were used.
    rms : float
        Of them about it, in Angstrom.
    found : int
        Lines that were found in the lamp.
    fwhm : float
        Of a line, in columns.
    """

    curve: Polynomial
    columns: np.ndarray
    wavelengths: np.ndarray
    rms: float
    found: int
    fwhm: float


def lines_in(values: np.ndarray, threshold: float, ceiling: float) -> tuple[np.ndarray, float]:
    """Return the columns of emission lines, and their typical FWHM.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Of a lamp.
    threshold : float
        Height over the surroundings in their scatter from column to column.
    ceiling : float
        Values that reach it are saturated, and such lines are not used.

    Returns
    -------
    columns : ndarray of float64, shape (k,)
    fwhm : float
        nan where there is no line.
    """
    light = values - running_median(values, _GROUND)
    steps = np.abs(np.diff(light))
    noise = max(1.4826 / np.sqrt(2.0) * float(np.median(steps)), 1e-30)
    inner = light[1:-1]
    peaks = 1 + np.flatnonzero((inner >= light[:-2]) & (inner > light[2:])
                               & (inner > threshold * noise) & (values[1:-1] < ceiling))
    if not len(peaks):
        return np.empty(0), np.nan
    widths = np.array([width_of(light, int(peak)) for peak in peaks])
    bright = np.argsort(-light[peaks], kind="stable")[: max(len(peaks) // 2, 5)]
    widths_of_bright = widths[bright][np.isfinite(widths[bright])]
    fwhm = float(np.median(widths_of_bright)) if len(widths_of_bright) else 2.0
    fwhm = max(fwhm, 1.5)
    columns = []
    for peak, width in zip(peaks, widths):
        if not 0.5 * fwhm <= width <= 1.6 * fwhm:  # a cosmic ray, or a blend
            continue
        if light[peak] < light[max(peak - int(fwhm), 0) : peak + int(fwhm) + 1].max():
            continue
        found = centroid(light, float(peak), fwhm)
        if np.isfinite(found) and abs(found - peak) < fwhm:
            columns.append(found)
    return np.array(columns), fwhm


def solution(
    columns: np.ndarray, fwhm: float, known: tuple[np.ndarray, np.ndarray], size: int,
    middle: float, dispersion: float, search: float, degree: int, least: int,
) -> Solution:
    """Return the wavelengths of columns from lines of a lamp.

    Parameters
    ----------
    columns : ndarray of float64, shape (k,)
        Of the lines, as from `lines_in`.
    fwhm : float
        Of a line in columns.
    known : tuple of ndarray
        Wavelengths and strengths of the lines of the lamp.
    size : int
        Columns of the image.
    middle, dispersion : float
        Wavelength of the middle column and Angstrom a column, about; a negative one where
        wavelengths fall.
    search : float
        Angstrom by which `middle` may be off.
    degree : int
        Of the polynomial.
    least : int
        Lines that it needs.

    Returns
    -------
    Solution

    Raises
    ------
    ImageFailure
        ``no-wavelengths`` where there are too few, or more than one way to name them.
    """
    wavelengths = told_apart(*known, 1.2 * fwhm * abs(dispersion))
    least = max(least, degree + 1 + _SPARE)
    if len(columns) < least:
        raise ImageFailure("no-wavelengths", f"the lamp shows {len(columns)} lines, of which "
                           f"{least} are needed")
    half = (size - 1) / 2.0
    best: tuple = (-np.inf, None, None)
    fitted = _Fitted(columns, wavelengths, size, fwhm * abs(dispersion))
    for guess in _laid(columns, half, wavelengths, middle, dispersion, search, fwhm):
        fit, pairs = _settled(guess, fitted, degree)
        if fit is not None and _is_likely(fit, columns, size, fwhm, dispersion):
            best = max(best, (_beyond_chance(fit, columns, wavelengths, size), fit, pairs),
                       key=lambda one: one[0])
        if best[0] > _SURE * len(columns):
            break
    excess, fit, pairs = best
    used = 0 if fit is None else int(fit.used.sum())
    if used < least or excess < degree + 1 + _SPARE:
        raise ImageFailure("no-wavelengths", f"{used} of {len(columns)} lines of the lamp lie on "
                           "known ones, along enough of the image, too few to tell them from "
                           f"chance with a polynomial of degree {degree}; is it another lamp, or "
                           f"the guess ({middle:.6g}, {dispersion:.4g} a pixel) far off?")
    return Solution(fit.curve, columns[fit.used], wavelengths[pairs[fit.used]], fit.rms,
                    len(columns), fwhm)


def _laid(columns, half, wavelengths, middle, dispersion, search, fwhm):
    """Yield the wavelengths of lines for ways to lay them on the known ones, the likeliest first.

    For each dispersion, and change of it along the image, the distances of all lines from all
    known ones are counted: where they pile up is the wavelength of the middle.
    """
    width = 0.5 * fwhm * abs(dispersion)
    bins = max(int(np.ceil(2.0 * search / width)), 3)
    x, t = columns - half, (columns - half) / half
    ways = []
    for scale in _SCALES:
        for bend in _BENDS:
            predicted = scale * dispersion * x + bend * t * t * half * abs(dispersion) / 2.0
            place = (wavelengths[None, :] - predicted[:, None] - middle + search) / width
            inside = (place >= 0) & (place < bins)
            counts = np.bincount(place[inside].astype(np.int64), minlength=bins)
            piled = counts[:-1] + counts[1:]
            for peak in np.argsort(-piled, kind="stable")[:_PEAKS]:
                ways.append((-int(piled[peak]), len(ways),
                             predicted + middle + (peak + 1) * width - search))
    ways.sort(key=lambda way: way[:2])
    tried: list[np.ndarray] = []
    for _, _, guess in ways:
        if all(np.abs(guess - other).max() > width for other in tried):
            tried.append(guess)
            yield guess
        if len(tried) == _WAYS:
            return


class _Fitted:
    """Polynomials through lines, each once: most ways to lay the lines come to the same few."""

    def __init__(self, columns, wavelengths, size, width):
        self.columns, self.wavelengths, self.width = columns, wavelengths, width
        self._ends, self._known = (0.0, size - 1.0), {}

    def through(self, pairs, order):
        """Return the polynomial through lines of these numbers and its values, or None twice."""
        key = order, pairs.tobytes()
        if key not in self._known:
            target = np.where(pairs >= 0, self.wavelengths[np.maximum(pairs, 0)], np.nan)
            fit = polynomial_fit(self.columns, target, order, self._ends, None, 3.0,
                                 0.03 * self.width)
            self._known[key] = fit, None if fit is None else fit.curve(self.columns)
        return self._known[key]


def _settled(guess, fitted, degree):
    """Return the polynomial through lines near known ones and the numbers of these, or None."""
    tolerance = 2.0 * fitted.width
    fit, pairs = None, np.empty(0, int)
    for step in range(_ROUNDS):
        pairs = _nearest(guess, fitted.wavelengths, tolerance)
        order = min(2 + step // 2, degree)
        if (pairs >= 0).sum() < max(order + 2, 4):
            return None, pairs
        fit, guess = fitted.through(pairs, order)
        if fit is None:
            return None, pairs
        tolerance = max(0.3 * fitted.width, min(tolerance, 5.0 * fit.rms))
    return (fit if len(fit.curve.coefficients) > degree else None), pairs


def _is_likely(fit, columns, size, fwhm, dispersion):
    """Tell whether a polynomial goes as a spectrograph may have it, the ends of the image, too."""
    slopes = fit.curve.slope(np.arange(size)) / dispersion
    return (1.0 / _STRETCH < slopes.min() and slopes.max() < _STRETCH
            and np.ptp(columns[fit.used]) >= _SPAN * size
            and fit.rms <= _WORST * fwhm * abs(dispersion))


def _beyond_chance(fit, columns, wavelengths, size):
    """Return how many lines were used, less `_CHANCE` times what another lamp might give."""
    ends = np.sort(fit.curve(np.array([0.0, size - 1.0])))
    within = int(((wavelengths >= ends[0]) & (wavelengths <= ends[1])).sum())
    scatter = max(fit.rms, 0.05 * (ends[1] - ends[0]) / size)
    share = min(within * 6.0 * scatter / (ends[1] - ends[0]), 1.0)
    return float(fit.used.sum()) - _CHANCE * share * len(columns)


def _nearest(guess, wavelengths, tolerance):
    """Return for each guess the number of the known line that is nearest to it, and it to that."""
    distance = np.abs(guess[:, None] - wavelengths[None, :])
    nearest, back = distance.argmin(axis=1), distance.argmin(axis=0)
    own = np.arange(len(guess))
    fine = (back[nearest] == own) & (distance[own, nearest] <= tolerance)
    return np.where(fine, nearest, -1)
