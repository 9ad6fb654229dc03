"""Catalogs of this program as tables, with what they say of images."""

from collections.abc import Iterator, Sequence

from mr_extract.tables.pieces import Columns, Piece, Text
from mr_extract.text.plain_rows import plain_rows
from mr_extract.text.stored_catalog import UnfitCatalog
from mr_extract.text.typed_rows import Source


class OwnTable:
    """Catalogs that were made alike.

    Parameters
    ----------
    uris : sequence of str

    Attributes
    ----------
    source : mr_extract.text.typed_rows.Source
    accounts : list of bytes
        The lines of images, once the rows are read to the end.
    """

    sky: tuple[int, int] | None = None

    def __init__(self, uris: Sequence[str]) -> None:
        try:
            self.source = Source(list(uris))
        except UnfitCatalog as error:
            raise ValueError(str(error)) from None
        self.names = self.source.header.columns.split("\t")
        self.units = {k: column.unit for k, (name, column) in enumerate(
            self.source.columns.items()) if column.unit}
        self.kinds = {name: column.dtype for name, column in self.source.columns.items()}
        self.accounts: list[bytes] = []

    def pieces(self, names: Sequence[str]) -> Iterator[Piece]:
        """Give all columns."""
        self.accounts = []
        try:
            for data, accounts in self.source.pieces():
                self.accounts += accounts
                if data:
                    rows = plain_rows(data, self.names)
                    yield self._columns(data) if rows is None else Text(rows)
        except UnfitCatalog as error:
            raise ValueError(str(error)) from None

    def _columns(self, data):
        width = len(self.names)
        rows = data[:-1].split(b"\n")
        for row in rows:
            cells = row.count(b"\t") + 1
            if cells != width:
                raise ValueError(f"a row has {cells} cells, not {width}: {row[:60]!r}")
        every = b"\t".join(rows).split(b"\t")
        return Columns({name: every[k::width] for k, name in enumerate(self.names)})
