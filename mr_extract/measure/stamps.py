"""Sums over the pixels around positions that sep has no function for."""

import numpy as np

_MOST_PIXELS = 1 << 21  # of stamps that are held at once
_LEAST = 10  # pixels of an annulus
_REACH = 4.0  # sigma of a Gaussian


def stamps(plane, x, y, reach):
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


def local_background(plane, x, y, inner, outer):
    """Return what is left of the background around positions.

    Parameters
    ----------
    plane : mr_extract.planes.plane.Plane
    x, y : ndarray of float64, shape (n,)
        0-based pixels.
    inner, outer : float
        Radii of the annulus in pixels.

    Returns
    -------
    background, error : ndarray of float64, shape (n,)
        Median of the good pixels whose centres lie in the annulus, without those
        further than 3 sigma from the first median (sigma is 1.4826 times the median
        absolute deviation), and its error sqrt(pi / 2 n) sigma; 0 and 0 where
        there are fewer than 10.
    """
    result = np.zeros((2, len(x)))
    for part, dx, dy, values, _, good in stamps(plane, x, y, outer):
        radius = np.hypot(dx, dy)
        good &= (radius >= inner) & (radius <= outer)
        enough = good.sum(1) >= _LEAST
        if not enough.any():
            continue
        values = np.where(good, values, np.nan)[enough]
        middle = np.nanmedian(values, 1)[:, None]
        sigma = 1.4826 * np.nanmedian(np.abs(values - middle), 1)[:, None]
        values[~(np.abs(values - middle) <= 3.0 * sigma)] = np.nan
        number = np.isfinite(values).sum(1)
        result[0, part][enough] = np.nanmedian(values, 1)
        result[1, part][enough] = np.sqrt(np.pi / 2.0 / number) * sigma[:, 0]
    return result[0], result[1]


def gaussian_fluxes(plane, x, y, fwhm, offset=0.0):
    """Return the fluxes of Gaussian stars at positions, by least squares.

    Parameters
    ----------
    plane : mr_extract.planes.plane.Plane
    x, y : ndarray of float64, shape (n,)
        0-based pixels.
    fwhm : float
        Full width at half maximum of a star in pixels.
    offset : float or ndarray of float64, shape (n,)
        Taken off each pixel.

    Returns
    -------
    flux, error : ndarray of float64, shape (n,)
        The whole flux of the star in image units; nan where less than half of its light
        falls on good pixels.

    Notes
    -----
    With d the pixels, s their noise and p the star of unit flux, f = sum(p d / s^2) /
    sum(p^2 / s^2), of variance 1 / sum(p^2 / s^2) and, with a gain g, f sum(p^3 / s^4) /
    (g sum(p^2 / s^2)^2) for its photons: the noise of the sky alone gives the weights, so
    that they do not depend on the flux. p is sampled at the centres of pixels, with the
    variance of a pixel, 1/12, added to that of the star.
    """
    variance = (fwhm / np.sqrt(8.0 * np.log(2.0))) ** 2 + 1.0 / 12.0
    flux, error = np.full((2, len(x)), np.nan)
    offset = np.broadcast_to(offset, x.shape)
    for part, dx, dy, values, noise, good in stamps(plane, x, y, _REACH * np.sqrt(variance)):
        star = np.exp(-0.5 * (dx * dx + dy * dy) / variance) / (2.0 * np.pi * variance)
        star = np.where(good, star, 0.0)
        light, noise = star.sum(1), np.maximum(noise, 1e-30)
        weight = star / noise**2
        norm = (star * weight).sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (weight * (values - offset[part][:, None])).sum(1) / norm
            squared = 1.0 / norm
            if plane.gain > 0:
                squared = squared + np.maximum(found, 0.0) * (star * weight**2).sum(1) / (
                    plane.gain * norm**2
                )
        enough = light >= 0.5
        flux[part] = np.where(enough, found, np.nan)
        error[part] = np.where(enough, np.sqrt(squared), np.nan)
    return flux, error
