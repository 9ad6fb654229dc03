"""Catalogs of this program as tables, with what they say of images."""

from collections.abc import Iterator, Sequence

from mr_extract.tables.opening import ROWS, Column
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

    def chunks(self, columns: Sequence[int]) -> Iterator[list[Column]]:
        """Give some columns, as the cells that stand there."""
        self.accounts = []
        width, held = len(self.names), []
        try:
            for rows, accounts in self.source.lines():
                self.accounts += accounts
                held += rows
                if len(held) >= ROWS:
                    yield _turned(held, width, columns)
                    held = []
        except UnfitCatalog as error:
            raise ValueError(str(error)) from None
        if held:
            yield _turned(held, width, columns)


def _turned(rows, width, columns):
    for row in rows:
        cells = row.count(b"\t") + 1
        if cells != width:
            raise ValueError(f"a row has {cells} cells, not {width}: {row[:60]!r}")
    every = b"\t".join(rows).replace(b"\n", b"").split(b"\t")
    return [every[k::width] for k in columns]
