"""Text with a line of names, read as Python's csv reads it."""

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from mr_extract.storage.streaming import opened_text
from mr_extract.tables.opening import ROWS
from mr_extract.tables.pieces import Columns, Piece, text_of_others

_AT_ONCE = 4 << 20  # bytes


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
        with self._opened() as file:
            self.names = [name.strip() for name in next(self._rows(file, deque()), [])]
        if len(set(self.names)) < len(self.names):
            raise ValueError("two of its columns have one name")
        if not self.names:
            raise ValueError("it is empty")

    def pieces(self, names: Sequence[str]) -> Iterator[Piece]:
        """Give all columns: as text while there is nothing to be taken out of quotes."""
        with self._opened() as file:
            held: deque[bytes] = deque()
            rows = self._rows(file, held)
            next(rows)
            count = 0
            while lines := file.readlines(_AT_ONCE):
                piece = text_of_others(_ended(lines), self._delimiter, self.names)
                if piece is None:
                    held.extend(lines)
                    break
                count += len(piece)
                yield piece
            # From there on cell by cell: what is in quotes may go on in the next lines.
            while found := list(islice(rows, ROWS)):
                for number, row in enumerate(found, count + 1):
                    if len(row) != len(self.names):
                        raise ValueError(f"its row {number} has {len(row)} cells, not "
                                         f"{len(self.names)}")
                count += len(found)
                yield Columns({name: [row[k] for row in found]
                               for k, name in enumerate(self.names)})

    @contextmanager
    def _opened(self):
        with opened_text(self._uri) as file:
            if file.peek(3).startswith(_MARK):
                file.read(len(_MARK))
            try:
                yield file
            except (csv.Error, UnicodeDecodeError) as error:
                raise ValueError(str(error)) from None

    def _rows(self, file, held):
        """Give the rows of lines that were read already, and of those behind them."""
        lines = (line for line in _texts(file, held) if not line.startswith("#"))
        return (row for row in csv.reader(lines, delimiter=self._delimiter) if row)


_MARK = "\ufeff".encode()


def _texts(file, held):
    while line := held.popleft() if held else file.readline():
        text = line.decode()
        # A line end may be a carriage return alone.
        yield from io.StringIO(text, newline="") if "\r" in text[:-2] else (text,)


def _ended(lines):
    text = b"".join(lines)
    return text if text.endswith(b"\n") else text + b"\n"
