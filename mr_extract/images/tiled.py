"""An image to the bytes of a tile-compressed FITS file, without loss and without dates."""

import zlib
from collections.abc import Sequence

import numpy as np

from mr_extract.images.cards import BLOCK, CARD

_TILE_PIXELS = 1 << 16
_LEVEL = 1  # noise hardly packs better with more work
_GZIP = 31  # zlib's name for the format of gzip with the largest window


def tiled_file(values: np.ndarray, name: str, cards: Sequence[str] = ()) -> bytes:
    """Return a FITS file with an empty primary and one compressed image.

    Parameters
    ----------
    values : ndarray of float32, float64 or int32, shape (height, width)
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
    rows = tile_rows(height, width)
    data, cards_of_table = gzip_2_table(values, rows)
    floats = values.dtype.kind == "f"
    header = [
        *cards_of_table, card("ZIMAGE", True),
        card("ZTENSION", "IMAGE"), card("ZBITPIX", (-8 if floats else 8) * values.itemsize),
        card("ZNAXIS", 2), card("ZNAXIS1", width), card("ZNAXIS2", height),
        card("ZPCOUNT", 0), card("ZGCOUNT", 1),
        card("ZTILE1", width), card("ZTILE2", rows), card("ZCMPTYPE", "GZIP_2"),
        *([card("ZQUANTIZ", "NONE")] if floats else []), card("EXTNAME", name), *cards,
    ]
    primary = [card("SIMPLE", True), card("BITPIX", 8), card("NAXIS", 0), card("EXTEND", True)]
    return padded_header(primary) + padded_header(header) + data + b"\0" * (-len(data) % BLOCK)


def tile_rows(height: int, width: int) -> int:
    """Return how many whole rows make a tile."""
    return max(1, min(height, _TILE_PIXELS // max(1, width)))


def gzip_2_table(values: np.ndarray, rows: int) -> tuple[bytes, list[str]]:
    """Return the table of tiles of an image in GZIP_2.

    Parameters
    ----------
    values : ndarray, shape (..., height, width)
        Of any type but one of a byte.
    rows : int
        Of a tile.

    Returns
    -------
    data : bytes
        Not padded.
    cards : list of str
        That describe the table, the first eight in the order that FITS demands.
    """
    tiles = []
    kind = values.dtype.newbyteorder(">")
    for plane in values.reshape(-1, *values.shape[-2:]):
        for first in range(0, len(plane), rows):
            big = np.ascontiguousarray(plane[first : first + rows], kind)
            shuffled = big.view(np.uint8).reshape(-1, kind.itemsize).T.tobytes()
            packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
            tiles.append(packer.compress(shuffled) + packer.flush())
    lengths = np.array([len(tile) for tile in tiles])
    places = np.stack([lengths, np.cumsum(lengths) - lengths], 1).astype(">i8").tobytes()
    return places + b"".join(tiles), [
        card("XTENSION", "BINTABLE"), card("BITPIX", 8), card("NAXIS", 2),
        card("NAXIS1", 16), card("NAXIS2", len(tiles)), card("PCOUNT", int(lengths.sum())),
        card("GCOUNT", 1), card("TFIELDS", 1), card("TTYPE1", "COMPRESSED_DATA"),
        card("TFORM1", f"1QB({lengths.max()})"),
    ]


def card(keyword: str, value: str | int) -> str:
    """Return a card of 80 characters."""
    if isinstance(value, str):
        text = f"'{value:<8}'"
    else:
        text = f"{'T' if value is True else value:>20}"
    return f"{keyword:<8}= {text}".ljust(CARD)


def padded_header(cards: Sequence[str]) -> bytes:
    """Return the bytes of a header in whole blocks."""
    text = "".join([*cards, "END".ljust(CARD)]).encode("latin-1")
    return text + b" " * (-len(text) % BLOCK)
