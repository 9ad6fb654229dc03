"""Fluxes to magnitudes."""

import math

import numpy as np

from mr_extract.portable.logarithm import decimal_logarithm

MAG_PER_FRACTION = 2.5 / math.log(10.0)


def magnitudes(
    flux: np.ndarray, error: np.ndarray, zero_point: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return magnitudes and their errors; nan where the flux is not positive.

    Parameters
    ----------
    flux, error : ndarray, shape (n,)
        In image units.
    zero_point : float
        Magnitude of one image unit.

    Returns
    -------
    tuple of two ndarrays of float64, shape (n,)
        ``zero_point - 2.5 log10(flux)`` and ``1.0857 error / flux``.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        positive = np.where(flux > 0, flux, np.nan).astype(float)
        return zero_point - 2.5 * decimal_logarithm(positive), MAG_PER_FRACTION * error / positive
