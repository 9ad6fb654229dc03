"""Which objects are taken for the wings of brighter ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from mr_extract.compiled import kernels
from mr_extract.detection.pairs import ranges

if TYPE_CHECKING:
    from mr_extract.detection.segments import Segments

_SMALL = 64  # pixels; of larger objects one pixel more or less means nothing


@dataclass
class Profiles:
    """What cleaning knows of each object; flux and area grow as it eats.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Pixels.
    cxx, cyy, cxy : ndarray of float64, shape (n,)
        Unit ellipse.
    area : ndarray of float64, shape (n,)
        Of the unit ellipse.
    abcor : ndarray of float64, shape (n,)
        How much of it the threshold leaves.
    thresh, mthresh : ndarray of float64, shape (n,)
        The threshold, and how far it could rise before the object is too small.
    flux, npix : ndarray of float64, shape (n,)
        Of the filtered image.
    beta : float
        Exponent of the Moffat profiles.
    """

    x: np.ndarray
    y: np.ndarray
    cxx: np.ndarray
    cyy: np.ndarray
    cxy: np.ndarray
    area: np.ndarray
    abcor: np.ndarray
    thresh: np.ndarray
    mthresh: np.ndarray
    flux: np.ndarray
    npix: np.ndarray
    beta: float

    @classmethod
    def of(cls, objects: np.ndarray, area: np.ndarray, abcor: np.ndarray, mthresh: np.ndarray,
           beta: float) -> Self:
        """Return those of detected objects."""
        x, y, cxx, cyy, cxy, thresh, flux, npix = (
            objects[name].astype(float)
            for name in ("x", "y", "cxx", "cyy", "cxy", "thresh", "cflux", "npix"))
        return cls(x, y, cxx, cyy, cxy, area, abcor, thresh, mthresh, flux, npix, beta)

    def eats(self, i: np.ndarray | int, j: np.ndarray | int) -> np.ndarray:
        """Say whether the light of i accounts for all that made j a detection."""
        dx, dy = self.x[i] - self.x[j], self.y[i] - self.y[j]
        with np.errstate(all="ignore"):
            peak = self.flux[i] / (2.0 * self.area[i] * self.abcor[i])
            alpha = _power(peak / self.thresh[i], 1.0 / self.beta) - 1.0
            alpha = alpha * self.area[i] / self.npix[i]
            distance = 1.0 + alpha * (
                self.cxx[i] * dx * dx + self.cyy[i] * dy * dy + self.cxy[i] * dx * dy
            )
            wing = np.where(distance < 1e10, peak * _power(distance, -self.beta), 0.0)
        return (distance > 1.0) & (wing > self.mthresh[j])


def _power(values, exponent):
    """Powers of positive numbers by the C library: numpy's differ by the processor."""
    if exponent == 1.0:
        return values
    if exponent == -1.0:
        return 1.0 / values
    return np.reshape([_of_one(v, exponent) for v in np.ravel(values).tolist()], np.shape(values))


def _of_one(value, exponent):
    try:
        return math.pow(value, exponent) if value > 0.0 else math.nan
    except OverflowError:
        return math.inf


def eat(profiles: Profiles, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Go through objects as they were found and let them merge.

    Parameters
    ----------
    profiles : Profiles
        Flux and area are changed in place.
    first, second : ndarray of int64, shape (m,)
        Pairs of objects near each other, each once with ``first < second``.

    Returns
    -------
    ndarray of int64, shape (n,)
        Each one's master, -1 for none.
    """
    n = len(profiles.x)
    master = np.full(n, -1)
    if kernels:
        p = profiles
        kernels.eat(p.x, p.y, p.cxx, p.cyy, p.cxy, p.area, p.abcor, p.thresh, p.mthresh, p.flux,
                    p.npix, p.beta, first, second, master)
        return master
    bright = profiles.flux[first] < profiles.flux[second]
    eater, prey = np.where(bright, second, first), np.where(bright, first, second)
    hungry = profiles.eats(eater, prey)
    partners: list[list[int]] = [[] for _ in range(n)]  # of each, the earlier ones to look at
    for i, j in zip(first[hungry].tolist(), second[hungry].tolist()):
        partners[max(i, j)].append(min(i, j))
    order = np.argsort(first, kind="stable")
    starts = np.searchsorted(first[order], np.arange(n + 1))
    zone = second[order]

    def merge(victim, into):
        master[victim] = into
        profiles.flux[into] += profiles.flux[victim]
        profiles.npix[into] += profiles.npix[victim]
        # It shines farther now: those still to come may have to look at it.
        later = zone[starts[into]:starts[into + 1]]
        later = later[profiles.flux[later] <= profiles.flux[into]]
        for other in later[profiles.eats(into, later)].tolist():
            partners[other].append(into)

    for newcomer in range(n):
        menu = []
        for other in sorted(set(partners[newcomer])):
            if master[other] >= 0:
                continue
            if profiles.flux[other] < profiles.flux[newcomer]:
                if profiles.eats(newcomer, other):
                    menu.append(other)
            elif profiles.eats(other, newcomer):
                merge(newcomer, other)
                break
        else:
            for other in menu:
                merge(other, newcomer)
    return master


def least_thresholds(
    segments: Segments, above: np.ndarray, width: int, minarea: int
) -> np.ndarray:
    """Return how far the threshold could rise before objects are too small.

    Parameters
    ----------
    segments : mr_extract.detection.segments.Segments
    above : ndarray of float64, shape (m,)
        How far the filtered image is over the threshold at each of `segments.pixels`.
    width : int
        Of the image.
    minarea : int
        Pixels of the smallest object, 1 or more.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    starts, counts = segments.starts[:-1], np.diff(segments.starts)
    least = np.zeros(segments.count)
    if kernels:
        kernels.least_thresholds(*(np.ascontiguousarray(v) for v in (
            segments.pixels, above, segments.starts)), width, minarea, max(_SMALL, minarea), least)
        return least
    above = above.copy()

    small = np.flatnonzero((counts >= minarea) & (counts <= max(_SMALL, minarea)))
    which, entry = ranges(starts[small], counts[small])
    scanned = entry[_scan_order(segments.pixels[entry], which, width)]
    begin = np.cumsum(counts[small]) - counts[small]
    few = counts[small] == minarea
    # SExtractor judges an object of just minarea pixels by its first one, and of
    # others passes over the one that comes when it has minarea.
    least[small[few]] = above[scanned[begin[few]]]
    above[scanned[begin[~few] + minarea]] = -np.inf

    low = minarea
    while low < counts.max(initial=0):
        # Objects of like size side by side, filled up with what is never chosen.
        some = np.flatnonzero((counts > low) & (counts <= 2 * low))
        column = np.arange(2 * low)
        there = column < counts[some, None]
        values = np.where(there, above[np.where(there, starts[some, None] + column, 0)], -np.inf)
        least[some] = -np.partition(-values, minarea - 1, axis=1)[:, minarea - 1]
        low *= 2
    return least


def _scan_order(pixels, owner, width):
    """Return the order in which a scan (Lutz 1980) links the pixels of objects.

    A row's pixels left of where the row above begins stand before all earlier
    ones, the others behind them. Of objects with gaps in a row it is a guess.
    """
    row, x = np.divmod(pixels, width)
    new = np.ones(len(pixels), bool)
    new[1:] = (row[1:] != row[:-1]) | (owner[1:] != owner[:-1])
    begin = np.flatnonzero(new)
    above = np.full(len(begin), -1)
    same = owner[begin[1:]] == owner[begin[:-1]]
    above[1:][same] = x[begin[:-1]][same]
    left = x < above[np.cumsum(new) - 1]
    return np.lexsort((x, np.where(left, -row, row), ~left, owner))
