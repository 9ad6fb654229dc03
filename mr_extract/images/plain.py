"""Plain uncompressed FITS images straight from the bytes to float32.

Several times cheaper than the general way, with the same pixels to the bit
(the tests compare the two). What it does not know it leaves to
`mr_extract.images.general`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.images.cards import read_cards
from mr_extract.images.exponents import exponent_of
from mr_extract.images.extensions import chosen_unit
from mr_extract.images.image import Image, plane, plane_shape
from mr_extract.images.scaling import scaling
from mr_extract.images.units import NotPlain, list_units, reader_of

if TYPE_CHECKING:
    from mr_extract.images.units import Unit

_TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
# astropy scales 32- and 64-bit integers in double precision, the others in single.
_SCALED = {8: np.float32, 16: np.float32, 32: np.float64, 64: np.float64,
           -32: np.float32, -64: np.float64}


def read_plain(buffer: bytes | memoryview, ext: int | str | None = None) -> Image:
    """Read an image of an uncompressed FITS file.

    Parameters
    ----------
    buffer : bytes-like
        The whole file.
    ext : int or str, optional
        Number or EXTNAME of the unit; by default the first with an image.

    Returns
    -------
    Image

    Raises
    ------
    NotPlain
        When the file has something that the general reader must see to.
    ImageFailure
        ``truncated``, ``corrupt``, ``unsupported-pixels``,
        ``not-two-dimensional``, ``no-image``, ``no-extension`` as named.
    """
    units = list_units(reader_of(buffer))
    return read_unit(buffer, chosen_unit(units, ext), sum(unit.is_plane for unit in units))


def read_unit(buffer: bytes | memoryview, unit: Unit, images: int = 1) -> Image:
    """Read one unit.

    Parameters
    ----------
    buffer : bytes-like
        The whole file.
    unit : mr_extract.images.units.Unit
    images : int
        Number of images in the file.

    Returns
    -------
    Image

    Raises
    ------
    NotPlain, ImageFailure
        As for `read_plain`.
    """
    if unit.compressed:
        raise NotPlain("a compressed image")
    cards, start = read_cards(buffer, unit.start)
    if unit.number == 0 and cards.get("SIMPLE") is not True:
        raise NotPlain("SIMPLE is not T")
    data, mask, exponent = _pixels(buffer, cards, unit.shape, start)
    return Image(data, cards, mask, unit.number, images, exponent=exponent)


def _pixels(buffer, cards, shape, start):
    dtype = pixel_type(cards)
    height, width = plane_shape(shape)
    available = (len(buffer) - start) // dtype.itemsize
    if available < height * width:
        raise ImageFailure(
            "truncated", f"{max(available, 0)} of {height * width} pixels are there"
        )
    raw = np.frombuffer(buffer, dtype, height * width, start).reshape(height, width)
    return converted(raw, cards)


def pixel_type(cards: Mapping) -> np.dtype:
    """Return the type of a unit's pixels as they are stored.

    Raises
    ------
    ImageFailure
        ``unsupported-pixels`` for a BITPIX that there is not.
    """
    bitpix = cards["BITPIX"]
    if bitpix not in _TYPES:
        raise ImageFailure("unsupported-pixels", f"BITPIX is {bitpix}")
    return np.dtype(_TYPES[bitpix])


def converted(raw: np.ndarray, cards: Mapping) -> tuple[np.ndarray, np.ndarray | None, int]:
    """Return stored pixels as a plane.

    Parameters
    ----------
    raw : ndarray of `pixel_type`, shape (height, width)
    cards : mapping
        The unit's cards.

    Returns
    -------
    data, mask, exponent
        As `mr_extract.images.image.plane` returns them. But for the exponent each pixel
        stands for itself: parts of an image come out as they do in the whole.

    Raises
    ------
    ImageFailure
        ``corrupt`` for scaling that is not given in numbers.
    """
    bitpix = cards["BITPIX"]
    scale, zero, blank = scaling(cards)
    if bitpix < 0 and scale == 1 and zero == 0:
        return plane(raw)
    unsigned = scale == 1 and zero == (1 << (bitpix - 1) if bitpix > 8 else -128)
    if bitpix == 64 and scale == 1 and (zero == 0 or unsigned):
        data, zero = (_unsigned(raw) if zero else raw).astype(np.float32), 0
    elif scale == 1 and (zero == 0 or unsigned):
        # Integers of 32 bits and more round once, on their way to float32.
        data = raw.astype(np.float32 if bitpix <= 16 else np.float64)
    else:
        data = raw.astype(np.float64 if scaled_far(cards) else _SCALED[bitpix])
        if scale != 1:
            data *= data.dtype.type(scale)
    if zero != 0:
        data += data.dtype.type(zero)
    usual = bitpix > 0 and abs(scale) * 2.0**bitpix + abs(zero) < 1e30
    if usual and (bitpix <= 32 and scale == 1 or not exponent_of(data)):
        # No integer can be infinite.
        data, mask, exponent = data.astype(np.float32, copy=False), None, 0
    else:
        data, mask, exponent = plane(data)
    if bitpix > 0 and blank is not None:
        blanks = raw == blank
        if blanks.any():
            mask = blanks if mask is None else mask | blanks
            data[blanks] = 0.0
    return data, mask, exponent


def scaled_far(cards: Mapping) -> bool:
    """Tell whether BSCALE and BZERO lead beyond float32, in which astropy applies them."""
    return any(value != 0 and not 1e-30 < abs(value) < 1e30 for value in scaling(cards)[:2])


def _unsigned(raw):
    """Return 64-bit integers from 2^63 on: no float has so many digits."""
    return raw.view(">u8").astype(np.uint64) ^ np.uint64(1 << 63)


def integers(raw: np.ndarray, cards: Mapping) -> np.ndarray | None:
    """Return stored pixels as the integers that they are.

    Parameters
    ----------
    raw : ndarray of `pixel_type`
    cards : mapping

    Returns
    -------
    ndarray or None
        In native byte order, to the last bit; None where they are not integers, or scaled.
    """
    bitpix = cards["BITPIX"]
    scale, zero, _ = scaling(cards)
    unsigned = -128 if bitpix == 8 else 2.0 ** (abs(bitpix) - 1)
    if bitpix < 0 or scale != 1 or zero not in (0, unsigned):
        return None
    if bitpix == 64 and zero:
        return _unsigned(raw)
    if zero:
        raw = raw.astype(np.int64) + int(zero)
    return raw.astype(raw.dtype.newbyteorder("="), copy=False)
