"""Removal of spurious detections in the wings of brighter objects.

Each object's profile is taken to go on as a Moffat's; a fainter one that would
not have been detected without that light is merged into the brighter. sep does
this too, but drops the pixels of what it removes, compares every object with
every other, and sorts the pixels of faint ones otherwise than SExtractor. Here
the order of events, the sums and the pixels that remain are SExtractor's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mr_extract.detection.pairs import pairs_within, ranges
from mr_extract.detection.segments import Segments

if TYPE_CHECKING:
    from mr_extract.settings.detecting import Detection

ZONE = 10.0  # how many times the sum of their a two objects may lie apart
_SMALL = 64  # pixels; of larger objects one pixel more or less means nothing
_PART_SUMS = ("npix", "tnpix", "flux", "cflux")
_MERGED = 0x0001  # sep's flag: a victim's being deblended says nothing of its master


def clean(
    data: np.ndarray, objects: np.ndarray, segments: Segments, above: np.ndarray,
    settings: Detection, weighted: bool = False,
) -> tuple[np.ndarray, Segments]:
    """Merge spurious detections into their brighter neighbours.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
        Image without background.
    objects : structured ndarray, shape (n,)
        From `sep.extract` without cleaning.
    segments : mr_extract.detection.segments.Segments
        Its labels are changed in place.
    above : ndarray of float64, shape (m,)
        How far the filtered image is over the threshold, at the pixels of the segments
        in the order of rows.
    settings : mr_extract.settings.detecting.Detection
        `minarea` and `clean_param`.
    weighted : bool
        The noise differs from pixel to pixel: what the threshold leaves of a profile is
        then not corrected for, as in SExtractor.

    Returns
    -------
    objects : structured ndarray, shape (m,)
        Those that remain; areas, sums, peaks and extents are those of all
        merged pixels, positions and shapes as they were.
    segments : mr_extract.detection.segments.Segments
        Merged pixels belong to the master, but hide nothing from others.
    """
    n = len(objects)
    if n < 2:
        return objects, segments
    first, second = pairs_within(objects["x"], objects["y"], ZONE * objects["a"].astype(float))
    if not len(first):
        return objects, segments
    profiles = _Profiles(data, objects, segments, above, settings, weighted)
    master = _eat(profiles, first, second)
    victims = master >= 0
    if not victims.any():
        return objects, segments
    for k in np.flatnonzero(victims):  # a master may have been eaten after its meal
        while master[master[k]] >= 0:
            master[k] = master[master[k]]
    objects = _merged(objects, master, victims)
    return objects, _relabelled(segments, master, victims)


class _Profiles:
    """What cleaning knows of each object; flux and area grow as it eats."""

    def __init__(self, data, objects, segments, above, settings, weighted):
        self.beta = settings.clean_param
        self.x, self.y, self.a = objects["x"], objects["y"], objects["a"].astype(float)
        self.cxx, self.cyy, self.cxy = (objects[c].astype(float) for c in ("cxx", "cyy", "cxy"))
        self.flux = objects["cflux"].astype(float)
        self.npix = objects["npix"].astype(float)
        self.thresh = objects["thresh"].astype(float)
        self.area = np.pi * self.a * objects["b"]
        self.abcor = np.ones(len(objects))
        if not weighted:
            self.abcor = _truncation(data, objects, segments, self.area)
        self.mthresh = _least_threshold(data.shape[1], segments, above, settings.minarea)

    def eats(self, i, j):
        """Say whether the light of i accounts for all that made j a detection."""
        dx, dy = self.x[i] - self.x[j], self.y[i] - self.y[j]
        with np.errstate(all="ignore"):
            peak = self.flux[i] / (2.0 * self.area[i] * self.abcor[i])
            alpha = (peak / self.thresh[i]) ** (1.0 / self.beta) - 1.0
            alpha = alpha * self.area[i] / self.npix[i]
            distance = 1.0 + alpha * (
                self.cxx[i] * dx * dx + self.cyy[i] * dy * dy + self.cxy[i] * dx * dy
            )
            wing = np.where(distance < 1e10, peak * distance**-self.beta, 0.0)
        return (distance > 1.0) & (wing > self.mthresh[j])


def _eat(profiles, first, second):
    """Go through the objects as they were found; return each one's master, -1 for none."""
    n = len(profiles.x)
    master = np.full(n, -1)
    bright = profiles.flux[first] < profiles.flux[second]
    eater, prey = np.where(bright, second, first), np.where(bright, first, second)
    hungry = profiles.eats(eater, prey)
    partners = [[] for _ in range(n)]  # of each object, the earlier ones to look at
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


def _truncation(data, objects, segments, area):
    """Return how much of a Gaussian's a b the threshold leaves (SExtractor's abcor)."""
    half = (objects["thresh"] + objects["peak"]) / 2.0
    above = segments.sums(data.ravel()[segments.pixels] > half[segments.owner])
    with np.errstate(all="ignore"):
        missing = above - objects["tnpix"]
        missing = np.where(missing < 0, missing, -1.0)
        ratio = objects["thresh"] / half
        share = missing / (2.0 * area * np.log(np.where(ratio < 1.0, ratio, 0.99)))
    return np.where(ratio > 0, np.minimum(share, 1.0), 1.0)


def _least_threshold(width, segments, above, minarea):
    """Return how far the threshold could rise before an object is too small."""
    starts, counts = segments.starts[:-1], np.diff(segments.starts)
    above = above[segments.order]
    least = np.zeros(segments.count)

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


def _merged(objects, master, victims):
    objects = objects.copy()
    eaten = np.flatnonzero(victims)
    into = master[eaten]
    for name in _PART_SUMS:
        np.add.at(objects[name], into, objects[name][eaten])
    for name in ("xmin", "ymin"):
        np.minimum.at(objects[name], into, objects[name][eaten])
    for name in ("xmax", "ymax"):
        np.maximum.at(objects[name], into, objects[name][eaten])
    np.bitwise_or.at(objects["flag"], into, objects["flag"][eaten] & ~_MERGED)
    for peak, x, y in (("peak", "xpeak", "ypeak"), ("cpeak", "xcpeak", "ycpeak")):
        for k, m in zip(eaten.tolist(), into.tolist()):
            if objects[peak][k] > objects[peak][m]:
                for name in (peak, x, y):
                    objects[name][m] = objects[name][k]
    return objects[~victims]


def _relabelled(segments, master, victims):
    number = np.where(victims, 0, np.cumsum(~victims)).astype(np.int32)
    pixels, owner = segments.pixels, segments.owner
    segments.labels.ravel()[pixels] = number[owner]
    gone = victims[owner]
    result = Segments(
        segments.labels, int(number.max()), pixels[gone], number[master[owner[gone]]] - 1,
        segments.fragments,
    )
    result.by_row = segments.by_row[segments.labels.ravel()[segments.by_row] != 0]
    return result
