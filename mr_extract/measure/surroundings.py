"""Apertures without their neighbours' light, as SExtractor's MASK_TYPE.

sep sums one image for all objects, but a pixel is a neighbour's for one object
and the object's own for another. Objects that have neighbours or bad pixels
within their aperture are cut out, each with its own correction, and the cuts
are laid side by side in one image, which sep then takes in one call. All
others are measured in the image itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np
import sep

from mr_extract.detection.within_boxes import in_boxes
from mr_extract.measure.border import boxes_around, leave_image
from mr_extract.measure.ellipses import extents
from mr_extract.measure.isolation import each_object
from mr_extract.measure.sheets import parted, sheet_of

if TYPE_CHECKING:
    from mr_extract.detection.segments import Segments
    from mr_extract.planes.plane import Plane

CORRECT, BLANK, NONE = "correct", "blank", "none"
_GIANT = 1 << 16  # pixels; a cut as large, for its image, is a sheet of its own


class Surroundings:
    """What lies around each object of a plane.

    Parameters
    ----------
    plane : mr_extract.planes.plane.Plane
        The image to measure.
    segments : mr_extract.detection.segments.Segments
        Whose pixels are whose.
    x, y : ndarray of float64, shape (n,)
        Centres in 0-based pixels.
    how : str
        ``correct`` replaces a neighbour's or bad pixel by the one opposite the
        centre (by 0 where that is no good either), ``blank`` by 0, ``none``
        leaves neighbours and lets sep count bad pixels as the mean of the rest.
    """

    def __init__(
        self, plane: Plane, segments: Segments, x: np.ndarray, y: np.ndarray, how: str
    ) -> None:
        self.plane, self.how = plane, how
        self.x, self.y = np.asarray(x, float), np.asarray(y, float)
        self.segments = segments
        self._height, self._width = plane.data.shape
        foreign = segments.by_row
        owners = segments.labels.ravel()[foreign]
        others = []
        if how != NONE and len(segments.fragments):
            others.append((segments.fragments, segments.count + 1))
        if plane.mask is not None:
            others.append((np.flatnonzero(plane.mask), -1))
        if others:
            foreign = np.concatenate([foreign, *(pixels for pixels, _ in others)])
            owners = np.concatenate([
                owners, *(np.full(len(pixels), label, owners.dtype) for pixels, label in others)
            ])
            # A pixel that is both counts once, as bad.
            order = np.lexsort((owners, foreign))
            foreign, owners = foreign[order], owners[order]
            once = np.ones(len(foreign), bool)
            once[1:] = foreign[1:] != foreign[:-1]
            foreign, owners = foreign[once], owners[once]
        self._foreign, self._owners = foreign, owners

    @property
    def others(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Flat indices of pixels with a label, ascending; where rows begin among them; labels."""
        pixels = np.ascontiguousarray(self._foreign, np.int64)
        rows = np.searchsorted(pixels, np.arange(self._height + 1) * self._width)
        return pixels, rows, np.ascontiguousarray(self._owners, np.int32)

    def of_ones(self) -> Self:
        """Return the same surroundings of an image of ones: sums in it are areas.

        The same pixels are replaced or left out, so that what a constant sky adds to a
        sum is the sky times the area.
        """
        plane = self.plane
        return self._on(replace(
            plane, data=np.ones_like(plane.data), gain=0.0,
            noise=None))  # type: ignore[arg-type]  # sep takes it for none

    def without_gain(self) -> Self:
        """Return the same surroundings with no photon noise in errors."""
        return self._on(replace(self.plane, gain=0.0))

    def _on(self, plane):
        other = copy(self)
        other.plane = plane
        return other

    def intruders(
        self, cxx: np.ndarray, cyy: np.ndarray, cxy: np.ndarray, r: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Find neighbours' and bad pixels within ellipses.

        Parameters
        ----------
        cxx, cyy, cxy, r : ndarray of float64, shape (n,)
            An ellipse for each object: cxx dx^2 + cyy dy^2 + cxy dx dy <= r^2.

        Returns
        -------
        owner : ndarray of int64, shape (m,)
            Whose aperture it is.
        pixel : ndarray of int64, shape (m,)
            Flat index.
        bad : ndarray of bool, shape (m,)
            True for bad pixels, False for neighbours'.
        """
        ellipses = np.empty((6, len(self.x)))
        for row, value in zip(ellipses, (self.x, self.y, cxx, cyy, cxy, r)):
            row[:] = value
        owner, pixel, label = self._in_boxes(
            *boxes_around((self._height, self._width), self.x, self.y,
                          *extents(cxx, cyy, cxy, r)), ellipses=ellipses)
        return owner, pixel, label < 0

    def measure(
        self, function: Callable[..., Sequence[np.ndarray]], reach_x: np.ndarray,
        reach_y: np.ndarray, *arrays: np.ndarray, outputs: int,
    ) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
        """Call a function of sep's kind for all objects.

        Parameters
        ----------
        function : callable
            ``function(data, noise, mask, x, y, *arrays)`` returns `outputs` arrays
            of the objects' length, the last one sep's bits.
        reach_x, reach_y : ndarray of float64, shape (n,)
            How far from the centre it looks, in pixels.
        *arrays : ndarray, shape (n, ...)
            Further arguments, one row an object.
        outputs : int

        Returns
        -------
        results : tuple of ndarray
            As from the function, nan where it raised.
        failed : ndarray of bool, shape (n,)
        """
        plane, n = self.plane, len(self.x)
        if self.how == NONE or not len(self._foreign):
            return self._call(function, plane.data, plane.noise, plane.mask,
                              self.x, self.y, arrays, outputs)
        shape = self._height, self._width
        boxes = x0, x1, y0, y1 = boxes_around(shape, self.x, self.y, reach_x, reach_y)
        giant = (x1 - x0) * (y1 - y0) > max(_GIANT, plane.data.size // 8)
        for box, size in zip(boxes, (self._width,) * 2 + (self._height,) * 2):
            box[giant] = np.clip(box[giant], 0, size)
        owner, pixel, label = self._in_boxes(*boxes)
        leaving = leave_image(shape, self.x, self.y, reach_x, reach_y)
        crowded = np.zeros(n, bool)
        crowded[owner] = True
        alone = np.flatnonzero(~crowded)
        parts = [(alone, self._call(function, plane.data, plane.noise, None, self.x[alone],
                                    self.y[alone], [a[alone] for a in arrays], outputs))]
        sheets = [*parted(np.flatnonzero(crowded & ~giant), boxes),
                  *np.flatnonzero(crowded & giant)[:, None]]
        for chosen in sheets:
            sheet = self._sheet(chosen, boxes, owner, pixel)
            results, failed = self._call(function, sheet.data, sheet.noise, None, sheet.x,
                                         sheet.y, [a[chosen] for a in arrays], outputs)
            bits = results[-1].astype(np.int64)
            bits[leaving[chosen]] |= sep.APER_TRUNC
            masked = np.zeros(n, bool)
            masked[owner[label < 0]] = True
            bits[masked[chosen]] |= sep.APER_HASMASKED
            parts.append((chosen, ((*results[:-1], bits), failed)))
        failed = np.zeros(n, bool)
        merged = []
        for k in range(outputs):
            pieces = [np.asarray(results[k]) for _, (results, _) in parts]
            dtype = np.result_type(*pieces)
            merged.append(np.zeros((n, *pieces[0].shape[1:]), dtype))
        for chosen, (results, bad) in parts:
            failed[chosen] = bad
            for whole, result in zip(merged, results):
                whole[chosen] = result
        return tuple(merged), failed

    def _call(self, function, data, noise, mask, x, y, arrays, outputs):
        def bound(x, y, *arrays):
            return function(data, noise, mask, x, y, *arrays)

        return each_object(bound, x, y, *arrays, outputs=outputs)

    def _in_boxes(self, x0, x1, y0, y1, which=None, ellipses=None):
        """Foreign pixels within boxes: number of the box, flat index, label (-1 for bad)."""
        shape = self._height, self._width
        return in_boxes(self._foreign, self._owners, shape, (x0, x1, y0, y1), which, ellipses)

    def replaced(
        self, which: np.ndarray, x0: np.ndarray, x1: np.ndarray, y0: np.ndarray, y1: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the pixels in boxes that are not taken as they are.

        Parameters
        ----------
        which : ndarray of int64, shape (k,)
            Objects.
        x0, x1, y0, y1 : ndarray of int64, shape (k,)
            First and beyond the last pixel of a box for each of them.

        Returns
        -------
        box : ndarray of int64, shape (m,)
            In which of the boxes.
        pixel : ndarray of int64, shape (m,)
            Flat index: neighbours' and bad pixels, where neighbours are taken as
            they are bad ones alone.
        """
        box, pixel, label = self._in_boxes(x0, x1, y0, y1, which)
        if self.how == NONE:
            return box[label < 0], pixel[label < 0]
        return box, pixel

    def within(
        self, x0: np.ndarray, x1: np.ndarray, y0: np.ndarray, y1: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return boxes cut at the border of the image."""
        x0, x1 = (np.clip(v, 0, self._width) for v in (x0, x1))
        y0, y1 = (np.clip(v, 0, self._height) for v in (y0, y1))
        return x0, x1, y0, y1

    def substitutes(
        self, owner: np.ndarray, pixel: np.ndarray, x: np.ndarray, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return what stands in for pixels that do not count.

        Parameters
        ----------
        owner, pixel : ndarray of int64, shape (m,)
            Whose aperture it is, and flat indices.
        x, y : ndarray of float64, shape (m,)
            Centre about which the opposite pixel is looked for.

        Returns
        -------
        data, noise : ndarray of float32, shape (m,)
            0 where there is none. The noise is None where it is one number.
        """
        data, given = np.zeros(len(pixel), np.float32), self.plane.noise
        noise = np.zeros(len(pixel), np.float32) if isinstance(given, np.ndarray) else None
        if self.how == CORRECT:
            width, height = self._width, self._height
            # The rounding is SExtractor's, so that the same pixel stands opposite.
            i = np.trunc(2.0 * x + 0.49999 - pixel % width).astype(np.int64)
            j = np.trunc(2.0 * y + 0.49999 - pixel // width).astype(np.int64)
            good = np.flatnonzero((i >= 0) & (i < width) & (j >= 0) & (j < height))
            opposite = j[good] * width + i[good]
            entry = np.minimum(np.searchsorted(self._foreign, opposite), len(self._foreign) - 1)
            free = self._foreign[entry] != opposite
            free |= self._owners[entry] == owner[good] + 1
            good, opposite = good[free], opposite[free]
            data[good] = self.plane.data.ravel()[opposite]
            if noise is not None and isinstance(given, np.ndarray):
                noise[good] = given.ravel()[opposite]
        return data, noise

    def _sheet(self, chosen, boxes, owner, pixel):
        """Lay the corrected cuts of objects side by side."""
        place = np.full(len(self.x), -1)
        place[chosen] = np.arange(len(chosen))
        here = place[owner] >= 0
        owner, pixel = owner[here], pixel[here]
        return sheet_of(
            self.plane, tuple(box[chosen] for box in boxes), self.x[chosen], self.y[chosen],
            place[owner], pixel, *self.substitutes(owner, pixel, self.x[owner], self.y[owner]))
