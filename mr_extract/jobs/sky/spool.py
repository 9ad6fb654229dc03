"""Rows of tables in files: their text, where each begins, and their positions."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Sequence

import numpy as np

from mr_extract.objects.healpix import cells_of
from mr_extract.tables.opening import OpenTable, degrees_of
from mr_extract.text.arrays import as_word

#: A row on its way: its place among the rows of its side, and which side that is.
ROW = np.dtype([("place", "<i8"), ("side", "<i4"), ("ra", "<f8"), ("dec", "<f8")])
CATALOG, REFERENCE = 0, 1
_AT_ONCE = 1 << 14  # rows of a line
_SPREAD = 4  # times as many rows as are asked for


class Spool:
    """Rows of one side.

    Parameters
    ----------
    folder : str
        Which is made.
    side : int

    Attributes
    ----------
    count, unplaced : int
        Rows, and those of them without a position.
    names : list of str
        Of the columns in the text.
    kinds : dict of str to str
        What they hold: ``i4``, ``f4``, ``f8`` or ``str``, as of
        `mr_extract.columns.column.Column`; numbers that these have not are ``str``.
    units : dict of str to str
    cells : ndarray of int64, shape (k,)
        In which rows lie.
    """

    def __init__(self, folder: str, side: int) -> None:
        os.makedirs(folder, mode=0o700)
        self._folder, self._side = folder, side
        self.count, self.unplaced, self.names = 0, 0, [""][:0]
        self.kinds: dict[str, str] = {}
        self.units: dict[str, str] = {}
        self.cells, self._nowhere = np.zeros(0, np.int64), [np.zeros(0, np.int64)]
        self._files = {name: open(os.path.join(folder, name), "wb+")
                       for name in ("text", "ends", "rows")}

    def take(self, table: OpenTable, pair: tuple[int, int], columns: Sequence[int],
             order: int) -> None:
        """Take the rows of a table.

        Parameters
        ----------
        table : mr_extract.tables.opening.OpenTable
        pair : tuple of int
            Its columns of right ascension and declination.
        columns : sequence of int
            Those whose text is kept.
        order : int
            Of `cells`.

        Raises
        ------
        ValueError
            When they cannot be read.
        """
        self.names = [table.names[k] for k in columns]
        self.units = {table.names[k]: table.units[k] for k in columns if k in table.units}
        place = [table.names[k] for k in pair]
        text = self._files["text"]
        for piece in table.pieces(list(dict.fromkeys([*self.names, *place]))):
            ra, dec = degrees_of(table, pair, [piece.column(name) for name in place])
            for name in self.names:
                if self.kinds.get(name) != "str":
                    self._see(name, table.kinds.get(name) or piece.kind(name))
            rows = piece.text(self.names)
            ends = np.flatnonzero(np.frombuffer(rows, np.uint8) == 10) + 1 + text.tell()
            self._files["ends"].write(ends.astype("<i8").tobytes())
            text.write(rows)
            self._place(ra, dec, order)

    def _place(self, ra, dec, order):
        lies = np.isfinite(ra)
        found = np.zeros(int(lies.sum()), ROW)
        found["place"], found["side"] = self.count + np.flatnonzero(lies), self._side
        found["ra"], found["dec"] = ra[lies], dec[lies]
        self._files["rows"].write(found.tobytes())
        self.count += len(ra)
        self.unplaced += len(ra) - len(found)
        self._nowhere.append(self.count - len(ra) + np.flatnonzero(~lies))
        self.cells = np.union1d(self.cells, cells_of(found["ra"], found["dec"], order))

    def _see(self, name, kind):
        known = self.kinds.setdefault(name, kind)
        if known != kind:
            self.kinds[name] = "str" if "str" in (kind, known) else "f8"

    def nowhere(self) -> np.ndarray:
        """Return the places of the rows that have no position."""
        return np.concatenate(self._nowhere)

    @property
    def size(self) -> int:
        """Bytes of the positions."""
        return (self.count - self.unplaced) * ROW.itemsize

    def lines(self) -> Iterator[bytes]:
        """Give the positions as lines of shards."""
        file = self._files["rows"]
        file.seek(0)
        while data := file.read(_AT_ONCE * ROW.itemsize):
            yield as_word(np.frombuffer(data, ROW)) + b"\n"

    def texts(self) -> Texts:
        """Return the text of the rows."""
        for name in ("text", "ends"):
            self._files[name].flush()
        return Texts(self._files["text"].fileno(), self._files["ends"].fileno(), self.count)


class Texts:
    """The text of rows, in files.

    Parameters
    ----------
    text, ends : int
        Descriptors of files: rows, and where each ends (int64).
    count : int
    """

    def __init__(self, text: int, ends: int, count: int) -> None:
        self._file = text
        self._text: mmap.mmap | bytes = b""
        self._ends = np.zeros(0, np.int64)
        if count:
            self._text = mmap.mmap(text, 0, access=mmap.ACCESS_READ)
            self._ends = np.frombuffer(mmap.mmap(ends, 0, access=mmap.ACCESS_READ), "<i8")

    def of(self, places: np.ndarray) -> list[bytes]:
        """Return the rows at some places, without their line ends."""
        if not len(places):
            return []
        first, last = int(places.min()), int(places.max())
        if last - first < _SPREAD * len(places):
            # Nearly all rows from one to another: cut at line ends in one call. Read, as pages of
            # a file that is mapped count as memory of the process.
            start = self._start(first)
            lines = os.pread(self._file, int(self._ends[last]) - 1 - start, start).split(b"\n")
            if last - first + 1 == len(places) and (np.diff(places) == 1).all():
                return lines
            return [lines[k] for k in (places - first).tolist()]
        ends = self._ends[places]
        starts = np.where(places > 0, self._ends[np.maximum(places - 1, 0)], 0)
        text = self._text
        return [text[start:end - 1] for start, end in zip(starts.tolist(), ends.tolist())]

    def _start(self, place):
        return int(self._ends[place - 1]) if place else 0


def write_shards(spools: Sequence[Spool], number: int, folder: str) -> list[str]:
    """Write the positions of all sides, a line in turn to each of some files.

    Parameters
    ----------
    spools : sequence of Spool
    number : int
        Of files.
    folder : str
        Which is made.

    Returns
    -------
    list of str
        Their paths.
    """
    os.makedirs(folder, mode=0o700)
    paths = [os.path.join(folder, f"shard-{k:05d}.txt") for k in range(number)]
    files = [open(path, "wb") for path in paths]
    try:
        for k, line in enumerate(line for spool in spools for line in spool.lines()):
            files[k % number].write(line)
    finally:
        for file in files:
            file.close()
    return paths
