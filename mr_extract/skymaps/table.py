"""The table of a HEALPix map: what its header promises, and its columns in the file.

The conventions are those of "HEALPix FITS" as healpy and the archives write them: pixels row by
row (IMPLICIT), several in a row perhaps, or numbered in a first column (EXPLICIT).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mr_extract.failures import ImageFailure

FRAMES = {"G": "galactic", "C": "icrs", "Q": "icrs", "E": "ecliptic"}
UNSEEN = -1.6375e30
LARGEST_NSIDE = 8192

_TYPES = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_WIDTHS = {"L": 1, "A": 1, "C": 8, "M": 16, "P": 8, "Q": 16}
_FORM = re.compile(r"\s*(\d*)([A-Z])")


@dataclass(frozen=True)
class Field:
    """A column of the table.

    Parameters
    ----------
    name, unit : str
    dtype : str
        As numpy spells it, of the bytes in the file.
    repeat : int
        Pixels in a row.
    scale, zero : float
        What its numbers are multiplied by, and what is added then.
    null : int or None
        The number that stands for no value.
    """

    name: str
    unit: str
    dtype: str
    repeat: int
    scale: float = 1.0
    zero: float = 0.0
    null: int | None = None


@dataclass(frozen=True)
class MapTable:
    """What a header says of its map.

    Parameters
    ----------
    nside : int
    nested : bool
    frame : str
        ``galactic``, ``icrs`` or ``ecliptic``.
    rows : int
    dtype : numpy.dtype
        Of a row.
    fields : tuple of Field
        What a pixel has, without its number.
    numbered : str
        The column of the pixels' numbers; empty where all are there in their order.
    """

    nside: int
    nested: bool
    frame: str
    rows: int
    dtype: np.dtype
    fields: tuple[Field, ...]
    numbered: str

    @property
    def size(self) -> int:
        """Pixels of a whole map of this NSIDE."""
        return 12 * self.nside**2

    def field(self, name: str) -> Field:
        """Return a column by name, in capitals or not, or by number from 1 on; empty: the first.

        Raises
        ------
        ImageFailure
            ``bad-map`` where it is not there.
        """
        if not name:
            return self.fields[0]
        for k, field in enumerate(self.fields, 1):
            if field.name.lower() == name.lower() or name == str(k):
                return field
        names = ", ".join(field.name for field in self.fields)
        raise ImageFailure("bad-map", f"it has no field {name!r} but {names}")


def described(header: Mapping, ordering: str = "", coordsys: str = "") -> MapTable:
    """Return what the header of a table says of a map.

    Parameters
    ----------
    header : mapping
    ordering, coordsys : str
        What is meant where the header has no ORDERING (``RING``, ``NESTED``) or COORDSYS (``G``,
        ``C``, ``E``).

    Raises
    ------
    ImageFailure
        ``bad-map`` where something is missing or does not fit.
    """
    nside = header.get("NSIDE")
    if type(nside) is not int or not 1 <= nside <= LARGEST_NSIDE or nside & (nside - 1):
        raise ImageFailure("bad-map", "it has no NSIDE" if nside is None else
                           f"NSIDE = {nside} is no power of two from 1 to {LARGEST_NSIDE}")
    said = str(header.get("ORDERING", ordering)).strip().upper()
    order = {"RING": "RING", "NEST": "NESTED", "NESTED": "NESTED"}.get(said)
    if order is None:
        raise ImageFailure("bad-map", f"ORDERING = {said!r} is neither RING nor NESTED" if said
                           else "it has no ORDERING; --ordering says what is meant")
    said = str(header.get("COORDSYS", "")).strip().upper() or coordsys.upper()
    frame = FRAMES.get(said[:1])
    if frame is None:
        raise ImageFailure("bad-map", f"COORDSYS = {said!r} is none of G, C, E" if said
                           else "it has no COORDSYS; --coordsys says what is meant")
    fields, dtype = _columns(header)
    numbered = _numbered(header, fields)
    fields = tuple(one for one in fields if one.name != numbered and one.dtype)
    if not fields:
        raise ImageFailure("bad-map", "none of its columns holds numbers of pixels")
    table = MapTable(nside, order == "NESTED", frame, int(header["NAXIS2"]), dtype, fields,
                     numbered)
    _check_length(table)
    return table


def rows_of(
    table: MapTable, buffer: bytes | memoryview, offset: int
) -> np.ndarray:
    """Return the rows of a table, a view.

    Raises
    ------
    ImageFailure
        ``truncated`` where the file ends before.
    """
    needed = table.rows * table.dtype.itemsize
    if len(buffer) < offset + needed:
        raise ImageFailure("truncated", f"the table needs {needed} bytes, and the file has "
                                        f"{max(0, len(buffer) - offset)}")
    return np.frombuffer(buffer, table.dtype, table.rows, offset)


def values_of(field: Field, stored: np.ndarray, bad: float = UNSEEN) -> np.ndarray:
    """Return numbers of a column in its unit, as float64; nan where there is none.

    Parameters
    ----------
    field : Field
    stored : ndarray
        As they are in the file.
    bad : float
        What stands for a pixel that was not seen, to a part in 100,000 as healpy has it.
    """
    values = stored.astype(np.float64)
    missing = np.abs(values - bad) <= 1e-5 * abs(bad)
    if field.null is not None and stored.dtype.kind in "iu":
        missing |= stored == field.null
    if (field.scale, field.zero) != (1.0, 0.0):
        values = values * field.scale + field.zero
    values[missing | ~np.isfinite(values)] = np.nan
    return values


def _columns(header):
    """Return the columns of a table, and the type of its rows."""
    fields, names, formats = [], [], []
    for k in range(1, int(header.get("TFIELDS", 0)) + 1):
        match = _FORM.match(str(header.get(f"TFORM{k}", "")))
        if not match:
            raise ImageFailure("bad-map", f"TFORM{k} cannot be understood")
        repeat, code = int(match.group(1) or 1), match.group(2)
        name = str(header.get(f"TTYPE{k}", "")).strip() or f"FIELD{k}"
        dtype = _TYPES.get(code, "")
        if not dtype and code not in _WIDTHS and code != "X":
            raise ImageFailure("bad-map", f"TFORM{k} = {match.group()!r} is no type of a column")
        width = (repeat + 7) // 8 if code == "X" else _WIDTHS.get(code, 0) * repeat
        if repeat:
            names.append(f"{name} {k}" if name in names else name)
            formats.append((dtype, (repeat,)) if dtype else f"V{width}")
            fields.append(Field(names[-1], str(header.get(f"TUNIT{k}", "")).strip(), dtype, repeat,
                                float(header.get(f"TSCAL{k}", 1.0)),
                                float(header.get(f"TZERO{k}", 0.0)), header.get(f"TNULL{k}")))
    dtype = np.dtype({"names": names, "formats": formats})
    if dtype.itemsize != header.get("NAXIS1"):
        raise ImageFailure("bad-map", f"its columns have {dtype.itemsize} bytes a row, and "
                                      f"NAXIS1 = {header.get('NAXIS1')}")
    return fields, dtype


def _numbered(header, fields):
    """Return the name of the column that numbers pixels, empty for none."""
    scheme = str(header.get("INDXSCHM", "")).strip().upper()
    first = fields[0] if fields else None
    called = first is not None and first.name.upper() in ("PIXEL", "PIX", "INDEX", "HPX_INDEX")
    if scheme == "EXPLICIT" or (called and scheme != "IMPLICIT"):
        if first is None or first.dtype not in (">i4", ">i8", ">i2"):
            raise ImageFailure("bad-map", "its first column should number the pixels, and holds "
                                          "no whole numbers")
        return first.name
    return ""


def _check_length(table):
    repeats = {field.repeat for field in table.fields}
    if table.numbered and repeats != {1}:
        raise ImageFailure("bad-map", "its rows are numbered and hold several pixels each")
    if table.numbered:
        return
    for field in table.fields:
        if field.repeat * table.rows != table.size:
            raise ImageFailure("bad-map", f"its field {field.name} has "
                               f"{field.repeat * table.rows} pixels, and NSIDE = {table.nside} "
                               f"means {table.size}")
