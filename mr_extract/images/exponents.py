"""Powers of two that bring pixels of any unit to where float32 holds them and their squares.

An image in erg/s/cm2/Hz has a noise of 1e-30, whose square is 0 in float32; one in small
units of something large has pixels whose squares are infinite. A power of two changes no
digit of a number, so what is measured is the same, and is brought back in the end.
"""

import math

import numpy as np

# Magnitudes of typical pixels that are measured as they stand. Noise is at least 1e-7 of
# a float32 pixel, and stars are up to 1e9 times as bright: squares are 1e-34 to 1e38.
COMFORTABLE = (1e-10, 1e10)
# In a plane, a pixel of so much or more is a bad one: sums of squares would overflow, in
# sep as well. Times the power of two it is the limit in the units of the image.
BIG = 1e30
_STEP = 32  # exponents are multiples of it, so that parts of an image have the same one
_SAMPLE = 1024  # pixels that tell of a usual image that it is one
_ENOUGH = 64  # of them that are numbers other than 0
_MOST = 1 << 18  # pixels that are looked at of another one
_TOP = 2.0**50  # beyond which the brightest of them are not lifted


def exponent_of(values: np.ndarray) -> int:
    """Return the exponent of the power of two by which pixels are divided before all else.

    Parameters
    ----------
    values : ndarray of any real type, any shape
        Pixels, or weights, with whatever stands for bad ones among them.

    Returns
    -------
    int
        A multiple of 32. 0 where the typical magnitude is within `COMFORTABLE`, and for
        integers of 32 bits and less.

    Notes
    -----
    Typical is the median of the magnitudes of some pixels, without 0 and what is not
    finite. Where that is out of range, it is the median of the different ones: bad pixels
    may be many, but have few values between them. Faint pixels are not lifted so far that
    the brightest thousandth goes beyond 1e15: where nearly all of an image is what a
    convolution leaves far from everything, its sources count.
    """
    if values.dtype.kind != "f" and values.dtype.itemsize < 8 or not values.size:
        return 0
    step = max(1, values.size // _SAMPLE)
    while math.gcd(step, values.shape[-1]) > 1:  # or all would be of one column
        step += 1
    sample = _magnitudes(values.flat[::step])
    low, high = COMFORTABLE
    if len(sample) >= _ENOUGH and low <= np.median(sample) <= high:
        return 0
    every = _magnitudes(values.reshape(-1))
    every = np.unique(every[:: max(1, len(every) // _MOST)])
    if not len(every):
        return 0
    typical = every[(len(every) - 1) // 2]
    if low <= typical <= high:
        return 0
    exponent = _STEP * round(math.log2(typical) / _STEP)
    top = every[int(0.999 * (len(every) - 1))]
    while exponent < 0 and np.ldexp(top, -exponent) > _TOP:
        exponent += _STEP
    return exponent


def _magnitudes(values):
    """Return the magnitudes of what is finite and not 0, in float64."""
    values = np.abs(values.astype(np.float64))
    return values[(values > 0) & (values < np.inf)]


def times_power(values: np.ndarray, exponent: int) -> np.ndarray:
    """Return numbers times two to a power, in float64 unless they are float32.

    Parameters
    ----------
    values : ndarray of any real type
    exponent : int
    """
    if values.dtype != np.float32:  # of either byte order
        values = values.astype(np.float64)
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(values, exponent)
