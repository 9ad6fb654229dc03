"""A log book of observations: a row an image, found by its id or by the name of its file."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator
from typing import Any

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.tables.opening import OpenTable, open_table

LOG = "log"
OWN = ("id", "uri", "file")  # of every line: id, address, and the last part of that
#: Names of a column that says which image a row is of, the likeliest first.
KEYS = ("id", "image", "file", "filename", "file_name", "name", "uri", "path", "frame")
_SUFFIX = re.compile(r"\.(fits|fit|fts)(\.(gz|bz2|fz))*$", re.IGNORECASE)
_TYPES = {"str": "TEXT", "i4": "INTEGER"}


def stem_of(place: str) -> str:
    """Return the name of a file without folders and without what FITS files end with."""
    name = place.rpartition("/")[2]
    return name[:-5] if name.endswith(".fits") else _SUFFIX.sub("", name)


class LogBook:
    """The rows of a log book in a table of a database, and by what they are found.

    Parameters
    ----------
    uri : str
        A table as of `mr_extract.tables.opening`: CSV, TSV, ECSV, FITS, VOTable or Parquet.
    key : str or None
        The column of ids or names of files; by default one of `KEYS`.
    database : sqlite3.Connection
    scratch : str
        A folder.

    Attributes
    ----------
    names : list of str
    key : str
    sha256 : str
        Of its names and values, in hexadecimal digits.

    Raises
    ------
    ValueError
        Where it cannot be read, or has no such column.
    """

    def __init__(self, uri: str, key: str | None, database: sqlite3.Connection, scratch: str
                 ) -> None:
        try:
            table = open_table(uri, scratch)
            self.names = list(table.names)
            self.key = self._chosen(key)
            self.sha256 = self._take(table, database)
            # What the line itself is called by is that, and no column besides.
            self.names = [name for name in self.names if name != self._hidden]
        except (ImageFailure, ValueError, OSError) as error:
            raise ValueError(f"--log-book {uri}: {getattr(error, 'message', error)}") from None

    @property
    def _hidden(self):
        return self.key if self.key.lower() in OWN else ""

    def _chosen(self, key):
        if key is not None:
            if key not in self.names:
                raise ValueError(f"it has no column {key}: --log-key is one of "
                                 f"{', '.join(self.names)}")
            return key
        lower = {name.lower(): name for name in reversed(self.names)}
        found = next((lower[name] for name in KEYS if name in lower), None)
        if found is None:
            raise ValueError(f"none of its columns is called {', '.join(KEYS)}: name with "
                             "--log-key the one that holds ids or names of files")
        return found

    def _take(self, table: OpenTable, database):
        whole = hashlib.sha256("\t".join(self.names).encode())
        folded = [name.lower() for name in self.names]
        if twice := [name for name in self.names if folded.count(name.lower()) > 1]:
            raise ValueError(f"two of its columns are called {twice[0]}")
        columns, place, made = len(self.names), self.names.index(self.key), False
        for piece in table.pieces(self.names):
            if not made:
                types = [_TYPES.get(piece.kind(name), "REAL") if k != place else "TEXT"
                         for k, name in enumerate(self.names)]
                self._make(database, types)
                made = True
            rows = list(zip(*(_values(piece.column(name), k == place)
                              for k, name in enumerate(self.names))))
            whole.update(repr(rows).encode())
            database.executemany(f"INSERT INTO {LOG} VALUES ({', '.join('?' * columns)})", rows)
            database.executemany("INSERT INTO entry_ VALUES (?, ?)",
                                 [(row[place], stem_of(row[place])) for row in rows])
        if not made:
            raise ValueError("it has no rows")
        for name, column in (("keys_", "key_"), ("stems_", "stem_")):
            database.execute(
                f"CREATE TABLE {name} ({column} TEXT PRIMARY KEY, row_ INTEGER, rows_ INTEGER) "
                "WITHOUT ROWID")
            database.execute(f"INSERT INTO {name} SELECT {column}, min(rowid), count(*) "
                             f"FROM entry_ GROUP BY {column}")
        return whole.hexdigest()

    def _make(self, database, types):
        columns = ", ".join(f"`{'key_own_' if name == self._hidden else name.replace('`', '``')}`"
                            f" {kind}"
                            for name, kind in zip(self.names, types))
        database.execute(f"CREATE TABLE {LOG} ({columns})")
        database.execute("CREATE TABLE entry_ (key_ TEXT, stem_ TEXT)")


def _values(column: Any, as_text: bool) -> Iterator[Any]:
    """Give the cells of a column as SQLite takes them: None for what is missing."""
    if isinstance(column, np.ndarray):
        cells = column.tolist()
        if isinstance(column, np.ma.MaskedArray):
            cells = column.filled(np.nan if column.dtype.kind == "f" else 0).tolist()
            lacking = np.ma.getmaskarray(column).tolist()
            cells = [None if gone else cell for cell, gone in zip(cells, lacking)]
    else:
        cells = list(column)
    for cell in cells:
        if isinstance(cell, bytes):
            cell = cell.decode()
        if isinstance(cell, str):
            cell = cell.strip()
        if as_text:
            cell = "" if cell is None else str(cell)
        elif cell in ("", "nan") or cell != cell:
            cell = None
        yield cell
