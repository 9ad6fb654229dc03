"""The detection filter, and the pixels that it lifts over the threshold."""

from collections.abc import Sequence

import numpy as np

_STRIP = 1 << 17  # pixels at a time, so that a strip and its sums stay in the processor's cache


def pixels_over(
    data: np.ndarray, labels: np.ndarray, thresh: float | np.floating | np.ndarray,
    kernel: Sequence[Sequence[float]] | np.ndarray, mask: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the pixels of objects and all others over the threshold of the filtered image.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
        Image without background.
    labels : ndarray of int32, shape (height, width)
        Segmentation map; what has a label is found in any case.
    thresh : float or ndarray of float32, shape (height, width)
        In image units.
    kernel : sequence of sequences of float
        Weights, normalised here to the sum of their absolute values; empty for
        no filter.
    mask : ndarray of bool, shape (height, width), optional
        Masked pixels count as 0 in the filter, as do those beyond the border,
        and are never over the threshold.

    Returns
    -------
    pixels : ndarray of int64, shape (m,)
        Flat indices, ascending.
    values : ndarray of float32, shape (m,)
        The filtered image there.
    """
    height, width = data.shape
    kernel = normalised(kernel)
    above, beside = kernel.shape[0] // 2, kernel.shape[1] // 2
    below = kernel.shape[0] - 1 - above
    rows = max(1, _STRIP // width)
    wide = np.zeros((rows + above + below, width + kernel.shape[1] - 1), np.float32)
    found, values = [], []
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        first, last = max(top - above, 0), min(bottom + below, height)
        wide[:] = 0.0
        inner = wide[first - top + above:last - top + above, beside:beside + width]
        inner[:] = data[first:last]
        if mask is not None:
            inner[mask[first:last]] = 0.0
        filtered = _convolved(wide[:bottom - top + above + below], kernel, width)
        here = labels[top:bottom]
        limit = thresh[top:bottom] if isinstance(thresh, np.ndarray) else np.float32(thresh)
        over = filtered > limit
        if mask is not None:
            over &= ~mask[top:bottom]
        over |= here != 0
        at = np.flatnonzero(over)
        found.append(at + top * width)
        values.append(filtered.ravel()[at])
    return np.concatenate(found), np.concatenate(values)


def gaussian_kernel(fwhm: float) -> tuple[tuple[float, ...], ...]:
    """Return the weights of a round Gaussian filter.

    Parameters
    ----------
    fwhm : float
        Pixels. The filter reaches as far from its middle.

    Returns
    -------
    tuple of tuple of float
        The highest is 1.
    """
    reach = max(1, int(np.ceil(fwhm)))
    along = np.arange(-reach, reach + 1)
    # To digits that every exponential agrees on.
    side = [float(f"{one:.9g}") for one in np.exp(-4.0 * np.log(2.0) * (along / fwhm) ** 2)]
    return tuple(tuple(a * b for b in side) for a in side)


def normalised(kernel: Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
    """Return the weights of a filter divided by the sum of their absolute values, as sep does.

    Parameters
    ----------
    kernel : sequence of sequences of float
        Empty for no filter.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
    """
    weights = np.array(kernel if len(kernel) else [[1.0]], np.float32)
    total = np.float32(0.0)
    for weight in np.abs(weights).ravel():
        total += weight
    return weights / total


def _convolved(wide, kernel, width):
    """Return the sums over a strip with its margins, in sep's order."""
    rows = len(wide) - kernel.shape[0] + 1
    total = np.zeros((rows, width), np.float32)
    spare = np.empty_like(total)
    for (j, i), weight in np.ndenumerate(kernel):
        np.multiply(wide[j:j + rows, i:i + width], weight, out=spare)
        total += spare
    return total
