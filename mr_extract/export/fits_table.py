"""A catalog as a FITS table, and its lines in a second one; astropy writes, a piece at a time."""

import os
from collections.abc import Iterator

import numpy as np
from astropy.io import fits

from mr_extract.export.units import unit_in
from mr_extract.text.typed_rows import ROWS, Source

_CODES = {"i4": "J", "i8": "K", "f4": "E", "f8": "D"}
TABLE, LINES, LINE = "CATALOG", "IMAGES", "line"


def write_fits(source: Source, path: str) -> None:
    """Write a table ``CATALOG``, and a table ``IMAGES`` of what else the catalog says.

    Parameters
    ----------
    source : mr_extract.text.typed_rows.Source
    path : str
        Of a file that is not there.
    """
    try:
        _write(source, source.shapes(whole=False), path)
    except _OtherShape:
        os.remove(path)
        _write(source, source.shapes(), path)


class _OtherShape(Exception):
    """A column is wider than it was thought to be."""


def _write(source, shapes, path):
    primary = fits.PrimaryHDU()
    primary.header["ORIGIN"] = "mr_extract", f"the table {LINES} says how it was made"
    primary.writeto(path)
    _append(path, _header(shapes, source.count), _packed(source, shapes))
    lines = list(source.said())
    width = max(map(len, lines))
    header = fits.BinTableHDU.from_columns(
        fits.ColDefs([fits.Column(LINE, f"{width}A")]), nrows=0, name=LINES).header
    header["NAXIS2"] = len(lines)
    _append(path, header, (np.array([line], f"S{width}") for line in lines))


def read_fits(path: str) -> tuple[list[bytes], Iterator[dict[str, np.ndarray]]]:
    """Give what `write_fits` wrote: the lines (bytes), and tables of some rows at a time.

    Raises
    ------
    KeyError, OSError
        When it is no such file.
    """
    with fits.open(path, memmap=True, character_as_bytes=True) as units:
        lines = [bytes(line).rstrip(b"\0") for line in units[LINES].data.field(LINE)]
    return lines, _tables(path)


def _tables(path):
    with fits.open(path, memmap=True, character_as_bytes=True) as units:
        data = units[TABLE].data
        for start in range(0, len(data), ROWS):
            piece = data[start:start + ROWS]
            yield {name: np.char.decode(np.asarray(piece.field(name)), "utf-8")
                   if piece.field(name).dtype.kind == "S" else
                   np.ascontiguousarray(piece.field(name).astype(
                       piece.field(name).dtype.newbyteorder("=")))
                   for name in data.columns.names}


def _packed(source, shapes):
    dtype = np.dtype([(one.name, one.dtype.newbyteorder(">")) for one in shapes])
    for table in source.tables(shapes):
        packed = np.zeros(len(next(iter(table.values()))), dtype)
        for one in shapes:
            values = table[one.name]
            if not one.holds(values):
                raise _OtherShape
            packed[one.name] = values
        yield packed


def _header(shapes, count):
    columns = fits.ColDefs([fits.Column(
        one.name, f"{one.dtype.itemsize}A" if one.dtype.kind == "S" else
        _CODES[f"{one.dtype.kind}{one.dtype.itemsize}"],
        unit=unit_in("fits", one.column.unit) or one.column.unit or None)
        for one in shapes])
    header = fits.BinTableHDU.from_columns(columns, nrows=0, name=TABLE).header
    for number, one in enumerate(shapes, 1):
        header[f"TUCD{number}"] = one.column.ucd
        header.comments[f"TTYPE{number}"] = one.column.description[:40]  # as a card has room
    header["NAXIS2"] = count
    return header


def _append(path, header, pieces):
    table = fits.StreamingHDU(path, header)
    try:
        for piece in pieces:
            table.write(np.frombuffer(piece.tobytes(), np.uint8))
    finally:
        table.close()
