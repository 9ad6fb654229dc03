"""Plain uncompressed FITS images straight from the bytes to float32.

Several times cheaper than the general way, with the same pixels to the bit
(the tests compare the two). What it does not know it leaves to
`mr_extract.images.general`.
"""

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.images.cards import read_cards
from mr_extract.images.extensions import chosen_unit
from mr_extract.images.image import Image, plane, plane_shape
from mr_extract.images.units import NotPlain, list_units, reader_of

_TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
# astropy scales 32- and 64-bit integers in double precision, the others in single.
_SCALED = {8: np.float32, 16: np.float32, 32: np.float64, 64: np.float64,
           -32: np.float32, -64: np.float64}


def read_plain(buffer, ext=None):
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


def read_unit(buffer, unit, images=1):
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
    data, mask = _pixels(buffer, cards, unit.shape, start)
    return Image(data, cards, mask, unit.number, images)


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


def pixel_type(cards):
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


def converted(raw, cards):
    """Return stored pixels as a plane.

    Parameters
    ----------
    raw : ndarray of `pixel_type`, shape (height, width)
    cards : mapping
        The unit's cards.

    Returns
    -------
    data, mask
        As `mr_extract.images.image.plane` returns them. Each pixel stands for itself: parts
        of an image come out as they do in the whole.

    Raises
    ------
    NotPlain
        For scaling that is not given in numbers.
    """
    bitpix = cards["BITPIX"]
    scale, zero, blank = cards.get("BSCALE", 1), cards.get("BZERO", 0), cards.get("BLANK")
    for name, value in (("BSCALE", scale), ("BZERO", zero)):
        if type(value) not in (int, float):
            raise NotPlain(f"{name} is {value!r}")
    if bitpix < 0 and scale == 1 and zero == 0:
        return plane(raw)
    unsigned = scale == 1 and zero == (1 << (bitpix - 1) if bitpix > 8 else -128)
    if scale == 1 and (zero == 0 or unsigned):
        # Integers of 32 bits and more round once, on their way to float32.
        data = raw.astype(np.float32 if bitpix <= 16 else np.float64)
    else:
        data = raw.astype(_SCALED[bitpix])
        if scale != 1:
            data *= data.dtype.type(scale)
    if zero != 0:
        data += data.dtype.type(zero)
    if bitpix > 0 and abs(scale) * 2.0**bitpix + abs(zero) < 1e30:
        data, mask = data.astype(np.float32, copy=False), None  # no integer can be infinite
    else:
        data, mask = plane(data)
    if bitpix > 0 and type(blank) is int:
        blanks = raw == blank
        if blanks.any():
            mask = blanks if mask is None else mask | blanks
            data[blanks] = 0.0
    return data, mask


def integers(raw, cards):
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
    bitpix, zero = cards.get("BITPIX"), cards.get("BZERO", 0)
    unsigned = -128 if bitpix == 8 else 2.0 ** (abs(bitpix) - 1)
    if bitpix < 0 or cards.get("BSCALE", 1) != 1 or zero not in (0, unsigned):
        return None
    if bitpix == 64 and zero:
        return None  # no mask or flag has so many bits
    if zero:
        raw = raw.astype(np.int64) + int(zero)
    return raw.astype(raw.dtype.newbyteorder("="), copy=False)
