"""An image to the bytes of a tile-compressed FITS file, without loss and without dates."""

import zlib

import numpy as np

from mr_extract.images.cards import BLOCK, CARD

_TILE_PIXELS = 1 << 16
_LEVEL = 1  # noise hardly packs better with more work
_GZIP = 31  # zlib's name for the format of gzip with the largest window


def tiled_file(values, name, cards=()):
    """Return a FITS file with an empty primary and one compressed image.

    Parameters
    ----------
    values : ndarray of float32 or int32, shape (height, width)
    name : str
        EXTNAME.
    cards : sequence of str
        Further cards of the image, 80 characters each.

    Returns
    -------
    bytes
        The same for the same arguments. The compression is GZIP_2 of the FITS
        standard (4.0, section 10.4.2), in tiles of whole rows: the bytes of the values
        by significance, as gzip without time. (Astropy's writes the time.)
    """
    height, width = values.shape
    rows = max(1, min(height, _TILE_PIXELS // width))
    tiles = []
    for first in range(0, height, rows):
        big = np.ascontiguousarray(values[first : first + rows], values.dtype.newbyteorder(">"))
        shuffled = big.view(np.uint8).reshape(-1, values.dtype.itemsize).T.tobytes()
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        tiles.append(packer.compress(shuffled) + packer.flush())
    lengths = np.array([len(tile) for tile in tiles])
    places = np.stack([lengths, np.cumsum(lengths) - lengths], 1).astype(">i8").tobytes()
    floats = values.dtype.kind == "f"
    header = [
        _card("XTENSION", "BINTABLE"), _card("BITPIX", 8), _card("NAXIS", 2),
        _card("NAXIS1", 16), _card("NAXIS2", len(tiles)), _card("PCOUNT", int(lengths.sum())),
        _card("GCOUNT", 1), _card("TFIELDS", 1), _card("TTYPE1", "COMPRESSED_DATA"),
        _card("TFORM1", f"1QB({lengths.max()})"), _card("ZIMAGE", True),
        _card("ZTENSION", "IMAGE"), _card("ZBITPIX", -32 if floats else 32),
        _card("ZNAXIS", 2), _card("ZNAXIS1", width), _card("ZNAXIS2", height),
        _card("ZPCOUNT", 0), _card("ZGCOUNT", 1),
        _card("ZTILE1", width), _card("ZTILE2", rows), _card("ZCMPTYPE", "GZIP_2"),
        *([_card("ZQUANTIZ", "NONE")] if floats else []), _card("EXTNAME", name), *cards,
    ]
    primary = [_card("SIMPLE", True), _card("BITPIX", 8), _card("NAXIS", 0), _card("EXTEND", True)]
    data = places + b"".join(tiles)
    return _padded_header(primary) + _padded_header(header) + data + b"\0" * (-len(data) % BLOCK)


def _card(keyword, value):
    if isinstance(value, str):
        text = f"'{value:<8}'"
    else:
        text = f"{'T' if value is True else value:>20}"
    return f"{keyword:<8}= {text}".ljust(CARD)


def _padded_header(cards):
    text = "".join([*cards, "END".ljust(CARD)]).encode("ascii")
    return text + b" " * (-len(text) % BLOCK)
