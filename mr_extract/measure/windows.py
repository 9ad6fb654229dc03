"""Positions, shapes and fluxes in a Gaussian window that follows the light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mr_extract.columns.choice import SEARCH_CUT
from mr_extract.measure.border import CIRCLE, over_border
from mr_extract.measure.ellipses import columns
from mr_extract.measure.surroundings import CORRECT

if TYPE_CHECKING:
    from mr_extract.measure.surroundings import Surroundings

SIGMA_PER_RADIUS = 2.0 / 2.35  # window's sigma for a half-light radius, as SExtractor
LEAST_RADIUS = 0.5  # pixels
_REACH = 4.0  # sigma
_ITERATIONS = 16
_STEP = 1e-4  # pixels: a smaller one is the last
_FACTOR = 2.0  # a Gaussian in a window of its own width shows half of its offset
_PIXEL = 1.0 / 12.0  # variance of a position within a pixel
_SINGULAR = 0.00694  # pix^4, SExtractor's: less is a line
_IN_A_LINE = 0x0008  # sep's flag of an object whose pixels are
_MOST_PIXELS = 1 << 19  # of cuts that are worked on together

# Why a windowed measurement is not given, as SExtractor's FLAGS_WIN.
LINE, NEGATIVE, DARK, LOST = 1, 2, 4, 8


def windowed(
    around: Surroundings, objects: np.ndarray, half_light_radius: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Measure objects in a Gaussian window that is moved to its own barycentre.

    The window's sigma is 2/2.35 of the half-light radius, and it ends at 4 sigma.
    It starts at the isophotal position and moves by twice the offset of the
    barycentre until that is less than 1e-4 pixels, at most 16 times.

    Parameters
    ----------
    around : mr_extract.measure.surroundings.Surroundings
        What is opposite a neighbour's or bad pixel is so with respect to the
        window, wherever it is.
    objects : structured ndarray, shape (n,)
        From `mr_extract.detection.extraction.detect`.
    half_light_radius : ndarray of float64, shape (n,)
        In pixels, at least 0.5; where it is nan the sigma is `a`.

    Returns
    -------
    columns : dict of str to ndarray, shape (n,)
        `x_win`, `y_win`: 0-based pixels; `x2_win` ... `theta_win`: the second
        moments of what is seen through the window, pix^2, which are half of those
        of a Gaussian in a window of its width; `errx2_win` ... `errtheta_win`:
        the variance of the position; `flux_win`, the sum of the image times the
        window, which is 1 in its centre, `fluxerr_win`, which is that in a window
        of given width, `snr_win`; `niter_win`;
        `flag_win`: 1 the moments are those of a line or worse, 2 a variance is
        negative, 4 there is no positive flux, 8 the window strayed: it is more
        than a pixel off along both axes and out of the isophotal ellipse.
        Positions, their errors and moments are nan with any.
    flag : ndarray of int64, shape (n,)
        `SEARCH_CUT` where a window on the way reached over the border.
    """
    n = len(objects)
    radius = np.fmax(half_light_radius, LEAST_RADIUS)
    known = np.isfinite(half_light_radius)
    sigma = np.where(known, SIGMA_PER_RADIUS * radius, objects["a"].astype(float))
    names = ("x", "y", "niter", "tv", "dx", "dy", "mx2", "my2", "mxy", "esum", "ex2", "ey2", "exy",
             "cut")
    sums = {name: np.zeros(n) for name in names}
    sizes = 2 * np.ceil(_REACH * sigma + 1.25).astype(np.int64) + 1
    for chosen in _alike(sizes):
        part = _Cuts(around, chosen, sigma[chosen], int(sizes[chosen].max())).converge()
        for name in names:
            sums[name][chosen] = part[name]
    return _columns(around, objects, sums), np.where(sums["cut"] > 0, SEARCH_CUT, 0)


def _alike(sizes):
    """Yield groups of objects whose cuts are nearly of one size and together not too large."""
    coarse = 2 ** np.maximum(np.floor(np.log2(sizes)) - 2, 1).astype(np.int64)
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
            x[active] += _FACTOR * dx * positive
            y[active] += _FACTOR * dy * positive
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
        keys = self.keys(rows, x[rows], y[rows])
        x0 = np.clip(keys[:, 0] - self.nx // 2, 0, self.width - self.nx)
        y0 = np.clip(keys[:, 1] - self.ny // 2, 0, self.height - self.ny)
        first = (y0 * self.width + x0)[:, None, None]
        index = first + np.arange(self.ny)[:, None] * self.width + np.arange(self.nx)
        data = self.around.plane.data.ravel()[index].astype(float)
        box, pixel = self.around.replaced(self.chosen[rows], x0, x0 + self.nx, y0, y0 + self.ny)
        values, noise = self.around.substitutes(
            self.chosen[rows][box], pixel, x[rows][box], y[rows][box]
        )
        place = box, pixel // self.width - y0[box], pixel % self.width - x0[box]
        data[place] = values
        self.index, self.place, self.noise = index, place, noise
        return data, x0, y0, keys

    def keys(self, rows, x, y):
        """Return what a cut depends on: the pixel of the centre, and that opposite the first."""
        # A window that has gone astray ends somewhere, but in the image.
        x, y = np.clip(x, -1.0, self.width), np.clip(y, -1.0, self.height)
        keys = [np.rint(x), np.rint(y)]
        if self.around.how == CORRECT:
            keys += [np.floor(2.0 * x + 0.49999), np.floor(2.0 * y + 0.49999)]
        return np.stack(keys, 1).astype(np.int64)

    def refresh(self, cut, rows, x, y):
        """Cut those anew whose window has moved on to another pixel."""
        moved = np.flatnonzero((self.keys(rows, x[rows], y[rows]) != cut[3]).any(1))
        if len(moved):
            for old, new in zip(cut, self.cut(rows[moved], x, y)):
                old[moved] = new

    def weights(self, x0, y0, rows, x, y):
        """Return offsets and Gaussians along both axes, and the share of pixels in the circle."""
        dx = x0[:, None] + np.arange(self.nx) - x[:, None]
        dy = y0[:, None] + np.arange(self.ny) - y[:, None]
        narrow, reach = -0.5 / self.sigma[rows, None] ** 2, _REACH * self.sigma[rows, None]
        along_x, along_y = np.exp(narrow * dx * dx), np.exp(narrow * dy * dy)
        # Across a pixel the edge is taken to be straight.
        share = (0.5 * reach + 0.5 - dx * dx / (2.0 * reach))[:, None, :] - (
            dy * dy / (2.0 * reach))[:, :, None]
        return dx, dy, along_x, along_y, np.clip(share, 0.0, 1.0, out=share)

    def barycentre(self, cut, rows, x, y):
        """Return the sum in the windows and that times the offsets."""
        data, x0, y0, _ = cut
        dx, dy, along_x, along_y, share = self.weights(x0, y0, rows, x, y)
        share *= data
        plain = np.einsum("kji,ki->kj", share, along_x) * along_y
        first = np.einsum("kji,ki->kj", share, along_x * dx) * along_y
        return plain.sum(1), first.sum(1), (plain * dy).sum(1)

    def moments(self, rows, x, y):
        """Return second moments and sums of variance in windows at given places."""
        data, x0, y0, _ = self.cut(rows, x, y)
        dx, dy, along_x, along_y, share = self.weights(x0, y0, rows, x, y)
        variance = self.variance(data)
        variance *= share * share
        share *= data
        plain = np.einsum("kji,ki->kj", share, along_x) * along_y
        first = np.einsum("kji,ki->kj", share, along_x * dx) * along_y
        second = np.einsum("kji,ki->kj", share, along_x * dx * dx) * along_y
        with np.errstate(divide="ignore", invalid="ignore"):
            tv = plain.sum(1)
            tv = np.where(tv != 0.0, tv, np.nan)
            result = {
                "mx2": second.sum(1) / tv, "my2": (plain * dy * dy).sum(1) / tv,
                "mxy": (first * dy).sum(1) / tv,
            }
        along_x, along_y = along_x * along_x, along_y * along_y
        plain = np.einsum("kji,ki->kj", variance, along_x) * along_y
        first = np.einsum("kji,ki->kj", variance, along_x * dx) * along_y
        second = np.einsum("kji,ki->kj", variance, along_x * (dx * dx + _PIXEL)) * along_y
        result |= {"esum": plain.sum(1), "ex2": second.sum(1),
                   "ey2": (plain * (dy * dy + _PIXEL)).sum(1), "exy": (first * dy).sum(1)}
        return result

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


def _columns(around, objects, sums):
    tv, x, y = sums["tv"], sums["x"], sums["y"]
    dark = ~(tv > 0.0)
    dx, dy = x - around.x, y - around.y
    off = objects["cxx"] * dx * dx + objects["cyy"] * dy * dy + objects["cxy"] * dx * dy
    lost = ~np.isfinite(off) | ((np.abs(dx) > 1.0) & (np.abs(dy) > 1.0) & (off > 1.0))
    x2 = sums["mx2"] - sums["dx"] ** 2
    y2 = sums["my2"] - sums["dy"] ** 2
    xy = sums["mxy"] - sums["dx"] * sums["dy"]
    determinant = x2 * y2 - xy * xy
    flag = np.where(dark, DARK, 0) | np.where(lost, LOST, 0)
    flag |= np.where((x2 < 0.0) | (y2 < 0.0), NEGATIVE, 0) | np.where(determinant < 0.0, LINE, 0)
    thin = np.where(determinant < _SINGULAR, _PIXEL, 0.0)
    none = flag != 0
    moments = (np.where(none, np.nan, v) for v in (x2 + thin, y2 + thin, xy))
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(none, np.nan, (_FACTOR / tv) ** 2)
        error = np.sqrt(sums["esum"])
        snr = np.where(error > 0.0, tv / error, np.nan)
    ex2, ey2, exy = (sums[name] * scale for name in ("ex2", "ey2", "exy"))
    least = _PIXEL * sums["esum"] * scale
    # Pixels in a line leave the error across it undetermined.
    thin = (objects["flag"] & _IN_A_LINE > 0) & (ex2 * ey2 - exy * exy < least * least)
    thin = np.where(thin, least, 0.0)
    return {
        "x_win": np.where(none, np.nan, x), "y_win": np.where(none, np.nan, y),
        **columns("", "_win", *moments), **columns("err", "_win", ex2 + thin, ey2 + thin, exy),
        "flux_win": tv, "fluxerr_win": error, "snr_win": snr,
        "niter_win": sums["niter"].astype(np.int64), "flag_win": flag,
    }
