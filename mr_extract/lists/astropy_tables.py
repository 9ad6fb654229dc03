"""Tables of astropy to lists: masks, units, bytes, coordinates and their motions."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.lists.columns import EPOCHS, NoNumbers, Table

if TYPE_CHECKING:
    from astropy.coordinates import SkyCoord
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
    from astropy.time import Time

    names, units, places = list(given.colnames), {}, {}
    columns: list[np.ndarray | NoNumbers] = []
    for k, name in enumerate(names):
        if isinstance(given[name], SkyCoord):
            places[name] = given[name]
            columns.append(NoNumbers("holds sky positions"))
            continue
        if isinstance(given[name], Time) and name.lower() in EPOCHS:
            columns.append(column_of(given[name].jyear))
            continue
        columns.append(column_of(given[name]))
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
        return with_sky(table, name, where)
    except Exception as error:  # what is missing for a frame raises many classes
        raise ValueError(f"its column {name!r} has no ICRS position: {error}") from error


def with_sky(table: Table, name: str, where: SkyCoord) -> Table:
    """Return a list with the positions, and motions where there are some, of a SkyCoord.

    Parameters
    ----------
    table : mr_extract.lists.columns.Table
    name : str
        Before the names of the new columns.
    where : astropy.coordinates.SkyCoord, shape (n,)
    """
    moving = "s" in where.data.differentials
    where = where.icrs
    further = {"ra": where.ra.deg, "dec": where.dec.deg}
    if moving:
        further["pm_ra_cosdec"] = where.pm_ra_cosdec.to_value("mas/yr")
        further["pm_dec"] = where.pm_dec.to_value("mas/yr")
        epoch = np.nan if where.obstime is None else where.obstime.jyear
        further["epoch"] = np.broadcast_to(epoch, np.shape(where.ra.deg))
    first = table.width
    columns = [*table.columns, *(column_of(values) for values in further.values())]
    return Table([*table.names, *(f"{name}.{one}" for one in further)], columns, table.units,
                 sky=(first, first + 1),
                 motion=(first + 2, first + 3, first + 4) if moving else None)


@contextmanager
def plainly(kind: str) -> Iterator[None]:
    """Have astropy silent, and what it raises a ValueError that names what was read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except ValueError:
            raise
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            raise ValueError(f"astropy cannot read it as {kind}: {text}") from error


def column_of(values: object) -> np.ndarray | NoNumbers:
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
