"""Surface brightnesses."""

import numpy as np

from mr_extract.portable.logarithm import decimal_logarithm


def surface_brightness(level: np.ndarray, zero_point: float, pixel_scale: float) -> np.ndarray:
    """Return surface brightnesses; nan where the level is not positive.

    Parameters
    ----------
    level : ndarray of float64, shape (n,)
        Image units in a pixel.
    zero_point : float
        Magnitude of one image unit.
    pixel_scale : float
        Arcseconds a pixel, nan where it is not known.

    Returns
    -------
    ndarray of float64, shape (n,)
        Magnitudes per square arcsecond.
    """
    positive = np.where(level > 0, level, np.nan).astype(float)
    return zero_point - 2.5 * decimal_logarithm(positive / (pixel_scale * pixel_scale))
