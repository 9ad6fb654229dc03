"""Our columns to SExtractor's: its names, its first pixel, its numbers for what is not there."""

from collections.abc import Mapping, Sequence

import numpy as np

from mr_extract.settings.config import Config
from mr_extract.sextractor.flags import to_sextractor
from mr_extract.sextractor.names import Output, outputs
from mr_extract.sextractor.parameters import PARAMETERS

NO_MAGNITUDE = 99.0
_CROWDED = 1
# Pixel coordinates: the first pixel is 1.
_PIXELS = {"X_IMAGE", "Y_IMAGE", "X_IMAGE_DBL", "Y_IMAGE_DBL", "XWIN_IMAGE", "YWIN_IMAGE",
           "XPSF_IMAGE", "YPSF_IMAGE",
           *(f"{axis}{what}_IMAGE" for axis in "XY" for what in ("MIN", "MAX", "PEAK"))}


def converted(
    columns: Mapping[str, np.ndarray], wanted: Sequence[Output], hdu: int
) -> dict[str, np.ndarray]:
    """Return columns under SExtractor's names and conventions.

    Parameters
    ----------
    columns : dict of str to ndarray, shape (n,)
        Ours by name; a vector's elements are ``name_1`` and so on.
    wanted : sequence of mr_extract.sextractor.names.Output
    hdu : int
        Number of the image's unit in its file.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        In the order of `wanted`, a vector's elements by themselves. Real numbers
        keep the width in which they were measured.
    """
    result = {}
    for output in wanted:
        for k, cell in enumerate(output.cells):
            one = output.parameter
            element = f"_{k + 1}" if one.vector else ""
            result[cell] = np.ascontiguousarray(_value(one, columns, element, hdu))
    return result


def _value(one, columns, element, hdu):
    needed = [columns[f"{need}{element}"] for need in one.needs if f"{need}{element}" in columns]
    if one.name == "EXT_NUMBER":
        return np.full(len(next(iter(columns.values()))), max(hdu, 1), np.int32)
    if one.name == "FLAGS":
        return to_sextractor(needed[0])
    if one.name.endswith("_BEST"):
        crowded = (to_sextractor(needed[0]) & _CROWDED) != 0
        value = np.where(crowded, needed[1], needed[2])
    elif one.name in ("POLAR_WORLD", "POLARWIN_IMAGE", "POLARWIN_WORLD"):
        value = _polarisation(*needed[:2])
        if "WIN" in one.name and len(needed) > 2:
            isophotal = needed[2] if len(needed) == 3 else _polarisation(*needed[2:])
            value = np.where(np.isnan(value), isophotal, value)
    else:
        value = needed[0]
        if len(needed) > 1:  # a window that was lost: the isophotal value
            value = np.where(np.isnan(value), needed[1], value)
    if one.name in ("FWHM_IMAGE", "FWHM_WORLD"):
        return np.where(np.isnan(value), value.dtype.type(0), value)
    if one.name in _PIXELS:
        return value + value.dtype.type(1)
    if one.name.startswith(("MAG_", "MAGERR_", "MU_")) and one.name in PARAMETERS:
        return np.where(np.isnan(value), value.dtype.type(NO_MAGNITUDE), value)
    return value


def _polarisation(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return ((a * a - b * b) / (a * a + b * b)).astype(np.float32)


def as_configured(
    columns: dict[str, np.ndarray], config: Config, hdu: int
) -> dict[str, np.ndarray]:
    """Return columns under the names that a configuration chooses.

    Parameters
    ----------
    columns : dict of str to ndarray, shape (n,)
        Ours by name.
    config : mr_extract.settings.config.Config
    hdu : int

    Returns
    -------
    dict of str to ndarray, shape (n,)
    """
    if config.output.names == "ours":
        return columns
    return converted(columns, outputs(config), hdu)
