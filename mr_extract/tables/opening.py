"""What stands at a place, as a table to read some rows at a time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from mr_extract import storage
from mr_extract.addresses import shown
from mr_extract.failures import ImageFailure
from mr_extract.lists.columns import ON_SKY, Table
from mr_extract.storage.seekable import opened_in_parts

if TYPE_CHECKING:
    from mr_extract.tables.pieces import Piece

#: Numbers, or text; cells as they stand in a catalog; masked where a value is missing.
Column: TypeAlias = "np.ndarray | list[bytes] | list[str]"
ROWS = 1 << 16  # that are in memory at a time
WHOLE = tuple(kind + packed for kind in (".ecsv", ".vot", ".votable", ".xml", ".reg")
              for packed in ("", ".gz"))
ENDINGS = (".parquet", ".fits", ".fit", ".fits.gz", ".csv", ".tsv", ".csv.gz", ".tsv.gz", *WHOLE)


class OpenTable(Protocol):
    """A table that can be read from its beginning as often as is asked for.

    Attributes
    ----------
    names : list of str
    units : dict of int to str
        By number of the column.
    sky : tuple of int, optional
        The columns of right ascension and declination, where the table says so itself.
    kinds : dict of str to str
        What columns hold, as of `mr_extract.tables.cells.kind_of`, where the table says so.
    """

    names: list[str]
    units: dict[int, str]
    sky: tuple[int, int] | None
    kinds: dict[str, str]

    def pieces(self, names: Sequence[str]) -> Iterator[Piece]:
        """Give at least these columns, some rows at a time; ValueError says what cannot be read."""


def open_table(uri: str, scratch: str) -> OpenTable:
    """Open a table.

    Parameters
    ----------
    uri : str
        A path or URI; of a folder with ``/`` at its end where it is remote.
    scratch : str
        A folder for what must be a file of this machine.

    Raises
    ------
    ValueError
        When it is none, or cannot be read.
    ModuleNotFoundError
        When it needs what is not installed.
    """
    name = uri.rstrip("/").lower()
    try:
        if _is_folder(uri):
            from mr_extract.tables.hats import Hats, is_hats

            if is_hats(uri):
                return Hats(uri, scratch)
        elif name.endswith(".parquet"):
            from mr_extract.tables.parquet import ParquetTable

            return ParquetTable(fetched(uri, scratch))
        elif name.endswith((".fits", ".fit", ".fits.gz")):
            from mr_extract.tables.fits_table import FitsTable

            return FitsTable(fetched(uri, scratch))
        elif name.endswith((".csv", ".tsv", ".csv.gz", ".tsv.gz")) and not is_own(uri):
            from mr_extract.tables.delimited import DelimitedTable

            return DelimitedTable(uri, "," if ".csv" in name[-7:] else "\t")
        elif name.endswith(WHOLE):
            from mr_extract.tables.whole import WholeTable

            return WholeTable(uri)
        if _is_folder(uri) or is_own(uri):
            from mr_extract.tables.own import OwnTable

            return OwnTable([uri])
    except ImageFailure as failure:
        raise ValueError(f"cannot read {shown(uri)!r}: {failure.message}") from None
    except (ValueError, OSError) as error:
        raise ValueError(f"{shown(uri)!r}: {error}") from None
    raise ValueError(f"{shown(uri)!r} is no catalog of this program, no folder of HATS, and ends "
                     f"in none of {', '.join(ENDINGS)}")


def is_own(uri: str) -> bool:
    """Tell whether a place holds a catalog of this program."""
    from mr_extract.storage.streaming import opened_text

    with opened_text(uri) as text:
        return text.peek(12).startswith(b"#mr_extract ")


def fetched(uri: str, scratch: str) -> str:
    """Return the path of a file; of a remote one a copy is made."""
    if storage.is_local(uri):
        storage.stat(uri)  # says what is wrong, if anything is
        return storage.local.path_of(uri)
    path = os.path.join(scratch, f"{len(os.listdir(scratch))}-{uri.rpartition('/')[2]}")
    with opened_in_parts(uri) as file, open(path, "wb") as copy:
        shutil.copyfileobj(file, copy, 1 << 20)
    return path


def positions_in(table: OpenTable, ra: str = "", dec: str = "") -> tuple[int, int]:
    """Return the columns of right ascension and declination.

    Parameters
    ----------
    table : OpenTable
    ra, dec : str
        Their names, where they are given.

    Raises
    ------
    ValueError
        When they are not there, or it is not clear which they are.
    """
    listing = _listed(table, [[]] * len(table.names))
    if ra or dec:
        return listing.column(ra), listing.column(dec)
    pair = listing.on_sky()
    if pair is None:
        raise ValueError("it has no columns of right ascension and declination but "
                         f"{', '.join(table.names)}")
    return pair


def degrees_of(table: OpenTable, pair: tuple[int, int],
               columns: Sequence[Column]) -> tuple[np.ndarray, np.ndarray]:
    """Return positions in degrees, nan for what has none.

    Parameters
    ----------
    table : OpenTable
    pair : tuple of int
        The columns.
    columns : sequence of columns
        Those of the pair.

    Raises
    ------
    ValueError
        For what is no number, and a unit that is no angle.
    """
    names = [table.names[k] for k in pair]
    units = {k: table.units[number] for k, number in enumerate(pair) if number in table.units}
    listing = Table(names, list(columns), units)
    ra, dec = (listing.numbers(k, unit) for k, unit in enumerate(ON_SKY))
    nowhere = ~(np.isfinite(ra) & (np.abs(dec) <= 90))
    return np.where(nowhere, np.nan, ra), np.where(nowhere, np.nan, dec)


def _listed(table, columns):
    return Table(table.names, columns, table.units, sky=table.sky)


def _is_folder(uri):
    return uri.endswith("/") or storage.is_local(uri) and os.path.isdir(
        storage.local.path_of(uri))
