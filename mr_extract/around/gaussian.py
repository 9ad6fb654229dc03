"""Gaussians on a level ground, round and elliptical, fitted to the pixels around a place."""

import math
from dataclasses import dataclass

import numpy as np

from mr_extract.around.least_squares import least_squares
from mr_extract.around.samples import ARCMIN, Samples
from mr_extract.portable.angles import arctan2
from mr_extract.portable.exponential import exponential

_FOUR_LN2 = 4.0 * math.log(2.0)
# The mean of a Gaussian over its half width is this part of its height.
_CORE = 0.72


@dataclass
class Fit:
    """A fitted Gaussian.

    Parameters
    ----------
    values : ndarray of float64, shape (5,) or (7,)
        Of a round one amplitude, x, y (arcminutes), FWHM (arcminutes), ground; in units of the
        map. Of an ellipse amplitude, x, y, FWHM along the major and the minor axis, the angle of
        the major axis (degrees from north to east, 0 to 180), ground.
    covariance : ndarray of float64, shape (5, 5) or (7, 7)
    chi2 : float
    dof : int
        Pixels less parameters.
    """

    values: np.ndarray
    covariance: np.ndarray
    chi2: float
    dof: int

    @property
    def errors(self) -> np.ndarray:
        """Standard errors; of an angle linear ones, which say nothing where they are large."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    def flux(self) -> tuple[float, float]:
        """Return the integral, in units of the map times steradians, and its error."""
        widths = [3, 3] if len(self.values) == 5 else [3, 4]
        amplitude, (a, b) = self.values[0], self.values[widths]
        solid = np.pi * a * b * ARCMIN**2 / _FOUR_LN2
        slope = np.zeros(len(self.values))
        slope[0] = solid
        for k in widths:
            slope[k] += amplitude * solid / self.values[k]
        variance = (slope[:, None] * self.covariance * slope).sum()
        return float(amplitude * solid), float(np.sqrt(max(variance, 0.0)))


def fit_gaussian(
    samples: Samples, ground: float, noise: float | np.ndarray, width: float
) -> Fit | None:
    """Fit a round Gaussian.

    Parameters
    ----------
    samples : mr_extract.around.samples.Samples
        Good pixels alone.
    ground, width : float
        Where to begin: the level beside the source, and the FWHM in arcminutes.
    noise : float or ndarray of float64, shape (n,)
        Of a pixel, by which chi2 and the errors go; pixels are taken for independent.

    Returns
    -------
    Fit or None
        None where it does not come to an end, or there are too few pixels.
    """
    unit = float(np.median(noise)) if len(samples.values) > 5 else 0.0
    if not (np.isfinite(ground) and unit > 0):
        return None
    x, y, weights = samples.x, samples.y, unit / noise
    core = samples.distance <= 0.5 * width
    peak = samples.values[core].mean() if core.any() else samples.values.max()
    begin = np.array([(peak - ground) / _CORE / unit, 0.0, 0.0, width, ground / unit])
    if begin[0] == 0.0:
        begin[0] = 1.0

    def model(values):
        amplitude, x0, y0, fwhm, level = values
        if fwhm == 0.0:
            return None
        dx, dy, factor = x - x0, y - y0, _FOUR_LN2 / fwhm**2
        square = dx * dx + dy * dy
        shape = exponential(-factor * square)
        height = amplitude * shape
        slopes = np.stack([shape, 2.0 * factor * dx * height, 2.0 * factor * dy * height,
                           2.0 * factor * square / fwhm * height, np.ones_like(x)])
        return (height + level) * weights, slopes * weights

    found = least_squares(begin, model, samples.values / unit * weights)
    if found is None:
        return None
    values, covariance, chi2 = found
    units = np.array([unit, 1.0, 1.0, 1.0, unit])
    values = values * units
    values[3] = abs(values[3])
    return Fit(values, covariance * units * units[:, None], chi2, len(x) - 5)


def fit_ellipse(samples: Samples, begin: Fit, noise: float | np.ndarray) -> Fit | None:
    """Fit an elliptical Gaussian.

    Parameters
    ----------
    samples, noise
        As of `fit_gaussian`.
    begin : Fit
        The round one.

    Returns
    -------
    Fit or None

    Notes
    -----
    With the matrix M of the form exp(-d M d / 2), the parameters are its three elements, in which
    a round source is nothing special; axes and angle are those of its eigenvectors, the FWHM
    sqrt(8 ln 2 / eigenvalue). Errors go over by the derivatives.
    """
    if len(samples.values) <= 7:
        return None
    unit = float(np.median(noise))
    x, y, weights = samples.x, samples.y, unit / noise
    amplitude, x0, y0, fwhm, level = begin.values
    inverse = 2.0 * _FOUR_LN2 / fwhm**2
    start = np.array([amplitude / unit, x0, y0, inverse, 0.0, inverse, level / unit])

    def model(values):
        amplitude, x0, y0, p, q, r, level = values
        if p <= 0.0 or p * r - q * q <= 0.0:
            return None
        dx, dy = x - x0, y - y0
        shape = exponential(-0.5 * (p * dx * dx + 2.0 * q * dx * dy + r * dy * dy))
        height = amplitude * shape
        slopes = np.stack([shape, (p * dx + q * dy) * height, (q * dx + r * dy) * height,
                           -0.5 * dx * dx * height, -dx * dy * height, -0.5 * dy * dy * height,
                           np.ones_like(x)])
        return (height + level) * weights, slopes * weights

    found = least_squares(start, model, samples.values / unit * weights)
    if found is None:
        return None
    values, covariance, chi2 = found
    axes, slopes = _axes(*values[3:6])
    turned = np.eye(7)
    turned[3:6, 3:6] = slopes
    covariance = (turned[:, :, None] * covariance[None]).sum(axis=1)
    covariance = (covariance[:, :, None] * turned.T[None]).sum(axis=1)
    units = np.array([unit, 1.0, 1.0, 1.0, 1.0, 1.0, unit])
    values = np.concatenate([values[:3], axes, values[6:]]) * units
    return Fit(values, covariance * units * units[:, None], chi2, len(x) - 7)


def _axes(p, q, r):
    """Return FWHM of both axes and the angle, and their derivatives by p, q and r."""
    middle, half = 0.5 * (p + r), np.hypot(0.5 * (p - r), q)
    small, large = (p * r - q * q) / (middle + half), middle + half
    # The major axis is that of the small eigenvalue; x is to the east, y to the north.
    angle = 0.5 * arctan2(-2.0 * q, r - p)
    u, v = np.cos(angle), np.sin(angle)  # along x and y
    axes = np.sqrt(2.0 * _FOUR_LN2 / np.array([small, large]))
    by_small, by_large = np.array([u * u, 2 * u * v, v * v]), np.array([v * v, -2 * u * v, u * u])
    with np.errstate(divide="ignore", invalid="ignore"):
        by_angle = np.array([u * v, v * v - u * u, -u * v]) / (large - small)
    slopes = np.stack([-0.5 * axes[0] / small * by_small, -0.5 * axes[1] / large * by_large,
                       np.degrees(by_angle)])
    return np.array([*axes, np.degrees(arctan2(u, v)) % 180.0]), slopes
