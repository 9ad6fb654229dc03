"""The rows of catalogs, some at a time, with what their columns are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.columns.column import Column
from mr_extract.text.accounting import Header, parse_account, parse_header, sum_of
from mr_extract.text.arrow_rows import arrow_table, as_arrow, bytes_in, numbers_in
from mr_extract.text.catalog import schema_of, told_columns
from mr_extract.text.opened_catalog import opened_catalog
from mr_extract.text.rows import parse_rows
from mr_extract.text.stored_catalog import UnfitCatalog

if TYPE_CHECKING:
    import pyarrow

ROWS = 1 << 16  # that are in memory at a time
_AT_ONCE = 4 << 20  # bytes of text
_JOBS = "mr_extract.jobs."


@dataclass(frozen=True)
class Shape:
    """A column of a table.

    Parameters
    ----------
    name : str
    column : mr_extract.columns.column.Column
    dtype : numpy.dtype
        As it must be to hold all rows: text has the width of the longest, in UTF-8.
    """

    name: str
    column: Column
    dtype: np.dtype

    def holds(self, values: np.ndarray) -> bool:
        """Tell whether values are in the column as they are."""
        if values.dtype.kind == "S":
            return values.dtype.itemsize <= self.dtype.itemsize
        return values.dtype.itemsize <= self.dtype.itemsize or self.column.dtype != "f4"


@dataclass
class Source:
    """Catalogs of one header, read from beginning to end as often as is asked for.

    Parameters
    ----------
    uris : sequence of str
        Files, or folders of parts as ``--output-dir`` leaves them.

    Attributes
    ----------
    header : mr_extract.text.accounting.Header
        Of all of them: its totals are sums.
    columns : dict of str to Column

    Raises
    ------
    UnfitCatalog
        When one is no catalog, or does not go with the others.
    """

    uris: list[str]
    header: Header = field(init=False)
    columns: dict[str, Column] = field(init=False)
    _accounts: list[bytes] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        headers = []
        for uri in self.uris:
            with opened_catalog(uri) as text:
                headers.append(_header(text, uri))
        first, totals = headers[0], headers[0].totals
        for uri, other in zip(self.uris[1:], headers[1:]):
            if replace(other, totals=first.totals) != first or (
                    list(other.totals)[-1] != list(totals)[-1]):
                raise UnfitCatalog(f"{uri!r} was made with another version, settings or columns "
                                   f"than {self.uris[0]!r}: only catalogs made alike go together")
            totals = sum_of([totals, other.totals])
        self.header = replace(first, totals=totals)
        self.columns = _columns(self.header)

    @property
    def count(self) -> int:
        """Number of rows that the header promises."""
        return list(self.header.totals.values())[-1]

    def pieces(self) -> Iterator[tuple[bytes, list[bytes]]]:
        """Give rows as they stand there, some megabytes at a time, and the accounts among them.

        Raises
        ------
        UnfitCatalog
            When rows or images are fewer or more than the header says, or an image stands twice.
        """
        rows, every = 0, [b""][:0]
        seen: set[int] = set()
        for uri in self.uris:
            with opened_catalog(uri) as text:
                _header(text, uri)
                while data := text.read(_AT_ONCE):
                    data += text.readline()
                    if not data.endswith(b"\n"):
                        raise UnfitCatalog(f"{uri!r}: it breaks off within a line")
                    found, count, accounts = _parted(data)
                    rows += count
                    every += accounts
                    self._check(accounts, seen, uri)
                    yield found, accounts
        promised = self.header.accounts
        if (rows, len(every)) != (self.count, promised):
            raise UnfitCatalog(f"the header promises {self.count} rows and {promised} images, and "
                               f"{rows} and {len(every)} are there")
        self._accounts = every

    def _check(self, accounts, seen, uri):
        for line in accounts:
            try:
                image_id = parse_account(line).id
            except ValueError as error:
                raise UnfitCatalog(f"{uri!r}: {error}") from None
            digest = hash(image_id)
            if digest in seen and len(self.uris) > 1:
                raise UnfitCatalog(f"{uri!r} holds {image_id!r}, as another catalog does: "
                                   "`python -m preprocess merge` makes one of both")
            seen.add(digest)

    def said(self) -> Iterator[bytes]:
        """Give without their ends the first lines of the header, and one for each image.

        All is read for it where it was not read to its end before.
        """
        yield from self.header.text().encode().split(b"\n")[:2]
        if self._accounts is None:
            for _ in self.pieces():
                pass
        for line in self._accounts or ():
            yield line.rstrip(b"\n")

    def tables(self, shapes: Sequence[Shape] = ()) -> Iterator[dict[str, np.ndarray]]:
        """Give the columns of some rows at a time, name to ndarray; text is bytes in UTF-8.

        Parameters
        ----------
        shapes : sequence of Shape, optional
            A column that is float64 there is so in all pieces.

        Raises
        ------
        UnfitCatalog
            As `pieces`, and for a cell that is not of its column.
        """
        columns = self._columns_of(shapes)
        for data, _ in self.pieces():
            if not data:
                continue
            try:
                table = arrow_table(data, columns)
            except ModuleNotFoundError:
                table = None
            if table is None:
                yield {name: np.char.encode(values, "utf-8") if values.dtype.kind == "U" else values
                       for name, values in _parsed(data, columns).items()}
            else:
                yield {name: (bytes_in if one.dtype == "str" else numbers_in)(table.column(name))
                       for name, one in columns.items()}

    def arrow_tables(self, shapes: Sequence[Shape]) -> Iterator[pyarrow.Table]:
        """Give what `tables` does as tables of pyarrow, null for nan."""
        columns = self._columns_of(shapes)
        for data, _ in self.pieces():
            if data:
                table = arrow_table(data, columns)
                yield as_arrow(_parsed(data, columns)) if table is None else table

    def _columns_of(self, shapes):
        wide = {one.name for one in shapes if one.dtype == np.float64}
        return {name: replace(column, dtype="f8") if name in wide else column
                for name, column in self.columns.items()}

    def shapes(self, whole: bool = True) -> list[Shape]:
        """Read rows once and return the `Shape` of each column.

        Parameters
        ----------
        whole : bool
            All rows; else some, as a guess of which `Shape.holds` tells whether it was right.
        """
        widths = dict.fromkeys(self.columns, 1)
        wide = set()
        for table in self.tables() if whole else islice(self.tables(), 1):
            for name, values in table.items():
                if values.dtype.kind == "S":
                    widths[name] = max(widths[name], values.dtype.itemsize)
                elif values.dtype == np.float64 and self.columns[name].dtype == "f4":
                    wide.add(name)
        return [Shape(name, column, np.dtype(
            f"S{widths[name]}" if column.dtype == "str" else "f8" if name in wide
            else column.dtype)) for name, column in self.columns.items()]


def _parsed(data, columns):
    try:
        return parse_rows(data[:-1].split(b"\n"), columns)
    except ValueError as error:
        raise UnfitCatalog(f"a row does not fit its columns: {error}") from None


def _columns(header):
    names = header.columns.split("\t")
    if told := told_columns(json.loads(header.config), names):
        return told
    job = dict(header.made_with).get("job", "")
    try:
        if job.startswith(_JOBS) and job.count(".") == 2 and hasattr(
                module := import_module(job), "COLUMNS"):
            known = {column.name: column for column in module.COLUMNS}
            return {name: known[name] for name in names}
        return schema_of(names)
    except (ImportError, KeyError, ValueError) as error:
        raise UnfitCatalog(f"its columns are not known here: {error}") from None


def _header(text, uri):
    try:
        return parse_header(b"".join(islice(text, 3)))
    except ValueError as error:
        raise UnfitCatalog(f"{uri!r} is no catalog: {error}") from None


def _parted(data):
    """Return the rows of whole lines, how many, and the lines among them that begin with #."""
    codes = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(codes == ord("\n")) + 1
    starts = np.concatenate([[0], ends[:-1]])
    said = codes[starts] == ord("#")
    if not said.any():
        return data, len(ends), []
    accounts = [data[start:stop] for start, stop in zip(starts[said].tolist(), ends[said].tolist())]
    # What lies between them.
    begins, stops = np.append(0, ends[said]), np.append(starts[said], len(data))
    rows = b"".join([data[start:stop] for start, stop in zip(begins.tolist(), stops.tolist())])
    return rows, len(ends) - len(accounts), accounts
