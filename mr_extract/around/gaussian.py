"""A round Gaussian on a level ground, fitted to the pixels around a place."""

from dataclasses import dataclass

import numpy as np

from mr_extract.around.samples import ARCMIN, Samples

_FOUR_LN2 = 4.0 * np.log(2.0)
_ROUNDS = 60
_CLOSE = 1e-9  # of chi2
_MOST_DAMPING = 1e12


@dataclass
class Fit:
    """A fitted Gaussian.

    Parameters
    ----------
    values, errors : ndarray of float64, shape (5,)
        Amplitude, x, y (arcminutes), FWHM (arcminutes), ground; in units of the map.
    covariance : ndarray of float64, shape (5, 5)
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
        """Standard errors."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    def flux(self) -> tuple[float, float]:
        """Return the integral, in units of the map times steradians, and its error."""
        amplitude, _, _, fwhm, _ = self.values
        solid = np.pi * (fwhm * ARCMIN) ** 2 / _FOUR_LN2
        slope = np.array([solid, 2.0 * amplitude * solid / fwhm])
        part = self.covariance[np.ix_([0, 3], [0, 3])]
        variance = (slope[:, None] * part * slope).sum()
        return float(amplitude * solid), float(np.sqrt(max(variance, 0.0)))


def fit_gaussian(samples: Samples, ground: float, noise: float, width: float) -> Fit | None:
    """Fit a Gaussian, by the method of Levenberg and Marquardt.

    Parameters
    ----------
    samples : mr_extract.around.samples.Samples
        Good pixels alone.
    ground, width : float
        Where to begin: the level beside the source, and the FWHM in arcminutes.
    noise : float
        Of a pixel, by which chi2 and the errors go; pixels are taken for independent.

    Returns
    -------
    Fit or None
        None where it does not come to an end, or there are too few pixels.
    """
    if len(samples.values) <= 5 or not (np.isfinite(ground) and noise > 0):
        return None
    x, y, data = samples.x, samples.y, samples.values / noise
    core = samples.distance <= 0.5 * width
    peak = samples.values[core].mean() if core.any() else samples.values.max()
    # The mean over the half width is 0.72 of the height.
    values = np.array([(peak - ground) / 0.72 / noise, 0.0, 0.0, width, ground / noise])
    if values[0] == 0.0:
        values[0] = 1.0
    model, slopes = _model(values, x, y)
    chi2, damping = float(((data - model) ** 2).sum()), 1e-3
    for _ in range(_ROUNDS):
        curvature = _products(slopes, slopes)
        gradient = (slopes * (data - model)).sum(axis=1)
        better, damping = _step(values, curvature, gradient, chi2, damping, x, y, data)
        if better is None:
            return None
        done = chi2 - better[1] <= _CLOSE * max(chi2, 1.0)
        values, chi2, model, slopes = better
        if done:
            break
    else:
        return None
    try:
        covariance = np.linalg.inv(_products(slopes, slopes))
    except np.linalg.LinAlgError:
        return None
    if not (np.isfinite(covariance).all() and (np.diag(covariance) > 0).all()):
        return None
    units = np.array([noise, 1.0, 1.0, 1.0, noise])
    values = values * units
    values[3] = abs(values[3])
    return Fit(values, covariance * units * units[:, None], chi2, len(data) - 5)


def _step(values, curvature, gradient, chi2, damping, x, y, data):
    """Return the next values with chi2, model and slopes, None for none, and the damping."""
    while damping < _MOST_DAMPING:
        damped = curvature + damping * np.diag(np.diag(curvature))
        try:
            trial = values + np.linalg.solve(damped, gradient)
        except np.linalg.LinAlgError:
            return None, damping
        if np.isfinite(trial).all() and trial[3] != 0.0:
            model, slopes = _model(trial, x, y)
            found = float(((data - model) ** 2).sum())
            if found <= chi2:
                return (trial, found, model, slopes), damping / 10.0
        damping *= 10.0
    # No step is better: it is the least already, to the last digit.
    model, slopes = _model(values, x, y)
    return (values, chi2, model, slopes), damping


def _model(values, x, y):
    """Return the Gaussian at places, and its derivatives, shape (5, n)."""
    amplitude, x0, y0, fwhm, ground = values
    dx, dy, factor = x - x0, y - y0, _FOUR_LN2 / fwhm**2
    square = dx * dx + dy * dy
    shape = np.exp(-factor * square)
    height = amplitude * shape
    slopes = np.stack([shape, 2.0 * factor * dx * height, 2.0 * factor * dy * height,
                       2.0 * factor * square / fwhm * height, np.ones_like(x)])
    return height + ground, slopes


def _products(first, second):
    # Without BLAS, whose last digits depend on the processor.
    return (first[:, None, :] * second[None, :, :]).sum(axis=2)
