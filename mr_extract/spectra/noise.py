"""The noise of the pixels below a spectrum, as the sky beside it shows it."""

import numpy as np

from mr_extract.spectra.medians import running_median
from mr_extract.spectra.sky import Sky

_CLIP = 5.0
_WINDOW = 31  # columns


def ground_variance(
    sky: Sky, gain: float, read_noise: float = 0.0, bias: float = 0.0
) -> np.ndarray:
    """Return the variance of a pixel with nothing but sky, in each column.

    Parameters
    ----------
    sky : Sky
    gain : float
        Electrons per image unit; 0 where it is not known.
    read_noise : float
        Electrons; 0 takes what the scatter of the sky has besides its photon noise.
    bias : float
        Image units of a pixel without light; it only matters with `read_noise`.

    Returns
    -------
    ndarray of float64, shape (n,)
        Without gain it is the square of the scatter, from a running median.
    """
    square = sky.scatter**2
    there = np.isfinite(square)
    if not there.any():
        return np.full(len(square), np.nan)
    if not gain > 0:
        return running_median(np.where(there, square, np.median(square[there])), _WINDOW)
    photons = np.where(there, sky.level, np.median(sky.level[there])) / gain
    if read_noise > 0:
        return (read_noise / gain) ** 2 + np.maximum(photons - bias / gain, 0.0)
    rest = (square - photons)[there]
    middle = np.median(rest)
    spread = 1.4826 * np.median(np.abs(rest - middle))
    kept = np.abs(rest - middle) <= _CLIP * spread
    rest = rest[kept].mean() if kept.any() else middle
    return np.maximum(rest + photons, 1e-3 * float(np.median(square[there])))
