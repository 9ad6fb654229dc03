"""Plain uncompressed FITS images straight from the bytes to float32.

Several times cheaper than the general way, with the same pixels to the bit
(the tests compare the two). What it does not know it leaves to
`mr_extract.images.general`.
"""

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.images.cards import BLOCK, read_cards
from mr_extract.images.image import Image, plane, plane_shape

_TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
# astropy scales 32- and 64-bit integers in double precision, the others in single.
_SCALED = {8: np.float32, 16: np.float32, 32: np.float64, 64: np.float64,
           -32: np.float32, -64: np.float64}


class NotPlain(Exception):
    """The file needs the general reader."""


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
    chosen, images, number, compressed = None, 0, 0, False
    offset, size = 0, len(buffer)
    while offset < size:
        try:
            cards, start = read_cards(buffer, offset)
        except EOFError as error:
            if number:  # padding, or junk after the last unit: no header either way
                break
            raise ImageFailure("truncated", str(error)) from error
        kind = cards.get("XTENSION", "PRIMARY") if number else "PRIMARY"
        if number and "XTENSION" not in cards:
            break
        if number == 0 and cards.get("SIMPLE") is not True:
            raise NotPlain("SIMPLE is not T")
        if cards.get("GROUPS") is True:
            raise NotPlain("random groups")
        compressed = compressed or cards.get("ZIMAGE") is True
        shape = _shape(cards)
        is_image = kind in ("PRIMARY", "IMAGE") and bool(shape)
        images += is_image
        if chosen is None and _asked_for(ext, number, cards, is_image):
            chosen = number, kind, shape, cards, start
        offset = start + _blocks(_data_bytes(cards, shape))
        number += 1
    if compressed:
        raise NotPlain("a compressed image")
    if chosen is None:
        if ext is None:
            raise ImageFailure("no-image", f"none of {number} units holds an image")
        raise ImageFailure("no-extension", f"there is no extension {ext!r} among {number} units")
    number, kind, shape, cards, start = chosen
    if kind not in ("PRIMARY", "IMAGE") or not shape:
        raise ImageFailure("no-image", f"extension {ext!r} holds no image")
    data, mask = _pixels(buffer, cards, shape, start)
    return Image(data, cards, mask, number, images)


def _asked_for(ext, number, cards, is_image):
    if ext is None:
        return is_image
    if isinstance(ext, int):
        return ext == number
    name = str(cards.get("EXTNAME", "")).strip() or ("PRIMARY" if number == 0 else "")
    return name != "" and name.upper() == ext.strip().upper()


def _shape(cards):
    naxis = cards.get("NAXIS")
    if type(naxis) is not int or not 0 <= naxis <= 999:
        raise NotPlain(f"NAXIS is {naxis!r}")
    shape = tuple(cards.get(f"NAXIS{k}") for k in range(naxis, 0, -1))
    if any(type(n) is not int or n < 0 for n in shape):
        # Astropy would go in circles over some of these.
        raise ImageFailure("corrupt", f"the axes are {shape[::-1]}")
    return shape


def _data_bytes(cards, shape):
    bitpix = cards.get("BITPIX")
    if type(bitpix) is not int:
        raise NotPlain(f"BITPIX is {bitpix!r}")
    if not shape:
        return 0
    pixels = 1
    for n in shape:
        pixels *= n
    groups, heap = cards.get("GCOUNT", 1), cards.get("PCOUNT", 0)
    if not all(type(n) in (int, float) and n >= 0 for n in (groups, heap)):
        # The next unit could begin before this one: astropy goes in circles, too.
        raise ImageFailure("corrupt", f"PCOUNT is {heap!r}, GCOUNT is {groups!r}")
    if not (type(groups) is type(heap) is int):
        raise NotPlain("PCOUNT or GCOUNT is not a whole number")
    return abs(bitpix) // 8 * groups * (heap + pixels)


def _blocks(n):
    return -(-n // BLOCK) * BLOCK


def _pixels(buffer, cards, shape, start):
    bitpix = cards["BITPIX"]
    if bitpix not in _TYPES:
        raise ImageFailure("unsupported-pixels", f"BITPIX is {bitpix}")
    height, width = plane_shape(shape)
    dtype = np.dtype(_TYPES[bitpix])
    available = (len(buffer) - start) // dtype.itemsize
    if available < height * width:
        raise ImageFailure(
            "truncated", f"{max(available, 0)} of {height * width} pixels are there"
        )
    raw = np.frombuffer(buffer, dtype, height * width, start).reshape(height, width)
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
    if bitpix > 0 and abs(scale) * 2.0**bitpix + abs(zero) < 3e38:
        data, mask = data.astype(np.float32, copy=False), None  # no integer can be infinite
    else:
        data, mask = plane(data)
    if bitpix > 0 and type(blank) is int:
        blanks = raw == blank
        if blanks.any():
            mask = blanks if mask is None else mask | blanks
            data[blanks] = 0.0
    return data, mask
