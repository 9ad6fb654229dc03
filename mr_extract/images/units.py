"""What units a FITS file is made of, told by its headers alone; needs no numpy.

A file is given as a function ``read(offset, size) -> bytes``, which is short at the
end of the file: so a whole buffer, a file to seek in, a stream that is being unpacked
and ranges of a remote file are all the same, and no data are read.
"""

from dataclasses import dataclass, field

from mr_extract.failures import ImageFailure
from mr_extract.images.cards import BLOCK, header_text, parse_cards

_STRUCTURE = ("SIMPLE", "XTENSION", "BITPIX", "NAXIS", "PCOUNT", "GCOUNT", "GROUPS", "EXTNAME",
              "ZIMAGE", "ZNAXIS")


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
        EXTNAME; of a primary without one ``PRIMARY``, of others empty.
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

    @property
    def is_image(self):
        """It has pixels, or would have if no axis had length 0."""
        return bool(self.shape)

    @property
    def is_plane(self):
        """It has pixels in two axes or more: a vector beside an image is none."""
        return len(self.shape) >= 2


def reader_of(buffer):
    """Return the function that reads from a buffer."""
    view = memoryview(buffer)
    return lambda offset, size: bytes(view[offset : offset + size])


def list_units(read):
    """Return the units of an uncompressed file.

    Parameters
    ----------
    read : callable
        Takes an offset and a size, and returns bytes; fewer at the end of the file.

    Returns
    -------
    list of Unit
        Junk after the last unit is none. Of a file that breaks off the last is `cut`.

    Raises
    ------
    ImageFailure
        ``not-fits``, ``truncated`` when not even the first header is whole, ``corrupt``
        when sizes make no sense.
    NotPlain
        When headers are too odd to tell.
    """
    units, offset, first = [], 0, read(0, BLOCK)
    if first[:6] != b"SIMPLE":
        raise ImageFailure("not-fits", f"the file begins with {first[:16]!r}")
    while first:
        number = len(units)
        if number and first[:8] != b"XTENSION":
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


def units_until(read, ext=None):
    """Return the units of an uncompressed file up to the one that is meant.

    Unlike `list_units` it asks for no byte of the data: where the first image is in the
    primary, one header is read.

    Parameters
    ----------
    read : callable
        As for `list_units`.
    ext : int or str, optional
        As for `chosen_unit`, which finds the unit among these, or says what is wrong.

    Raises
    ------
    ImageFailure, NotPlain
        As for `list_units`.
    """
    units, offset, first = [], 0, read(0, BLOCK)
    if first[:6] != b"SIMPLE":
        raise ImageFailure("not-fits", f"the file begins with {first[:16]!r}")
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
        if unit.is_plane if ext is None else _is_meant(unit, ext):
            break
        offset, first = unit.end, read(unit.end, BLOCK)
    return units


def chosen_unit(units, ext=None):
    """Return the unit that is meant.

    Parameters
    ----------
    units : list of Unit
    ext : int or str, optional
        Number or EXTNAME; by default the first image with at least two axes, or else the
        first with any.

    Raises
    ------
    ImageFailure
        ``no-image``, ``no-extension`` or ``truncated``.
    """
    if ext is None:
        found = [unit for unit in units if unit.is_image]
        unit = next((unit for unit in found if unit.is_plane), None)
        if unit is None and found and not units[-1].cut:
            unit = found[0]
    else:
        unit = next((unit for unit in units if _is_meant(unit, ext)), None)
    if unit is None and ext is None and not units[-1].cut:
        raise ImageFailure("no-image", f"none of {len(units)} units holds an image")
    if unit is None and not units[-1].cut:
        raise ImageFailure("no-extension",
                           f"there is no extension {ext!r} among {len(units)} units")
    if unit is None or (unit.cut and not unit.is_image):
        raise ImageFailure("truncated", f"the file ends inside unit {units[-1].number}")
    if not unit.is_image:
        raise ImageFailure("no-image", f"extension {ext!r} holds no image")
    return unit


def meant_unit(read, units, image, ext=None):
    """Return the number of the unit of a companion that belongs to an image.

    Parameters
    ----------
    read : callable
        Of the companion's file.
    units : list of Unit
        Of the same file.
    image : mr_extract.images.Image
        Its header and `hdu`.
    ext : int, str or None
        As for `mr_extract.images.companions.read_values`.

    Raises
    ------
    ImageFailure
        ``no-extension``.
    """
    if isinstance(ext, int):
        return ext
    name = image.header.get("EXTNAME") if ext is None else ext
    named = [unit for unit in units if unit.is_image and name
             and unit.name.upper() == str(name).strip().upper()]
    version = image.header.get("EXTVER", 1)
    for unit in named if len(named) > 1 else ():
        cards = parse_cards(header_text(read, unit.start)[0], ("EXTVER",))
        if cards.get("EXTVER", 1) == version:
            return unit.number
    if named:
        return named[0].number
    if ext is not None:
        raise ImageFailure("no-extension",
                           f"there is no extension {ext!r} among {len(units)} units")
    if image.hdu < len(units) and units[image.hdu].is_plane:
        return image.hdu
    images = [unit for unit in units if unit.is_plane]
    if len(images) == 1 or (not images and units[-1].cut):
        return (images or units)[-1].number
    raise ImageFailure(
        "no-extension", f"none of {len(images)} images is that of extension {image.hdu}"
    )


def _is_meant(unit, ext):
    if isinstance(ext, int):
        return ext == unit.number
    return unit.name != "" and unit.name.upper() == ext.strip().upper()


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
    name = str(cards.get("EXTNAME", "")).strip() or ("" if number else "PRIMARY")
    end = start + -(-size // BLOCK) * BLOCK
    return Unit(number, name, shape, offset, start, end, compressed, header=text), size


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
