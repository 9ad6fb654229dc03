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

from mr_extract.detection.meals import Profiles, eat, least_thresholds
from mr_extract.detection.pairs import pairs_within
from mr_extract.detection.segments import Segments
from mr_extract.portable.logarithm import logarithm

if TYPE_CHECKING:
    from mr_extract.settings.detecting import Detection

ZONE = 10.0  # how many times the sum of their a two objects may lie apart
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
    area = np.pi * objects["a"].astype(float) * objects["b"]
    abcor = np.ones(n) if weighted else _truncation(data, objects, segments, area)
    least = least_thresholds(segments, above[segments.order], data.shape[1], settings.minarea)
    master = eat(Profiles.of(objects, area, abcor, least, settings.clean_param), first, second)
    victims = master >= 0
    if not victims.any():
        return objects, segments
    for k in np.flatnonzero(victims):  # a master may have been eaten after its meal
        while master[master[k]] >= 0:
            master[k] = master[master[k]]
    objects = _merged(objects, master, victims)
    return objects, _relabelled(segments, master, victims)


def _truncation(data, objects, segments, area):
    """Return how much of a Gaussian's a b the threshold leaves (SExtractor's abcor)."""
    half = (objects["thresh"] + objects["peak"]) / 2.0
    above = segments.count_over(data.ravel()[segments.pixels], half)
    with np.errstate(all="ignore"):
        missing = above - objects["tnpix"]
        missing = np.where(missing < 0, missing, -1.0)
        ratio = objects["thresh"] / half
        share = missing / (2.0 * area * logarithm(np.where(ratio < 1.0, ratio, 0.99)))
    return np.where(ratio > 0, np.minimum(share, 1.0), 1.0)


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
