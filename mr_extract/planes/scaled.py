"""What is in image units, into the units of a plane and back.

Pixels outside the comfortable range come divided by a power of two
(`mr_extract.images.exponents`). All that is set against them must be, too: here is the
list of what that is. The kernels know nothing of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.remarks import say

if TYPE_CHECKING:
    from mr_extract.columns.column import Column
    from mr_extract.settings.config import Config

# Of the columns in image units, those of the image in which sources were found.
_OF_DETECTION = {"threshold", "cpeak", "cflux"}
_IMAGE_UNIT = "adu"
_FAR = 1e38  # more than any pixel, in float32 as well
_SINGLE = np.finfo(np.float32)
_NOTHING = -1e29  # a pixel of a cut-out that is not there is less


def times(value: float, exponent: int) -> float:
    """Return a number times two to a power, the number itself for 0."""
    if not exponent:
        return value
    with np.errstate(over="ignore", under="ignore"):
        return float(np.ldexp(value, exponent))


def settings_of(config: Config, exponent: int) -> Config:
    """Return a configuration whose settings in image units are in those of a plane.

    Parameters
    ----------
    config : mr_extract.settings.config.Config
    exponent : int
        Of the image (`mr_extract.images.Image`).

    Returns
    -------
    mr_extract.settings.config.Config
        `back_value`, `fthresh` and absolute thresholds are others. Gain, saturation and
        zero point may be a header's, and are `levels_of`.
    """
    if not exponent:
        return config
    background, detection = config.background, config.detection
    changes = {"back_value": _inside(background.back_value, exponent),
               "fthresh": _inside(background.fthresh, exponent)}
    if detection.thresh_type == "absolute":
        changes["thresh"] = _inside(detection.thresh, exponent)
    if detection.analysis_thresh_type == "absolute":
        changes["analysis_thresh"] = _inside(detection.analysis_thresh, exponent)
    return config.updated(**changes)


def _inside(value, exponent):
    if not value:
        return value
    size = min(max(abs(times(value, -exponent)), 1.0 / _FAR), _FAR)
    return float(np.copysign(size, value))


def levels_of(
    gain: float, saturation: float, zero_point: float, exponent: int
) -> tuple[float, float, float]:
    """Return gain, saturation level and zero point of an image in the units of its plane."""
    if not exponent:
        return gain, saturation, zero_point
    return (times(gain, exponent), _inside(saturation, exponent),
            zero_point - 2.5 * math.log10(2.0) * exponent)


def columns_of(
    values: Mapping[str, np.ndarray], chosen: Mapping[str, Column], measured: int, detected: int
) -> dict[str, np.ndarray]:
    """Return columns in their types and image units.

    Parameters
    ----------
    values : dict of str to ndarray, shape (n,)
        In the units of the planes.
    chosen : dict of str to mr_extract.columns.column.Column
    measured, detected : int
        Exponents of the images that are measured, and in which sources were found.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        Where float32 is too narrow for what is in image units that column is float64, of
        nine digits, which are those of a float32; that is said.
    """
    columns, wide = {}, False
    for name, value in values.items():
        column = chosen[name]
        if column.pixels:
            columns[name] = _cutouts(value, measured)
            continue
        value = np.ascontiguousarray(value, column.dtype)
        if column.unit == _IMAGE_UNIT:
            exponent = detected if column.name in _OF_DETECTION else measured
            value = _outside(value, exponent)
            wide |= value.dtype != np.float32
        columns[name] = value
    if wide:
        say("beyond-float32")
    return columns


def _cutouts(value, exponent):
    if not exponent:
        return value
    there = value > _NOTHING
    wide = np.ldexp(value.astype(float), exponent)
    size = np.abs(wide[there & (value != 0)])
    if len(size) and not (size.min() >= _SINGLE.tiny and size.max() <= _SINGLE.max):
        raise ImageFailure("unsupported-pixels", "cut-outs are in single precision, which these "
                                                 "pixels leave: choose columns without vignet")
    return np.where(there, wide, value).astype(np.float32)


def _outside(value, exponent):
    if not exponent:
        return value
    with np.errstate(over="ignore"):
        value = np.ldexp(value.astype(float), exponent)
    size = np.abs(value[np.isfinite(value) & (value != 0)])
    if not len(size) or (size.min() >= _SINGLE.tiny and size.max() <= _SINGLE.max):
        return value.astype(np.float32)
    return np.array([float(f"{one:.9g}") for one in value.tolist()])


def picture_of(values: np.ndarray, exponent: int) -> np.ndarray:
    """Return a picture of a plane in image units.

    Parameters
    ----------
    values : ndarray of float32, shape (height, width)
    exponent : int

    Returns
    -------
    ndarray of float32 or float64, shape (height, width)
        float64 where float32 would not hold the typical pixel with seven digits.
    """
    if not exponent:
        return values
    wide = np.ldexp(values.astype(float), exponent)
    size = np.abs(wide)
    typical = np.median(size[size > 0]) if size.any() else 1.0
    if typical >= 1e7 * float(_SINGLE.tiny) and size.max() <= float(_SINGLE.max):
        return wide.astype(np.float32)
    return wide
