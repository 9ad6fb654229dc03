"""A patch of a map as a file: the numbers of its pixels and what the map has there, to the byte.

It is a HEALPix table itself (EXPLICIT), which healpy and others read as a map of a part of the
sky. Its header says which cell of which grid it is, and what margin it has.
"""

from collections.abc import Iterable

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.images.cards import BLOCK
from mr_extract.skymaps.cells import Grid
from mr_extract.skymaps.files import MapFile
from mr_extract.skymaps.runs import expanded
from mr_extract.skymaps.table import Field

_COORDSYS = {"galactic": "G", "icrs": "C", "ecliptic": "E"}
_OWN = ("NAXIS2", "PATCH", "PATCHNUM", "DATASUM")


class PatchWriter:
    """Makes the patches of one map.

    Parameters
    ----------
    file : mr_extract.skymaps.files.MapFile
    fields : sequence of mr_extract.skymaps.table.Field
        Columns that patches get.
    grid : mr_extract.skymaps.cells.EqualAngles or mr_extract.skymaps.cells.EqualAreas
    margin : float
        Degrees.

    Raises
    ------
    ImageFailure
        ``bad-map`` where a pixel is there twice.
    """

    def __init__(
        self, file: MapFile, fields: Iterable[Field], grid: Grid, margin: float
    ) -> None:
        self._file, self._fields, self._grid = file, tuple(fields), grid
        pixels = file.numbers()
        self._numbered: tuple[np.ndarray, np.ndarray] | None = None
        if pixels is not None:
            order = np.argsort(pixels, kind="stable")
            self._numbered = order, pixels[order]
            if (np.diff(pixels[order]) == 0).any():
                raise ImageFailure("bad-map", "a pixel is there twice")
        number = ">i4" if file.table.size < 2**31 else ">i8"
        self._dtype = np.dtype([("PIXEL", number), *((f.name, f.dtype) for f in self._fields)])
        self._side_by_side = _side_by_side(file, self._fields)
        self._primary = _primary()
        self._cards, self._own = self._header(margin)

    def content(self, cell: int, starts: np.ndarray, stops: np.ndarray) -> tuple[bytes, int]:
        """Return the file of a patch, and its number of pixels.

        Parameters
        ----------
        cell : int
        starts, stops : ndarray of int64
            Its pixels as runs in the order of the map.
        """
        if self._numbered is None:
            places = pixels = expanded(starts, stops)
        else:
            order, numbers = self._numbered
            found = expanded(np.searchsorted(numbers, starts), np.searchsorted(numbers, stops))
            places, pixels = order[found], numbers[found]
        data = bytearray(-(-len(pixels) * self._dtype.itemsize // BLOCK) * BLOCK)
        rows = np.frombuffer(data, self._dtype, len(pixels))
        rows["PIXEL"] = pixels
        if self._side_by_side is not None:
            whole = np.dtype([("PIXEL", self._dtype["PIXEL"]), ("all", self._side_by_side.dtype)])
            rows.view(whole)["all"] = self._side_by_side[places]
        else:
            for field in self._fields:
                rows[field.name] = self._file.stored(field.name, places)
        own = {"NAXIS2": len(pixels), "PATCH": self._grid.name(cell), "PATCHNUM": cell,
               "DATASUM": str(datasum(data))}
        cards = list(self._cards)
        for name, value in own.items():
            cards[self._own[name]] = _card(name, value)
        return b"".join((self._primary, _blocks(cards), data)), len(pixels)

    def _header(self, margin):
        """Return the cards of a patch, and which of them are its own."""
        table = self._file.table
        cards = [("XTENSION", "BINTABLE"), ("BITPIX", 8), ("NAXIS", 2),
                 ("NAXIS1", self._dtype.itemsize), ("NAXIS2", 0), ("PCOUNT", 0), ("GCOUNT", 1),
                 ("TFIELDS", len(self._fields) + 1),
                 ("TTYPE1", "PIXEL"), ("TFORM1", "J" if self._dtype["PIXEL"] == ">i4" else "K")]
        letters = {"u1": "B", ">i2": "I", ">i4": "J", ">i8": "K", ">f4": "E", ">f8": "D"}
        for k, field in enumerate(self._fields, 2):
            cards += [(f"TTYPE{k}", field.name), (f"TFORM{k}", letters[field.dtype])]
            cards += [(f"TUNIT{k}", field.unit)] if field.unit else []
            cards += [(f"TSCAL{k}", field.scale)] if field.scale != 1.0 else []
            cards += [(f"TZERO{k}", field.zero)] if field.zero != 0.0 else []
            cards += [] if field.null is None else [(f"TNULL{k}", field.null)]
        cards += [("PIXTYPE", "HEALPIX"), ("ORDERING", "NESTED" if table.nested else "RING"),
                  ("COORDSYS", _COORDSYS[table.frame]), ("NSIDE", table.nside),
                  ("INDXSCHM", "EXPLICIT"), ("OBJECT", "PARTIAL"),
                  *self._file.kept.items(), ("PATCHGRD", self._grid.card), ("MARGIN", margin),
                  ("PATCH", ""), ("PATCHNUM", 0), ("DATASUM", "")]
        where = {name: k for k, (name, _) in enumerate(cards) if name in _OWN}
        return [_card(*card) for card in cards], where


def _side_by_side(file, fields):
    """Return what rows have of all fields as one, a view, where they lie there so; or None."""
    layout = file.table.dtype.fields
    first = end = layout[fields[0].name][1]
    for field in fields:
        if field.repeat != 1 or layout[field.name][1] != end:
            return None
        end += np.dtype(field.dtype).itemsize
    dtype = np.dtype({"names": ["all"], "formats": [f"V{end - first}"], "offsets": [first],
                      "itemsize": file.table.dtype.itemsize})
    return file.rows.view(dtype)["all"]


def datasum(data: bytes | bytearray | memoryview) -> int:
    """Return the sum that a header's DATASUM is: of 32-bit words, with the carry added.

    Parameters
    ----------
    data : bytes-like
        In whole blocks.
    """
    total = int(np.frombuffer(data, ">u4").sum(dtype=np.uint64))
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


def check_sum(file: MapFile) -> None:
    """Raise ImageFailure (``corrupt``) where a table is not what its DATASUM says."""
    said = str(file.header.get("DATASUM", "")).strip()
    if said.isdecimal() and int(said) != datasum(file.data):
        raise ImageFailure("corrupt", "its pixels are not those of its DATASUM")


def _card(name, value):
    if isinstance(value, bool):
        text = f"{'T' if value else 'F':>20}"
    elif isinstance(value, str):
        quoted = value.replace("'", "''")
        text = f"'{quoted:<8}'"
    else:
        text = f"{value!r:>20}".upper()
    return f"{name:<8}= {text}".ljust(80)[:80]


def _blocks(cards):
    text = "".join((*cards, "END".ljust(80)))
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode("ascii", "replace")


def _primary():
    return _blocks([_card("SIMPLE", True), _card("BITPIX", 8), _card("NAXIS", 0),
                    _card("EXTEND", True)])
