"""An exponential that has the same digits on every machine."""

import numpy as np

LEAST = -700.0  # below which it is that of -700: 1e-304
_PER_LOG2 = 1.4426950408889634
# log(2) in two parts: times a whole number the first one is exact.
_LOG2, _LOG2_REST = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_ROUNDS = 6755399441055744.0  # 1.5 * 2^52: what is added to it loses its fraction
_TERMS = tuple(1.0 / np.prod(np.arange(1.0, k + 1.0)) for k in range(13, 1, -1))


def exponential(x: np.ndarray) -> np.ndarray:
    """Return exp(x) by additions and multiplications alone, which are the same everywhere.

    Parameters
    ----------
    x : ndarray of float64
        At most 0; less than -700 is taken for -700.

    Returns
    -------
    ndarray of float64
        To within one unit of the last digit.

    Notes
    -----
    exp(x) = 2^n exp(r), with n the whole number next to x / log(2), and the series of
    exp(r) to r^13 / 13!, as r is at most log(2) / 2. Libraries differ in the last digit, and
    numpy's by what a processor has.
    """
    x = np.maximum(x, LEAST)
    n = (x * _PER_LOG2 + _ROUNDS) - _ROUNDS
    r = (x - n * _LOG2) - n * _LOG2_REST
    series = np.full(r.shape, _TERMS[0])
    for term in _TERMS[1:]:
        series = series * r + term
    return np.ldexp(1.0 + (r + r * r * series), n.astype(np.int32))
