"""Text with a line of names, read as Python's csv reads it."""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from mr_extract.storage.streaming import opened_text
from mr_extract.tables.opening import ROWS, Column


class DelimitedTable:
    """A table in text.

    Parameters
    ----------
    uri : str
        Plain or packed. Lines before the names that begin with ``#`` are passed over.
    delimiter : str
    """

    sky: tuple[int, int] | None = None
    kinds: dict[str, str] = {}

    def __init__(self, uri: str, delimiter: str) -> None:
        self._uri, self._delimiter = uri, delimiter
        self.units: dict[int, str] = {}
        with self._rows() as rows:
            self.names = [name.strip() for name in next(rows, [])]
        if len(set(self.names)) < len(self.names):
            raise ValueError("two of its columns have one name")
        if not self.names:
            raise ValueError("it is empty")

    def chunks(self, columns: Sequence[int]) -> Iterator[list[Column]]:
        """Give some columns, as text."""
        with self._rows() as rows:
            next(rows)
            count = 0
            while batch := list(islice(rows, ROWS)):
                for number, row in enumerate(batch, count + 1):
                    if len(row) != len(self.names):
                        raise ValueError(f"its row {number} has {len(row)} cells, not "
                                         f"{len(self.names)}")
                count += len(batch)
                yield [[row[k] for row in batch] for k in columns]

    @contextmanager
    def _rows(self):
        with opened_text(self._uri) as file:
            text = io.TextIOWrapper(file, "utf-8-sig", newline="")
            lines = (line for line in text if not line.startswith("#"))
            try:
                yield (row for row in csv.reader(lines, delimiter=self._delimiter) if row)
            except (csv.Error, UnicodeDecodeError) as error:
                raise ValueError(str(error)) from None
