"""HEALPix maps in FITS files: where the table is, and what it holds."""

from dataclasses import dataclass, field

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.images.cards import Cards, parse_cards
from mr_extract.images.extensions import is_meant
from mr_extract.images.units import NotPlain, list_units, reader_of
from mr_extract.skymaps.table import UNSEEN, MapTable, described, rows_of

# What else the header of a map says that a patch of it should say, too.
_KEPT = ("EXTNAME", "TELESCOP", "INSTRUME", "FREQ", "UNITFREQ", "FREQUNIT", "BAD_DATA", "POLCCONV",
         "POLAR", "PROCVER", "RESTFRQ")


@dataclass
class MapFile:
    """A map as it lies in its file.

    Parameters
    ----------
    table : mr_extract.skymaps.table.MapTable
    rows : ndarray, shape (n,)
        Of `table.dtype`; a view of the file.
    header : mr_extract.images.cards.Cards
    hdu : int
        Number of its unit.
    data : memoryview
        The bytes of its unit behind the header.
    """

    table: MapTable
    rows: np.ndarray
    header: Cards
    hdu: int
    data: memoryview = field(repr=False)

    @property
    def bad(self) -> float:
        """What stands for a pixel that was not seen."""
        bad = self.header.get("BAD_DATA", UNSEEN)
        return float(bad) if type(bad) in (int, float) else UNSEEN

    @property
    def kept(self) -> dict[str, object]:
        """Cards that a patch has as the map has them."""
        return {name: self.header[name] for name in _KEPT if name in self.header}

    def numbers(self) -> np.ndarray | None:
        """Return the number of each row's pixel (int64), None where all are in order.

        Raises
        ------
        ImageFailure
            ``bad-map`` where one is none of the map's.
        """
        if not self.table.numbered:
            return None
        pixels = self.rows[self.table.numbered].reshape(-1).astype(np.int64)
        if len(pixels) and not (0 <= pixels.min() and pixels.max() < self.table.size):
            raise ImageFailure("bad-map", f"its pixels are numbered from {pixels.min()} to "
                                          f"{pixels.max()}, and it has {self.table.size}")
        return pixels

    def stored(self, name: str, places: np.ndarray) -> np.ndarray:
        """Return a column as it is in the file, at some places in the order of the table."""
        column = self.rows[name]
        repeat = column.shape[1]
        if repeat == 1:
            return column[:, 0][places]
        if column.flags.c_contiguous:
            return column.reshape(-1)[places]
        return column[places // repeat, places % repeat]


def opened_map(
    buffer: bytes | memoryview,
    ext: int | str | None = None,
    ordering: str = "",
    coordsys: str = "",
) -> MapFile | None:
    """Return the map that a FITS file holds, None where it holds none.

    Parameters
    ----------
    buffer : bytes-like
        The file, unpacked; it may be mapped into memory.
    ext : int or str, optional
        Number or EXTNAME of the unit; by default the first that is a map.
    ordering, coordsys : str
        As of `mr_extract.skymaps.table.described`.

    Raises
    ------
    ImageFailure
        ``bad-map`` where its header does not say what it must; ``truncated``, ``not-fits`` or
        ``corrupt``.
    """
    try:
        units = list_units(reader_of(buffer))
    except NotPlain as odd:
        raise ImageFailure("corrupt", f"its units cannot be told ({odd})") from odd
    for unit in units:
        header = parse_cards(unit.header)
        if not _is_map(header) or (ext is not None and not is_meant(unit, ext)):
            continue
        table = described(header, ordering, coordsys)
        return MapFile(table, rows_of(table, buffer, unit.data), header, unit.number,
                       memoryview(buffer)[unit.data : unit.end])
    return None


def _is_map(header):
    return str(header.get("XTENSION", "")).strip() == "BINTABLE" and (
        str(header.get("PIXTYPE", "")).strip().upper() == "HEALPIX"
        or "NSIDE" in header or "ORDERING" in header)
