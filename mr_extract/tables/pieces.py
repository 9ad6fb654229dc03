"""Some rows of a table, as it is read: their columns, or the text that they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from mr_extract.tables.cells import as_cells, kind_of
from mr_extract.text.plain_rows import PlainRows, plain_rows
from mr_extract.text.rows import format_table

if TYPE_CHECKING:
    from mr_extract.tables.opening import Column


class Piece(Protocol):
    """Some rows."""

    def __len__(self) -> int:
        """How many."""

    def column(self, name: str) -> Column:
        """Return a column."""

    def kind(self, name: str) -> str:
        """Return what a column holds, as of `mr_extract.tables.cells.kind_of`."""

    def text(self, names: Sequence[str]) -> bytes:
        """Return rows of some columns as a catalog has them.

        Raises
        ------
        ValueError
            For a column that has not one number or text a row.
        """


class Columns:
    """Rows as columns.

    Parameters
    ----------
    columns : dict of str to column
    """

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = columns

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), ()))

    def column(self, name: str) -> Column:
        """Return a column."""
        return self._columns[name]

    def kind(self, name: str) -> str:
        """Return what it holds."""
        return kind_of(self._columns[name])

    def text(self, names: Sequence[str]) -> bytes:
        """Return rows; ValueError names a column that has no cells."""
        found = {}
        for name in names:
            try:
                found[name] = as_cells(self._columns[name])
            except ValueError as error:
                raise ValueError(f"its column {name!r} {error}") from None
        return format_table(found)


class Text:
    """Rows as text, none of whose cells need be changed.

    Parameters
    ----------
    rows : mr_extract.text.plain_rows.PlainRows
    """

    def __init__(self, rows: PlainRows) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def column(self, name: str) -> Column:
        """Return a column."""
        return self._rows.column(name)

    def kind(self, name: str) -> str:
        """Return what it holds."""
        if self._rows.are_numbers(name):
            return "f8"
        return kind_of(self._rows.cells(name)[:-1].decode().split("\n"))

    def text(self, names: Sequence[str]) -> bytes:
        """Return rows."""
        return self._rows.text(names)


#: What may stand in text of other programs that is left as it is: no quotes, nothing to escape.
_PLAIN = bytes(set(range(32, 127)) - set(b'"#')) + b"\n"
_TO_TAB = {",": bytes.maketrans(b",", b"\t"), "\t": None}


def text_of_others(data: bytes, delimiter: str, names: Sequence[str]) -> Text | None:
    """Return delimited rows as they are, None where they must be read cell by cell.

    Parameters
    ----------
    data : bytes
        Whole lines, one or more.
    delimiter : str
        A comma or tab.
    names : sequence of str
    """
    data = data.replace(b"\r\n", b"\n")
    if data.translate(None, _PLAIN + (b"\t" if delimiter == "\t" else b"")):
        return None
    data = data.translate(_TO_TAB[delimiter])
    if data.startswith(b" ") or b"\t " in data or b"\n " in data:
        return None
    rows = plain_rows(data, names)
    return None if rows is None else Text(rows)
