"""Gaussian windows that follow the light, and the sums in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mr_extract.compiled import kernels
from mr_extract.measure.border import CIRCLE, over_border
from mr_extract.measure.surroundings import CORRECT, NONE
from mr_extract.portable.exponential import exponential

if TYPE_CHECKING:
    from mr_extract.measure.surroundings import Surroundings

FACTOR = 2.0  # a Gaussian in a window of its own width shows half of its offset
PIXEL = 1.0 / 12.0  # variance of a position within a pixel
_REACH = 4.0  # sigma
_ITERATIONS = 16
_STEP = 1e-4  # pixels: a smaller one is the last
_FAR = 1e9  # pixels, beyond which nothing is computed with whole numbers
_MOST_PIXELS = 1 << 19  # of cuts that are worked on together
_NAMES = ("x", "y", "niter", "tv", "dx", "dy", "mx2", "my2", "mxy", "esum", "ex2", "ey2", "exy",
          "cut")


def follow_windows(around: Surroundings, sigma: np.ndarray) -> dict[str, np.ndarray]:
    """Move windows to their barycentres and sum what is in them.

    Parameters
    ----------
    around : mr_extract.measure.surroundings.Surroundings
        Image, and where windows begin.
    sigma : ndarray of float64, shape (n,)
        Of the Gaussians, in pixels; they end at 4 of it, where pixels count by the share of
        them that is within, across which the edge is taken to be straight.

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
        `x`, `y`: where the windows went; `niter`: steps, 17 where 16 do not do; of the last
        one `tv`, the light, `dx` and `dy`, the barycentre's offset, `mx2`, `my2` and `mxy`,
        the second moments, `esum`, the variance of `tv`, and `ex2`, `ey2` and `exy`, that of
        `tv dx` and `tv dy`; `cut`: 1 where one on the way reached over the border.
    """
    plane, n = around.plane, len(sigma)
    if kernels and np.all((sigma > 0) & (sigma < _FAR)):
        varies = isinstance(plane.noise, np.ndarray)
        sums = np.empty((n, len(_NAMES)))
        kernels.follow_windows(
            plane.data, *plane.data.shape,
            np.ascontiguousarray(plane.noise, np.float32) if varies else None,
            0.0 if varies else float(plane.noise) ** 2, plane.gain, *around.others,
            around.how != NONE, around.how == CORRECT,
            *(np.ascontiguousarray(v, np.float64) for v in (around.x, around.y, sigma)), sums)
        return dict(zip(_NAMES, sums.T.copy()))
    found = {name: np.zeros(n) for name in _NAMES}
    sizes = 2 * np.ceil(_REACH * sigma + 1.25).astype(np.int64) + 1
    for chosen in _alike(sizes):
        part = _Cuts(around, chosen, sigma[chosen], int(sizes[chosen].max())).converge()
        for name in _NAMES:
            found[name][chosen] = part[name]
    return found


def _alike(sizes):
    """Yield groups of objects whose cuts are nearly of one size and together not too large."""
    coarse = 2 ** np.maximum(np.frexp(sizes)[1] - 3, 1).astype(np.int64)
    rounded = -(-sizes // coarse) * coarse
    for size in np.unique(rounded):
        group = np.flatnonzero(rounded == size)
        count = max(1, _MOST_PIXELS // int(size * size))
        for k in range(0, len(group), count):
            yield group[k:k + count]


class _Cuts:
    """Square cuts around objects, and the windows in them."""

    def __init__(self, around, chosen, sigma, size):
        self.around, self.chosen, self.sigma = around, chosen, sigma
        self.height, self.width = around.plane.data.shape
        self.ny, self.nx = min(size, self.height), min(size, self.width)
        self.varying = isinstance(around.plane.noise, np.ndarray)

    def converge(self):
        """Move the windows until they stand still; return the last sums."""
        k = len(self.chosen)
        x, y = self.around.x[self.chosen].copy(), self.around.y[self.chosen].copy()
        last = {name: np.zeros(k) for name in ("tv", "dx", "dy")}
        niter, at = np.full(k, _ITERATIONS + 1.0), (x.copy(), y.copy())
        over, reach = np.zeros(k, bool), _REACH * self.sigma
        active = np.arange(k)
        cut = self.cut(active, x, y)
        for step in range(1, _ITERATIONS + 1):
            at[0][active], at[1][active] = x[active], y[active]
            over[active] |= over_border((self.height, self.width), x[active], y[active],
                                        reach[active], reach[active], CIRCLE)
            tv, dx, dy = self.barycentre(cut, active, x[active], y[active])
            positive = tv > 0.0
            with np.errstate(divide="ignore", invalid="ignore"):
                # SExtractor judges the moments of what is dark by sums that it did not divide.
                dx, dy = (np.where(positive, d / tv, d) for d in (dx, dy))
            for name, value in (("tv", tv), ("dx", dx), ("dy", dy)):
                last[name][active] = value
            x[active] += FACTOR * dx * positive
            y[active] += FACTOR * dy * positive
            done = ~positive | (dx * dx + dy * dy < _STEP * _STEP)
            niter[active[done]] = step
            if done.all():
                break
            active, cut = active[~done], tuple(v[~done] for v in cut)
            self.refresh(cut, active, x, y)
        result = self.moments(np.arange(k), *at)
        return {**last, **result, "x": x, "y": y, "niter": niter, "cut": over}

    def cut(self, rows, x, y):
        """Return pixels, first column and row, and what the pixels depend on."""
        x, y = self.near(x[rows], y[rows])
        keys = self.keys(x, y)
        x0 = np.clip(keys[:, 0] - self.nx // 2, 0, self.width - self.nx)
        y0 = np.clip(keys[:, 1] - self.ny // 2, 0, self.height - self.ny)
        first = (y0 * self.width + x0)[:, None, None]
        index = first + np.arange(self.ny)[:, None] * self.width + np.arange(self.nx)
        data = self.around.plane.data.ravel()[index].astype(float)
        box, pixel = self.around.replaced(self.chosen[rows], x0, x0 + self.nx, y0, y0 + self.ny)
        values, noise = self.around.substitutes(self.chosen[rows][box], pixel, x[box], y[box])
        place = box, pixel // self.width - y0[box], pixel % self.width - x0[box]
        data[place] = values
        self.index, self.place, self.noise = index, place, noise
        return data, x0, y0, keys

    def near(self, x, y):
        """Return positions from which pixels are looked for, also where a window has strayed."""
        return np.clip(x, -1.0, self.width), np.clip(y, -1.0, self.height)

    def keys(self, x, y):
        """Return what a cut depends on: the pixel of the centre, and that opposite the first."""
        keys = [np.rint(x), np.rint(y)]
        if self.around.how == CORRECT:
            keys += [np.floor(2.0 * x + 0.49999), np.floor(2.0 * y + 0.49999)]
        return np.stack(keys, 1).astype(np.int64)

    def refresh(self, cut, rows, x, y):
        """Cut those anew whose window has moved on to another pixel."""
        moved = (self.keys(*self.near(x[rows], y[rows])) != cut[3]).any(1)
        moved = np.flatnonzero(moved)
        if len(moved):
            for old, new in zip(cut, self.cut(rows[moved], x, y)):
                old[moved] = new

    def weights(self, x0, y0, rows, x, y):
        """Return offsets and Gaussians along both axes, and the share of pixels in the circle."""
        dx = x0[:, None] + np.arange(self.nx) - x[:, None]
        dy = y0[:, None] + np.arange(self.ny) - y[:, None]
        sigma = self.sigma[rows, None]
        narrow, reach = -0.5 / (sigma * sigma), _REACH * sigma
        along_x, along_y = exponential(narrow * dx * dx), exponential(narrow * dy * dy)
        share = ((0.5 * reach + 0.5) - dx * dx / (2.0 * reach))[:, None, :] - (
            dy * dy / (2.0 * reach))[:, :, None]
        return dx, dy, along_x, along_y, np.clip(share, 0.0, 1.0, out=share)

    def barycentre(self, cut, rows, x, y):
        """Return the sum in the windows and that times the offsets."""
        data, x0, y0, _ = cut
        dx, dy, along_x, along_y, share = self.weights(x0, y0, rows, x, y)
        share *= data
        plain, first, _ = _columns(share, along_y, dy, 0.0)
        return _total(plain, along_x), _total(plain, along_x * dx), _total(first, along_x)

    def moments(self, rows, x, y):
        """Return second moments and sums of variance in windows at given places."""
        data, x0, y0, _ = self.cut(rows, x, y)
        dx, dy, along_x, along_y, share = self.weights(x0, y0, rows, x, y)
        variance = self.variance(data)
        variance *= share * share
        share *= data
        tv, *light = _moments(share, along_x, along_y, dx, dy, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            light = [total / np.where(tv != 0.0, tv, np.nan) for total in light]
        noise = _moments(variance, along_x * along_x, along_y * along_y, dx, dy, PIXEL)
        return dict(zip(_NAMES[6:13], (*light, *noise)))

    def variance(self, data):
        """Return the variance of the pixels of the cuts that were made last."""
        plane = self.around.plane
        if self.varying:
            variance = plane.noise.ravel()[self.index].astype(float)
            variance[self.place] = self.noise
            variance *= variance
        else:
            variance = np.full(data.shape, float(plane.noise) ** 2)
        if plane.gain > 0:
            variance += np.maximum(data, 0.0) / plane.gain
        return variance


# Sums go along columns, row by row, and then along what these gave: in an order that numpy
# does not choose.


def _columns(values, along_y, dy, pixel):
    """Sum columns under weights, and that times offsets and their squares."""
    plain, first, second = np.zeros((3, len(values), values.shape[2]))
    for j in range(values.shape[1]):
        row, away = values[:, j] * along_y[:, j, None], dy[:, j, None]
        plain += row
        first += row * away
        second += row * (away * away + pixel)
    return plain, first, second


def _total(sums, weights):
    result = np.zeros(len(sums))
    for i in range(sums.shape[1]):
        result += sums[:, i] * weights[:, i]
    return result


def _moments(values, along_x, along_y, dx, dy, pixel):
    """Sum values under weights, and that times products of the offsets: 1, xx, yy, xy."""
    plain, first, second = _columns(values, along_y, dy, pixel)
    return (_total(plain, along_x), _total(plain, along_x * (dx * dx + pixel)),
            _total(second, along_x), _total(first, along_x * dx))
