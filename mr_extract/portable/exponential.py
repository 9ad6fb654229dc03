"""The exponential, and what is made of it."""

import numpy as np

LEAST, MOST = -700.0, 700.0  # beyond which it is that of these: 1e-304, 1e304
_PER_LOG2 = 1.4426950408889634
#: log(2) in two parts: times a whole number the first one is exact.
LOG2, LOG2_REST = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_ROUNDS = 6755399441055744.0  # 1.5 * 2^52: what is added to it loses its fraction
_TERMS = tuple(1.0 / np.prod(np.arange(1.0, k + 1.0)) for k in range(13, 1, -1))
_ODD = tuple(1.0 / np.prod(np.arange(1.0, k + 1.0)) for k in range(15, 1, -2))
_SMALL = 0.7  # where a difference of exponentials would lose digits


def exponential(x: np.ndarray) -> np.ndarray:
    """Return exp(x) by additions and multiplications alone, which are the same everywhere.

    Parameters
    ----------
    x : ndarray of float64
        What is beyond -700 or 700 is taken for these.

    Returns
    -------
    ndarray of float64
        To within one unit of the last digit.

    Notes
    -----
    exp(x) = 2^n exp(r), with n the whole number next to x / log(2), and the series of
    exp(r) to r^13 / 13!, as r is at most log(2) / 2.
    """
    x = np.minimum(np.maximum(x, LEAST), MOST)
    n = (x * _PER_LOG2 + _ROUNDS) - _ROUNDS
    r = (x - n * LOG2) - n * LOG2_REST
    series = np.full(r.shape, _TERMS[0])
    for term in _TERMS[1:]:
        series = series * r + term
    with np.errstate(invalid="ignore"):  # of nan
        return np.ldexp(1.0 + (r + r * r * series), n.astype(np.int32))


def hyperbolic_sine(x: np.ndarray) -> np.ndarray:
    """Return sinh(x), to within two units of the last digit.

    Parameters
    ----------
    x : ndarray of float64
        Beyond -700 or 700 it is infinite.
    """
    x = np.asarray(x)
    square = np.minimum(x * x, _SMALL**2)
    series = np.full(x.shape, _ODD[0])
    for term in _ODD[1:]:
        series = series * square + term
    high = exponential(np.abs(x))
    large = np.where(np.abs(x) > MOST, np.inf, 0.5 * (high - 1.0 / high))
    return np.where(np.abs(x) < _SMALL, x + x * square * series, np.copysign(large, x))
