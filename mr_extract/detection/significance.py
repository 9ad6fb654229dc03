"""The noise of a filtered image, by which its pixels are significant or not.

It is measured in the filtered image and not derived from that of the pixels: where resampling
has correlated these, as in all stacks, a filter takes less of it away.
"""

import numpy as np

from mr_extract.detection.filtering import normalised

_APART = 4  # pixels between those that are looked at, along both axes
_CLIP = 3.0
_ROUNDS = 20
_LEAST = 1000  # pixels that are enough
_SIGMA_PER_MEDIAN = 1.4826


def filtered_sigma(
    data: np.ndarray, kernel: tuple[tuple[float, ...], ...], noise: float | np.ndarray,
    mask: np.ndarray | None = None,
) -> float:
    """Return the noise of the filtered image in units of that by which it is held.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
        Image without background.
    kernel : tuple of tuple of float
        As of `mr_extract.settings.detecting.Detection`; empty for no filter.
    noise : float or ndarray of float32, shape (height, width)
    mask : ndarray of bool, shape (height, width), optional
        True where a pixel does not count.

    Returns
    -------
    float
        To four digits: 1.4826 times the median absolute deviation of every fourth pixel of
        every fourth row, without those that stand out by 3 of it, and those as near to what
        stands out above as the filter reaches; 0 where nothing scatters.
    """
    weights = normalised(kernel)
    above, beside = (n // 2 for n in weights.shape)
    height, width = data.shape
    rows, columns = np.arange(0, height, _APART), np.arange(0, width, _APART)
    wide = np.zeros((height + len(weights) - 1, width + weights.shape[1] - 1), np.float32)
    inner = wide[above:above + height, beside:beside + width]
    inner[:] = data
    if mask is not None:
        inner[mask] = 0.0
    total = np.zeros((len(rows), len(columns)), np.float32)
    for (j, i), weight in np.ndenumerate(weights):
        total += weight * wide[j:j + height:_APART, i:i + width:_APART]
    every = np.ix_(rows, columns)
    units = noise[every] if isinstance(noise, np.ndarray) else np.float32(noise)
    counts = np.ones(total.shape, bool) if mask is None else ~mask[every]
    counts &= np.broadcast_to(units > 0, total.shape)
    total[counts] /= np.broadcast_to(units, total.shape)[counts]
    middle, sigma = _clipped(total[counts])
    if sigma > 0:  # the wings of sources, too
        sources = counts & (total > middle + _CLIP * sigma)
        alone = counts & ~_grown(sources, [n // 2 // _APART + 1 for n in weights.shape])
        if np.count_nonzero(alone) >= _LEAST:
            _, sigma = _clipped(total[alone])
    return float(f"{sigma:.4g}")


def _grown(chosen, steps):
    """Return where there is something chosen within some steps along both axes."""
    for axis, most in enumerate(steps):
        wide = chosen.copy()
        for step in range(1, most + 1):
            for one, other in ((slice(step, None), slice(None, -step)),
                               (slice(None, -step), slice(step, None))):
                at, of = ((one, other) if axis == 0 else
                          ((slice(None), one), (slice(None), other)))
                wide[at] |= chosen[of]
        chosen = wide
    return chosen


def _clipped(values):
    """Return middle and scatter of values without those that stand out."""
    middle = sigma = 0.0
    for _ in range(_ROUNDS):
        if not len(values):
            return 0.0, 0.0
        middle = float(np.median(values))
        apart = np.abs(values - middle)
        sigma = _SIGMA_PER_MEDIAN * float(np.median(apart))
        stay = apart <= _CLIP * sigma
        if stay.all() or not sigma > 0:
            break
        values = values[stay]
    return middle, sigma
