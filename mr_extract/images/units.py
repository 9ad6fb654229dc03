"""What units a FITS file is made of, told by its headers alone; needs no numpy.

A file is given as a function ``read(offset, size) -> bytes``, which is short at the
end of the file: so a whole buffer, a file to seek in, a stream that is being unpacked
and ranges of a remote file are all the same, and no data are read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mr_extract.failures import ImageFailure
from mr_extract.images.card_numbers import whole_number
from mr_extract.images.cards import BLOCK, CARD, header_text, parse_cards
from mr_extract.images.extensions import is_meant
from mr_extract.images.foreign import told
from mr_extract.remarks import say

_STRUCTURE = ("SIMPLE", "XTENSION", "BITPIX", "NAXIS", "PCOUNT", "GCOUNT", "GROUPS", "EXTNAME",
              "EXTVER", "ZIMAGE", "ZNAXIS")
_PACKED_NAME = "COMPRESSED_IMAGE"  # what packs an image calls it, until it has a name


class NotPlain(Exception):
    """The file needs the general reader."""


@dataclass(frozen=True)
class Unit:
    """One header and data unit.

    Parameters
    ----------
    number : int
        The primary is 0.
    name : str
        EXTNAME; of a primary without one ``PRIMARY``, of others empty. Of two in a table of
        compressed tiles that of the image.
    shape : tuple of int
        Of the image, as numpy counts axes; empty where there is no image.
    start, data, end : int
        Bytes at which its header, its data and the next header begin.
    compressed : bool
        The image is in tiles within a table.
    cut : bool
        The file ends inside it.
    header : str
        The text of its header, in whole blocks.
    version : int or None
        EXTVER, None without or where it is no whole number.
    odd_version : str
        What stands there then.
    """

    number: int
    name: str
    shape: tuple
    start: int
    data: int
    end: int
    compressed: bool = False
    cut: bool = False
    header: str = field(default="", repr=False, compare=False)
    version: int | None = None
    odd_version: str = ""

    @property
    def is_image(self) -> bool:
        """It has pixels, or would have if no axis had length 0."""
        return bool(self.shape)

    @property
    def is_plane(self) -> bool:
        """It has pixels in two axes or more: a vector beside an image is none."""
        return len(self.shape) >= 2


def reader_of(buffer: bytes | memoryview) -> Callable[[int, int], bytes]:
    """Return the function that reads from a buffer."""
    view = memoryview(buffer)
    return lambda offset, size: bytes(view[offset : offset + size])


def list_units(read: Callable[[int, int], bytes]) -> list[Unit]:
    """Return the units of an uncompressed file.

    Parameters
    ----------
    read : callable
        Takes an offset and a size, and returns bytes; fewer at the end of the file.

    Returns
    -------
    list of Unit
        Junk after the last unit is none, and said. Of a file that breaks off the last is `cut`.

    Raises
    ------
    ImageFailure
        ``not-fits``, ``truncated`` when not even the first header is whole, ``corrupt``
        when sizes make no sense.
    NotPlain
        When headers are too odd to tell.
    """
    units: list[Unit] = []
    offset, first = 0, read(0, BLOCK)
    if first[:6] != b"SIMPLE":
        raise ImageFailure("not-fits", told(first))
    while first:
        number = len(units)
        if number and first[:8] != b"XTENSION":
            if first.strip(b"\0 "):
                say("trailing-bytes", "behind the last extension, and no extension themselves")
            break
        try:
            text, start = header_text(read, offset, first)
        except EOFError as error:
            if not number:
                raise ImageFailure("truncated", str(error)) from error
            units.append(Unit(number, "", (), offset, offset, offset, cut=True))
            break
        unit, size = _unit(number, offset, start, text)
        # The last byte of the data comes along, to see whether it is there.
        before = 1 if size else 0
        block = read(start + size - before, before + unit.end - start - size + BLOCK)
        if len(block) < before:
            units.append(Unit(**{**vars(unit), "cut": True}))
            break
        units.append(unit)
        offset, first = unit.end, block[before + unit.end - start - size :]
    return units


def units_until(read: Callable[[int, int], bytes], ext: int | str | None = None) -> list[Unit]:
    """Return the units of an uncompressed file up to the one that is meant.

    Unlike `list_units` it asks for no byte of the data: where the first image is in the
    primary, one header is read.

    Parameters
    ----------
    read : callable
        As for `list_units`.
    ext : int or str, optional
        As for `mr_extract.images.extensions.chosen_unit`, which finds the unit among these,
        or says what is wrong.

    Raises
    ------
    ImageFailure, NotPlain
        As for `list_units`.
    """
    units: list[Unit] = []
    offset, first = 0, read(0, BLOCK)
    if first[:6] != b"SIMPLE":
        raise ImageFailure("not-fits", told(first))
    while first and (not units or first[:8] == b"XTENSION"):
        number = len(units)
        try:
            text, start = header_text(read, offset, first)
        except EOFError as error:
            if not number:
                raise ImageFailure("truncated", str(error)) from error
            return [*units, Unit(number, "", (), offset, offset, offset, cut=True)]
        unit, _ = _unit(number, offset, start, text)
        units.append(unit)
        if unit.is_plane if ext is None else is_meant(unit, ext):
            break
        offset, first = unit.end, read(unit.end, BLOCK)
    return units


def _unit(number, offset, start, text):
    """Return a unit and the bytes of its data without padding."""
    cards = parse_cards(text, _STRUCTURE)
    kind = str(cards.get("XTENSION", "")).strip() if number else "PRIMARY"
    axes = _axes(cards, "NAXIS")
    groups = number == 0 and cards.get("GROUPS") is True and axes[-1:] == (0,)
    size = _data_bytes(cards, axes[:-1] if groups else axes)
    compressed = kind == "BINTABLE" and cards.get("ZIMAGE") is True
    shape = axes if kind in ("PRIMARY", "IMAGE") and not groups else ()
    if compressed:
        shape = _axes(cards, "ZNAXIS")
    name = _name(text, cards, compressed) or ("" if number else "PRIMARY")
    version, odd = version_of(cards)
    end = start + -(-size // BLOCK) * BLOCK
    unit = Unit(number, name, shape, offset, start, end, compressed, header=text, version=version,
                odd_version=odd)
    return unit, size


def version_of(cards: Mapping) -> tuple[int | None, str]:
    """Return `version` and `odd_version` of the unit with these cards."""
    value = cards.get("EXTVER")
    version = whole_number(value)
    return version, "" if value is None or version is not None else repr(value)


def _name(text, cards, compressed):
    name = str(cards.get("EXTNAME", "")).strip()
    if compressed and text.count("EXTNAME ") > 1:
        every = [parse_cards(text[k : k + CARD]).get("EXTNAME", "")
                 for k in range(0, len(text), CARD) if text.startswith("EXTNAME ", k)]
        every = [str(one).strip() for one in every]
        return next((one for one in every if one.upper() not in ("", _PACKED_NAME)), name)
    return name


def _axes(cards, keyword):
    count = cards.get(keyword)
    if type(count) is not int or not 0 <= count <= 999:
        raise NotPlain(f"{keyword} is {count!r}")
    shape = tuple(cards.get(f"{keyword}{k}") for k in range(count, 0, -1))
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
