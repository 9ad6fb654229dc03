"""Sums over the pixels around positions that sep has no function for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.portable.exponential import exponential

if TYPE_CHECKING:
    from mr_extract.planes.plane import Plane

_MOST_PIXELS = 1 << 21  # of stamps that are held at once
LEAST_PIXELS = 20  # of an annulus; the scatter of fewer is itself unknown by over a quarter
# Of how many medians less how many means the sky is made, and the variance of that over the one
# of a mean, for a Gaussian: of a median it is pi / 2, and of median and mean the covariance 1.
STATISTICS = {"median": (1.0, 0.0), "mode": (3.0, 2.0), "mean": (0.0, -1.0)}
_FEW = 6.5  # what the uncertain scatter of n pixels adds to the variance, times n; simulated
_REACH = 4.0  # sigma of a Gaussian


def stamps(
    plane: Plane, x: np.ndarray, y: np.ndarray, reach: float
) -> Iterator[tuple[slice, np.ndarray, np.ndarray, np.ndarray, np.ndarray | float, np.ndarray]]:
    """Yield the pixels around positions, some positions at a time.

    Parameters
    ----------
    plane : mr_extract.planes.plane.Plane
    x, y : ndarray of float64, shape (n,)
        0-based pixels.
    reach : float
        Pixels up to this distance from a position are among those yielded.

    Yields
    ------
    part : slice
        Of the positions.
    dx, dy : ndarray of float64, shape (m, k)
        From the position to the pixel.
    values : ndarray of float64, shape (m, k)
    noise : ndarray of float64, shape (m, k), or float
    good : ndarray of bool, shape (m, k)
        On the image and not masked.
    """
    height, width = plane.data.shape
    size = int(np.ceil(reach)) + 1
    v, u = (axis.ravel() for axis in np.mgrid[-size : size + 1, -size : size + 1])
    near = np.hypot(u, v) <= reach + 1.0
    u, v = u[near], v[near]
    step = max(1, _MOST_PIXELS // len(u))
    for first in range(0, len(x), step):
        part = slice(first, first + step)
        i = np.rint(x[part]).astype(int)[:, None] + u
        j = np.rint(y[part]).astype(int)[:, None] + v
        good = (i >= 0) & (i < width) & (j >= 0) & (j < height)
        dx, dy = i - x[part][:, None], j - y[part][:, None]
        i, j = np.clip(i, 0, width - 1), np.clip(j, 0, height - 1)
        if plane.mask is not None:
            good &= ~plane.mask[j, i]
        noise = plane.noise
        if isinstance(noise, np.ndarray):
            noise = noise[j, i].astype(float)
        yield part, dx, dy, plane.data[j, i].astype(float), noise, good


def local_background(
    plane: Plane, x: np.ndarray, y: np.ndarray, inner: float, outer: float,
    statistic: str = "median",
) -> tuple[np.ndarray, np.ndarray]:
    """Return what is left of the background around positions.

    Parameters
    ----------
    plane : mr_extract.planes.plane.Plane
    x, y : ndarray of float64, shape (n,)
        0-based pixels.
    inner, outer : float
        Radii of the annulus in pixels.
    statistic : str
        ``median``, ``mean``, or ``mode``, which is DAOPHOT's estimate of it, 3 medians less 2
        means.

    Returns
    -------
    background, error : ndarray of float64, shape (n,)
        Statistic of the good pixels whose centres lie in the annulus, without those
        further than 3 sigma from the first median (sigma is 1.4826 times the median
        absolute deviation, or the noise where most pixels have one value), and its error
        sqrt(v / n (1 + 6.5 / n)) sigma, where v is pi / 2 for the median, 1 for the mean and
        6.14 for the mode; nan and nan where there are fewer than 20 pixels.
    """
    medians, means = STATISTICS[statistic]
    variance = medians**2 * np.pi / 2.0 - 2.0 * medians * means + means**2
    result = np.full((2, len(x)), np.nan)
    for part, dx, dy, values, noise, good in stamps(plane, x, y, outer):
        radius = np.hypot(dx, dy)
        good &= (radius >= inner) & (radius <= outer)
        enough = good.sum(1) >= LEAST_PIXELS
        if not enough.any():
            continue
        good = good[enough]
        noise = noise[enough] if isinstance(noise, np.ndarray) else np.full(good.shape, noise)
        values = np.where(good, values[enough], np.nan)
        middle = np.nanmedian(values, 1)[:, None]
        sigma = 1.4826 * np.nanmedian(np.abs(values - middle), 1)[:, None]
        flat = sigma[:, 0] == 0  # as in whole numbers of less noise than one
        sigma[flat, 0] = np.nanmedian(np.where(good, noise, np.nan)[flat], 1)
        values[~(np.abs(values - middle) <= 3.0 * sigma)] = np.nan
        number = np.isfinite(values).sum(1)
        sky = medians * np.nanmedian(values, 1) if medians else 0.0
        result[0, part][enough] = sky - means * np.nanmean(values, 1) if means else sky
        result[1, part][enough] = sigma[:, 0] * np.sqrt(
            variance / number * (1.0 + _FEW / number))
    return result[0], result[1]


def gaussian_reach(fwhm: float) -> float:
    """Return how far from a position pixels enter the fit of a Gaussian star."""
    return _REACH * np.sqrt(_variance(fwhm))


def _variance(fwhm):
    return (fwhm / np.sqrt(8.0 * math.log(2.0))) ** 2 + 1.0 / 12.0


def gaussian_fluxes(
    plane: Plane, x: np.ndarray, y: np.ndarray, fwhm: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the fluxes of Gaussian stars at positions, by least squares.

    Parameters
    ----------
    plane : mr_extract.planes.plane.Plane
    x, y : ndarray of float64, shape (n,)
        0-based pixels.
    fwhm : float
        Full width at half maximum of a star in pixels.

    Returns
    -------
    flux : ndarray of float64, shape (n,)
        The whole flux of the star in image units; nan where less than half of its light
        falls on good pixels.
    variance : ndarray of float64, shape (n,)
        From the noise of the background.
    photons : ndarray of float64, shape (n,)
        What a flux of 1 adds to it.
    area : ndarray of float64, shape (n,)
        What a sky of 1 a pixel adds to the flux.

    Notes
    -----
    With d the pixels, s their noise and p the star of unit flux, f = sum(p d / s^2) /
    sum(p^2 / s^2), of variance 1 / sum(p^2 / s^2) and, with a gain g, f sum(p^3 / s^4) /
    (g sum(p^2 / s^2)^2) for its photons: the noise of the sky alone gives the weights, so
    that they do not depend on the flux. p is sampled at the centres of pixels, with the
    variance of a pixel, 1/12, added to that of the star. Pixels without noise do not count.
    """
    variance = _variance(fwhm)
    result = np.full((4, len(x)), np.nan)
    for part, dx, dy, values, noise, good in stamps(plane, x, y, gaussian_reach(fwhm)):
        star = exponential(-0.5 * (dx * dx + dy * dy) / variance) / (2.0 * np.pi * variance)
        star = np.where(good & (noise > 0), star, 0.0)
        # In units of the noise, of which the square may be no number.
        unit = np.max(noise) if np.size(noise) else 1.0
        unit = unit if unit > 0 else 1.0
        weight = star / np.where(noise > 0, noise / unit, 1.0) ** 2
        norm = (star * weight).sum(1)
        enough = star.sum(1) >= 0.5
        norm = np.where(enough, norm, np.nan)
        result[:, part] = (
            (weight * values).sum(1) / norm, unit**2 / norm,
            (star * weight**2).sum(1) / norm**2 / plane.gain if plane.gain > 0 else 0.0 * norm,
            weight.sum(1) / norm,
        )
    return result[0], result[1], result[2], result[3]
