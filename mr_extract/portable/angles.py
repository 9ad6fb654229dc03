"""Angles of which sides are known, in radians."""

import numpy as np

# arctan(k / 8) for k = 0 to 8, and what a float64 leaves of each; the same of pi.
_ARCS = np.array([0.0, 0.12435499454676144, 0.24497866312686414, 0.35877067027057225,
                  0.4636476090008061, 0.5585993153435624, 0.6435011087932844, 0.7188299996216245,
                  0.7853981633974483])
_RESTS = np.array([0.0, -3.1253241424539383e-18, 1.0698755618734451e-17, -2.4623815582638635e-17,
                   2.2698777452961687e-17, -5.4556305485916264e-18, 1.5834785051444286e-17,
                   -2.1478388444456983e-17, 3.061616997868383e-17])
_PI, _PI_REST = 3.141592653589793, 1.2246467991473532e-16
_TERMS = tuple((-1.0) ** k / (2 * k + 1) for k in range(7, 0, -1))


def arctan2(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the angle of a point from the x axis, to within a unit of the last digit.

    Parameters
    ----------
    y, x : ndarray of float64
        Of one shape, or such that numpy makes one of them.

    Returns
    -------
    ndarray of float64
        From -pi to pi, and 0 or pi, with the sign of y, where both are 0; nan where one is not
        finite.

    Notes
    -----
    With t the lesser through the greater side and c = k / 8 next to it, arctan(t) is arctan(c),
    from a table, and arctan((t - c) / (1 + c t)), of which the argument is at most 1 / 16, by its
    series to the fifteenth power.
    """
    y, x = np.broadcast_arrays(np.asarray(y, np.float64), np.asarray(x, np.float64))
    high, wide = np.abs(y), np.abs(x)
    most, least = np.maximum(high, wide), np.minimum(high, wide)
    # By a power of two, which changes no digit: nothing leaves the range of numbers.
    _, exponent = np.frexp(most)
    most, least = np.ldexp(most, -exponent), np.ldexp(least, -exponent)
    most = np.where(most > 0.0, most, 1.0)
    usual = np.isfinite(most) & np.isfinite(least)
    near = np.where(usual, np.rint(8.0 * np.where(usual, least / most, 0.0)), 0.0)
    c = near / 8.0
    with np.errstate(invalid="ignore"):
        rest = (least - c * most) / (most + c * least)
    square = rest * rest
    series = np.full(rest.shape, _TERMS[0])
    for term in _TERMS[1:]:
        series = series * square + term
    k = near.astype(np.intp)
    arc, beyond = _ARCS[k], _RESTS[k] + (rest + rest * square * series)
    half = 0.5 * _PI, 0.5 * _PI_REST
    steep = high > wide
    arc, beyond = (np.where(steep, half[0] - arc, arc), np.where(steep, half[1] - beyond, beyond))
    back = np.signbit(x)
    arc, beyond = np.where(back, _PI - arc, arc), np.where(back, _PI_REST - beyond, beyond)
    return np.copysign(arc + beyond, y)


def arcsin(x: np.ndarray) -> np.ndarray:
    """Return the angle of a sine, to within some units of the last digit; nan beyond -1 and 1."""
    with np.errstate(invalid="ignore"):
        return arctan2(x, np.sqrt((1.0 - x) * (1.0 + x)))


def arccos(x: np.ndarray) -> np.ndarray:
    """Return the angle of a cosine, to within some units of the last digit; nan beyond -1, 1."""
    with np.errstate(invalid="ignore"):
        return arctan2(np.sqrt((1.0 - x) * (1.0 + x)), x)
