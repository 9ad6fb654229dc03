"""A FITS file to a smaller one, from which it can be had again byte for byte.

The smaller is a tile-compressed file (``.fz``) as the FITS standard 4.0, section 10.1,
describes: integers in RICE_1, the others in GZIP_2 without loss. Each card of a header is
there as it was, but for the keywords of structure, that the standard renames. So the file
can be restored to the byte, and what is measured of it, checksum and number of the unit
included, is the same.
"""

import hashlib
import io
import warnings

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.images.cards import BLOCK, CARD, header_text
from mr_extract.images.read_compressed import tile_values
from mr_extract.images.tiled import card, gzip_2_table, padded_header, tile_rows
from mr_extract.images.units import NotPlain, list_units, reader_of

_TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_RICE = (8, 16, 32)
_RENAMED = {"SIMPLE": "ZSIMPLE", "XTENSION": "ZTENSION", "BITPIX": "ZBITPIX",
            "PCOUNT": "ZPCOUNT", "GCOUNT": "ZGCOUNT", "EXTEND": "ZEXTEND",
            "BLOCKED": "ZBLOCKED", "CHECKSUM": "ZHECKSUM", "DATASUM": "ZDATASUM"}
_BEFORE = {new: old for old, new in _RENAMED.items()}
_FIRST = ("ZSIMPLE", "ZTENSION")  # with these the header of the image begins
_PRIMARY = [card("SIMPLE", True), card("BITPIX", 8), card("NAXIS", 0), card("EXTEND", True)]
_UNUSUAL = ("ZIMAGE", "TFIELDS", "THEAP")  # of an image: not to be taken for the table's


def smaller(data: bytes) -> bytes | None:
    """Return a smaller file that `restored` turns into this one again.

    Parameters
    ----------
    data : bytes
        Any file.

    Returns
    -------
    bytes or None
        None when there is none: the file is no FITS file, compressed or damaged already,
        holds something that would not come back as it was, or would not get smaller.
    """
    try:
        units = list_units(reader_of(data))
    except (ImageFailure, NotPlain):
        return None
    if units[-1].cut or any(unit.compressed for unit in units):
        return None
    pieces = [_unit(data, unit) for unit in units]
    if pieces[0] is not None:  # the primary must come first
        pieces[0] = padded_header(_PRIMARY) + pieces[0]
    if not any(pieces):
        return None
    packed = b"".join(data[unit.start : unit.end] if piece is None else piece
                      for unit, piece in zip(units, pieces))
    if len(packed) >= len(data) or _checksum(restored(packed)) != _checksum(data):
        return None
    return packed


def restored(packed: bytes | memoryview) -> bytes:
    """Return the file that `smaller` was given.

    Parameters
    ----------
    packed : bytes-like

    Returns
    -------
    bytes

    Raises
    ------
    ImageFailure
        ``corrupt`` or ``truncated`` when it is damaged. Damage that cannot be seen gives
        another file: compare its checksum.
    """
    try:
        units = list_units(reader_of(packed))
    except NotPlain as odd:
        raise ImageFailure("corrupt", f"its headers are damaged ({odd})") from odd
    if units[-1].cut:
        raise ImageFailure("truncated", f"the file ends inside unit {units[-1].number}")
    pieces = []
    for unit in units:
        if not unit.compressed:
            pieces.append(bytes(packed[unit.start : unit.end]))
            continue
        image, first = _image(packed, unit)
        if first and unit.number == 1:
            pieces.clear()  # the primary that was put there
        pieces.append(image)
    return b"".join(pieces)


def _checksum(data):
    return hashlib.sha256(data).digest()


def _unit(data, unit):
    """Return a unit as a compressed one, None when it stays as it is."""
    if not unit.is_plane or unit.end == unit.data:
        return None
    text, start = header_text(reader_of(data), unit.start)
    cards = _cards(text)
    names = {one[:8].rstrip() for one in cards}
    if names & {*_BEFORE, *_UNUSUAL} or unit.number and cards[0][:8] != "XTENSION":
        return None
    bitpix = int(next(one for one in cards if one[:8] == "BITPIX  ")[10:].split("/")[0])
    if bitpix not in _TYPES:
        return None
    values = np.frombuffer(data, _TYPES[bitpix], int(np.prod(unit.shape)), start)
    values = values.reshape(unit.shape)
    rows = tile_rows(*unit.shape[-2:])
    if bitpix in _RICE:
        table, described = _rice_table(values, rows)
    else:
        table, described = gzip_2_table(values, rows)
        described += [card("ZIMAGE", True), *_tiles(values.shape, rows), card("ZCMPTYPE", "GZIP_2"),
                      *([card("ZQUANTIZ", "NONE")] if bitpix < 0 else [])]
    header = padded_header([*described, *(_with_name(one, _renamed) for one in cards)])
    return header + table + b"\0" * (-len(table) % BLOCK)


def _tiles(shape, rows):
    sizes = [shape[-1], rows, *[1] * (len(shape) - 2)]
    return [card(f"ZTILE{k}", size) for k, size in enumerate(sizes, 1)]


def _rice_table(values, rows):
    """Return the table of tiles in RICE_1, and the cards that describe it."""
    from astropy.io import fits

    # No scale and no blank: whole numbers as they are stored.
    tile = (1,) * (values.ndim - 2) + (rows, values.shape[-1])
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        unit = fits.CompImageHDU(values, compression_type="RICE_1", tile_shape=tile)
        fits.HDUList([fits.PrimaryHDU(), unit]).writeto(file)
    table = list_units(reader_of(file.getbuffer()))[1]
    text, start = header_text(reader_of(file.getbuffer()), table.start)
    described = [one for one in _cards(text) if _describes(one)]
    return bytes(file.getbuffer()[start : table.end]), described


def _describes(one):
    """Tell whether a card is about the table and its tiles, and not about the image in it."""
    name = one[:8].rstrip()
    stem = name.rstrip("0123456789")
    return name not in _BEFORE and (
        name in ("XTENSION", "BITPIX", "PCOUNT", "GCOUNT", "TFIELDS", "ZIMAGE", "ZCMPTYPE")
        or stem in ("NAXIS", "TTYPE", "TFORM", "ZTILE", "ZNAME", "ZVAL"))


def _image(packed, unit):
    """Return the bytes of the image in a compressed unit, and whether it was a primary."""
    text, start = header_text(reader_of(packed), unit.start)
    cards = _cards(text)
    begin = next((k for k, one in enumerate(cards) if one[:8].rstrip() in _FIRST), None)
    if begin is None:
        raise ImageFailure("corrupt", "the header of the image is not in it")
    own = [_with_name(one, _original) for one in cards[begin:]]
    structure = [one for one in cards[begin:]
                 if one[:8].rstrip() in ("ZBITPIX", *_FIRST) or one.startswith("ZNAXIS")]
    bare = b"".join([padded_header(_PRIMARY), padded_header([*cards[:begin], *structure]),
                     memoryview(packed)[start : unit.end]])
    try:
        alone = list_units(reader_of(bare))[1]
    except (NotPlain, IndexError) as odd:
        raise ImageFailure("corrupt", f"its headers are damaged ({odd})") from odd
    values = tile_values(bare, alone)
    pixels = values.astype(values.dtype.newbyteorder(">"), copy=False).tobytes()
    return padded_header(own) + pixels + b"\0" * (-len(pixels) % BLOCK), \
        cards[begin].startswith("ZSIMPLE")


def _cards(text):
    """Return the cards of a header up to END."""
    cards = [text[k : k + CARD] for k in range(0, len(text), CARD)]
    return cards[: next(k for k, one in enumerate(cards) if one.rstrip() == "END")]


def _with_name(one, rename):
    return rename(one[:8].rstrip()).ljust(8) + one[8:]


def _renamed(name):
    return "Z" + name if name.rstrip("0123456789") == "NAXIS" else _RENAMED.get(name, name)


def _original(name):
    return name[1:] if name.rstrip("0123456789") == "ZNAXIS" else _BEFORE.get(name, name)
