"""Logarithms."""

import numpy as np

from mr_extract.portable.exponential import LOG2, LOG2_REST

_TEN, _LOG10_2, _LOG10_2_REST = (4.34294481903251816668e-01, 3.01029995663611771306e-01,
                                 3.69423907715893078616e-13)
_TERMS = tuple(2.0 / (2 * k + 1) for k in range(11, 0, -1))
_ROOT = np.sqrt(0.5)


def logarithm(x: np.ndarray) -> np.ndarray:
    """Return the natural logarithm, to within a unit of the last digit.

    Parameters
    ----------
    x : ndarray of float64
        Of 0 it is -inf, and nan below.

    Notes
    -----
    x is 2^n (1 + f) with 1 + f within a factor of the square root of 2 of 1. With s = f / (2 + f),
    log(1 + f) = f - (f^2 / 2 - s (f^2 / 2 + R)), and R = 2 s^2 / 3 + 2 s^4 / 5 + ... to s^22 (as in
    fdlibm, which has fewer terms by least squares).
    """
    x = np.asarray(x, dtype=np.float64)
    usual = (x > 0) & (x < np.inf)
    f, n = _parts(np.where(usual, x, 1.0))
    found = n * LOG2 - (_less(f, n * LOG2_REST) - f)
    return found if usual.all() else np.where(usual, found, _odd(x))


def decimal_logarithm(x: np.ndarray) -> np.ndarray:
    """Return the logarithm to base 10, to within two units of the last digit.

    Parameters
    ----------
    x : ndarray of float64
        Of 0 it is -inf, and nan below.
    """
    x = np.asarray(x, dtype=np.float64)
    usual = (x > 0) & (x < np.inf)
    f, n = _parts(np.where(usual, x, 1.0))
    # The product that is exact is added last.
    found = n * _LOG10_2 + (n * _LOG10_2_REST + _TEN * (f - _less(f, 0.0)))
    return found if usual.all() else np.where(usual, found, _odd(x))


def _parts(x):
    """Return f and n of x = 2^n (1 + f)."""
    part, n = np.frexp(x)
    low = part < _ROOT
    return np.where(low, 2.0 * part, part) - 1.0, (n - low).astype(np.float64)


def _less(f, rest):
    """Return what f is more than its logarithm and a rest."""
    s, half = f / (2.0 + f), 0.5 * f * f
    square = s * s
    series = np.full(f.shape, _TERMS[0])
    for term in _TERMS[1:]:
        series = series * square + term
    return half - (s * (half + square * series) + rest)


def _odd(x):
    return np.where(x == 0, -np.inf, np.where(x == np.inf, np.inf, np.nan))
