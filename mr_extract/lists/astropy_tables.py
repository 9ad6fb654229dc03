"""Tables of astropy, in memory and in files, to lists: masks, units, bytes, coordinates."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.lists.columns import NoNumbers, Table
from mr_extract.remarks import say

if TYPE_CHECKING:
    from astropy.table import Table as AstropyTable


def table_of(given: AstropyTable) -> Table:
    """Return an astropy table as a list.

    Parameters
    ----------
    given : astropy.table.Table
        Of a SkyCoord column the ICRS position counts, where no columns `ra` and `dec` do.

    Returns
    -------
    mr_extract.lists.columns.Table

    Raises
    ------
    ValueError
        For several SkyCoord columns, or one that has no ICRS position.
    """
    from astropy.coordinates import SkyCoord

    names, columns, units, places = list(given.colnames), [], {}, {}
    for k, name in enumerate(names):
        if isinstance(given[name], SkyCoord):
            places[name] = given[name]
            columns.append(NoNumbers("holds sky positions"))
            continue
        columns.append(_column(given[name]))
        unit = getattr(given[name], "unit", None)
        if unit is not None:
            units[k] = str(unit)
    table = Table(names, columns, units)
    if not places or (table.has_positions() and table.on_sky()):
        return table
    if len(places) > 1:
        raise ValueError(f"its columns {', '.join(places)} all are sky positions: leave one")
    (name, where), = places.items()
    try:
        where = where.icrs
        pair = [_column(angle) for angle in (where.ra.deg, where.dec.deg)]
    except Exception as error:  # what is missing for a frame raises many classes
        raise ValueError(f"its column {name!r} has no ICRS position: {error}") from error
    sky = len(columns), len(columns) + 1
    return Table([*names, f"{name}.ra", f"{name}.dec"], [*columns, *pair], units, sky=sky)


def read_fits(buffer: bytes | bytearray | memoryview) -> Table:
    """Return the first table of a FITS file that has positions.

    Parameters
    ----------
    buffer : bytes-like

    Raises
    ------
    ValueError
        When there is none, or it cannot be read.
    """
    from astropy.io import fits
    from astropy.table import Table as AstropyTable

    with _plainly("FITS"), fits.open(io.BytesIO(bytes(buffer)), memmap=False) as units:
        tables = [unit for unit in units if isinstance(unit, (fits.BinTableHDU, fits.TableHDU))]
        for k, unit in enumerate(tables, 1):
            if len(set(unit.columns.names)) < len(unit.columns.names):  # astropy takes one
                table = Table(unit.columns.names, [[]] * len(unit.columns.names))
                table.on_sky(), table.in_pixels()
            table = table_of(AstropyTable.read(unit, format="fits", mask_invalid=False))
            if table.has_positions():
                _say_further(sum(_names_positions(other) for other in tables[k:]))
                return table
    raise ValueError("none of its units is a table with positions")


def _names_positions(unit):
    return Table(unit.columns.names, [[]] * len(unit.columns.names)).has_positions()


def _say_further(number):
    if number:
        say("not-used", f"tables of the list's file behind the first with positions: {number}")


def read_ecsv(text: str) -> Table:
    """Return a table in ECSV.

    Parameters
    ----------
    text : str

    Raises
    ------
    ValueError
        When it is none.
    """
    from astropy.table import Table as AstropyTable

    with _plainly("ECSV"):
        return table_of(AstropyTable.read(text, format="ascii.ecsv"))


def read_votable(buffer: bytes | bytearray | memoryview) -> Table:
    """Return the first table of a VOTable.

    Parameters
    ----------
    buffer : bytes-like

    Raises
    ------
    ValueError
        When it is none.
    """
    from astropy.io import votable

    with _plainly("VOTable"):
        document = votable.parse(io.BytesIO(bytes(buffer)))
        found = document.get_first_table()
        _say_further(sum(1 for _ in document.iter_tables()) - 1)
        return table_of(found.to_table(use_names_over_ids=True))


class _plainly(warnings.catch_warnings):
    """Have astropy silent, and what it raises a ValueError."""

    def __init__(self, kind):
        super().__init__()
        self._kind = kind

    def __enter__(self):
        super().__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, kind, error, trace):
        super().__exit__(kind, error, trace)
        if isinstance(error, Exception) and not isinstance(error, ValueError):
            text = " ".join(str(error).split())[:200]
            raise ValueError(f"astropy cannot read it as {self._kind}: {text}") from error


def _column(values):
    """Return a column as an array, masked where it has no value, or what it holds instead."""
    mask = getattr(values, "mask", None)
    if not isinstance(values, np.ndarray):
        return NoNumbers(f"holds objects of type {type(values).__name__}")
    plain = np.asarray(getattr(values, "unmasked", values))
    if plain.ndim > 1:
        each = plain.size // len(plain) if len(plain) else 1
        if each != 1:
            return NoNumbers(f"holds {each} values a row, not one")
        plain = plain.reshape(len(plain))
        mask = None if mask is None else np.reshape(mask, len(plain))
    if plain.dtype.kind == "S":
        plain = np.array([_decoded(value) for value in plain.tolist()], dtype=str)
    elif plain.dtype.kind == "O":
        empty = np.array([value is None for value in plain.tolist()], bool)
        if any(isinstance(value, (np.ndarray, list, tuple)) for value in plain.tolist()):
            return NoNumbers("holds several values a row, not one")
        mask = empty if mask is None else mask | empty
        plain = np.array([_decoded(value) for value in plain.tolist()], dtype=str)
    elif plain.dtype.kind not in "iufbU":
        return NoNumbers(f"holds values of type {plain.dtype.name}")
    return plain if mask is None or not np.any(mask) else np.ma.MaskedArray(plain, mask)


def _decoded(value):
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
