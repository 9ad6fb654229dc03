"""The detection filter, at chosen pixels."""

import numpy as np


def filtered(data, pixels, kernel, mask=None):
    """Convolve an image at some pixels.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
    pixels : ndarray of int64, shape (m,)
        Flat indices.
    kernel : sequence of sequences of float
        Weights, normalised here to the sum of their absolute values; empty for
        no filter.
    mask : ndarray of bool, shape (height, width), optional
        Masked pixels count as 0, as do those beyond the border.

    Returns
    -------
    ndarray of float64, shape (m,)
    """
    if not len(kernel):
        return data.ravel()[pixels].astype(float)
    kernel = np.asarray(kernel, float)
    kernel = kernel / np.abs(kernel).sum()
    height, width = data.shape
    above, beside = kernel.shape[0] // 2, kernel.shape[1] // 2
    flat, hidden = data.ravel(), None if mask is None else mask.ravel()
    y, x = np.divmod(pixels, width)
    border = np.flatnonzero((x < beside) | (x >= width - beside)
                            | (y < above) | (y >= height - above))
    x, y = x[border], y[border]
    total = np.zeros(len(pixels))
    for (j, i), weight in np.ndenumerate(kernel):
        j, i = j - above, i - beside
        at = pixels + (j * width + i)
        outside = border[(x + i < 0) | (x + i >= width) | (y + j < 0) | (y + j >= height)]
        at[outside] = 0
        value = flat[at]
        value[outside] = 0.0
        if hidden is not None:
            value[hidden[at]] = 0.0
        total += weight * value
    return total
