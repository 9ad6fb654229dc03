"""Rows of text as the bytes that they are, and where their cells end.

A row of a catalog is mostly numbers that travel on unchanged. Here cells become Python objects
where they must, and not before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import orjson

_TAB, _NEWLINE, _SPACE = 9, 10, 32
_OF_NUMBERS = b"0123456789+-.eE\nna"  # what is left of it must still be JSON
_SURE = 15  # characters of a number that float64 has in any case


class PlainRows:
    """Rows of which no cell is empty or ends in white space.

    Parameters
    ----------
    data : bytes
        Cells apart by tabs, each row with its line end.
    names : sequence of str
        Of the columns.
    ends : ndarray of int64, shape (n, len(names))
        Where each cell ends in the data.
    """

    def __init__(self, data: bytes, names: Sequence[str], ends: np.ndarray) -> None:
        self._data, self._names, self._ends = data, list(names), ends
        self._codes = np.frombuffer(data, np.uint8)

    def __len__(self) -> int:
        return len(self._ends)

    def text(self, names: Sequence[str]) -> bytes:
        """Return rows of some columns."""
        if list(names) == self._names:
            return self._data
        found, ends = self._spans([self._names.index(name) for name in names])
        marks = found[ends - 1].reshape(len(self), len(names))
        marks[:, :-1], marks[:, -1] = _TAB, _NEWLINE
        found[ends - 1] = marks.ravel()
        return found.tobytes()

    def column(self, name: str) -> np.ndarray | list[str]:
        """Return a column: float64, nan for nan, where all of it is such; else text."""
        cells = self.cells(name)
        numbers = _numbers(cells)
        return cells[:-1].decode().split("\n") if numbers is None else numbers

    def cells(self, name: str) -> bytes:
        """Return the cells of a column, each with a line end."""
        found, ends = self._spans([self._names.index(name)])
        found[ends - 1] = _NEWLINE
        return found.tobytes()

    def are_numbers(self, name: str) -> bool | None:
        """Tell whether float64 has every cell of a column exactly; None where that is not clear."""
        cells = self.cells(name)
        numbers = _numbers(cells)
        if numbers is None:
            return None
        k = self._names.index(name)
        if (self._ends[:, k] - self._starts(k) <= _SURE).all():
            return True
        # As they would be written.
        written = orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
        return True if written.replace(b",", b"\n").replace(b"null", b"nan") == cells[:-1] else None

    def _starts(self, k):
        ends = self._ends
        return ends[:, k - 1] + 1 if k else np.concatenate([[0], ends[:-1, -1] + 1])

    def _spans(self, numbers):
        """Return the bytes of some cells of each row with the one behind each, and their ends."""
        starts = np.stack([self._starts(k) for k in numbers], axis=1).ravel()
        lengths = self._ends[:, numbers].ravel() + 1 - starts
        ends = np.cumsum(lengths)
        places = np.repeat(starts - (ends - lengths), lengths)
        places += np.arange(len(places))
        return self._codes[places], ends


def plain_rows(data: bytes, names: Sequence[str]) -> PlainRows | None:
    """Return rows, or None where one has other cells than the names, or cells must be changed.

    Parameters
    ----------
    data : bytes
        Whole lines, one or more.
    names : sequence of str
    """
    codes, width = np.frombuffer(data, np.uint8), len(names)
    ends = np.flatnonzero(codes - np.uint8(_TAB) < 2)
    if len(ends) % width or not len(ends):
        return None
    marks = codes[ends].reshape(-1, width)
    # An empty cell has an end before its own; that of a first one is the last byte.
    if (codes[ends - 1] <= _SPACE).any() or (marks[:, -1] != _NEWLINE).any() or (
            marks[:, :-1] != _TAB).any():
        return None
    return PlainRows(data, names, ends.reshape(-1, width))


def _numbers(cells):
    """Return cells as float64, None where one is no number as JSON has them, or nan."""
    if cells.translate(None, _OF_NUMBERS):
        return None
    try:
        found = orjson.loads(b"[" + cells[:-1].replace(b"nan", b"null").replace(b"\n", b",") + b"]")
    except orjson.JSONDecodeError:
        return None
    return np.array(found, dtype=np.float64)
