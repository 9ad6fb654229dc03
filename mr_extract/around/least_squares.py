"""Least squares by the method of Levenberg and Marquardt."""

from collections.abc import Callable

import numpy as np

from mr_extract.portable.matrices import inverse, solved

_ROUNDS = 60
_CLOSE = 1e-9  # of chi2
_MOST_DAMPING = 1e12

#: Gives what parameters mean and its derivatives, shapes (n,) and (k, n); None for none.
Model = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray] | None]


def least_squares(
    values: np.ndarray, model: Model, data: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float] | None:
    """Fit the parameters of a model.

    Parameters
    ----------
    values : ndarray of float64, shape (k,)
        Where to begin; the model has them.
    model : callable
    data : ndarray of float64, shape (n,)
        In units of their errors, as the model.

    Returns
    -------
    values : ndarray of float64, shape (k,)
    covariance : ndarray of float64, shape (k, k)
    chi2 : float
        None in the place of the three where it does not come to an end.
    """
    found = model(values)
    if found is None:
        return None
    expected, slopes = found
    chi2, damping = float(((data - expected) ** 2).sum()), 1e-3
    for _ in range(_ROUNDS):
        curvature = _products(slopes, slopes)
        gradient = (slopes * (data - expected)).sum(axis=1)
        better = None
        while better is None and damping < _MOST_DAMPING:
            damped = curvature + damping * np.diag(np.diag(curvature))
            try:
                trial = values + solved(damped, gradient)
            except np.linalg.LinAlgError:
                return None
            if np.isfinite(trial).all() and (found := model(trial)) is not None:
                square = float(((data - found[0]) ** 2).sum())
                if square <= chi2:
                    better = square
                    damping /= 100.0
            damping *= 10.0
        if better is None:  # no step is better: it is the least already, to the last digit
            break
        done = chi2 - better <= _CLOSE * max(chi2, 1.0)
        values, chi2, (expected, slopes) = trial, better, found
        if done:
            break
    else:
        return None
    try:
        covariance = inverse(_products(slopes, slopes))
    except np.linalg.LinAlgError:
        return None
    if not (np.isfinite(covariance).all() and (np.diag(covariance) > 0).all()):
        return None
    return values, covariance, chi2


def _products(first, second):
    # Without BLAS, whose last digits depend on the processor.
    return (first[:, None, :] * second[None, :, :]).sum(axis=2)
