"""The lines of a manifest of any length in parcels, in the order in which they are dealt.

A parcel is what one shard should hold. Records in temporary files are sorted by their bytes, so
numbers in them are big-endian and texts end in a NUL, which no path holds.
"""

import tempfile
from collections.abc import Iterator
from itertools import groupby, islice

from mr_extract.text.balance import Sizes, companions_of, parts, size_of, sizes_of
from mr_extract.text.entry import Entry
from mr_extract.text.manifest import read_entries
from mr_extract.text.sorting import SortedRecords, read_records, write_record

#: Lines that are kept together at most: beyond it memory would grow.
MOST_TOGETHER = 1 << 16

_BYTES = 8  # of a number
_LARGEST = (1 << 8 * _BYTES) - 1


class Parcels:
    """Takes lines, gives parcels: by what they have in common, then the largest first.

    Attributes
    ----------
    sizes : mr_extract.text.balance.Sizes
        Of the files.
    images, malformed : int
        Lines, and those of them that cannot be understood.
    """

    def __init__(self) -> None:
        self._together, self._dealing = SortedRecords(), SortedRecords()
        # Parcels whose load depends on the mean of all, or on what a shard may hold.
        self._waiting = tempfile.TemporaryFile(prefix="mr_extract-")
        self.sizes = Sizes()
        self.images = self.malformed = 0

    def add(self, entry: Entry, line: bytes, local: str) -> None:
        """Take in a line, without its end, and what it has in common with its neighbours."""
        place, shared, size = self.images, companions_of(entry), size_of(entry)
        self.images += 1
        self.malformed += bool(entry.problem)
        if shared is not None:
            self._together.add(_text(shared) + _number(place) + _text(local) + line)
            return
        self.sizes.add(size)
        if size is None:
            self._wait(0, 1, place, _text(local), line)
        else:
            self._deal(size, place, _text(local), line)

    def complete(self) -> None:
        """Bring together what belongs together, when all lines are there."""
        for shared, records in groupby(self._together, lambda record: record.split(b"\0", 1)[0]):
            begin = len(shared) + 1
            while some := list(islice(records, MOST_TOGETHER)):
                place = int.from_bytes(some[0][begin : begin + _BYTES])
                texts = [record[begin + _BYTES :].split(b"\0", 1) for record in some]
                self._join(place, texts[0][0] + b"\0", [line for _, line in texts])

    def ordered(self, limit: float) -> Iterator[tuple[bytes, int, bytes]]:
        """Give the parcels.

        Parameters
        ----------
        limit : float
            Bytes of a shard: what is more is cut.

        Yields
        ------
        local : bytes
            What they have in common with the parcels beside them.
        load : int
            Bytes.
        lines : bytes
            With line feeds between them.
        """
        for record in read_records(self._waiting):
            known, unknown, place = (
                int.from_bytes(record[k * _BYTES : (k + 1) * _BYTES]) for k in range(3)
            )
            local, text = record[3 * _BYTES :].split(b"\0", 1)
            lines = text.split(b"\n")
            load = known + unknown * self.sizes.mean
            for start, stop, part in parts(len(lines), load, limit):
                self._deal(part, place, local + b"\0", b"\n".join(lines[start:stop]))
        for record in self._dealing:
            begin = record.index(b"\0") + 1
            load = _LARGEST - int.from_bytes(record[begin : begin + _BYTES])
            yield record[: begin - 1], load, record[begin + 2 * _BYTES :]

    def _join(self, place: int, local: bytes, lines: list[bytes]) -> None:
        sizes = sizes_of(list(read_entries(lines)))
        for size in sizes:
            self.sizes.add(size)
        known = [size for size in sizes if size is not None]
        self._wait(sum(known), len(sizes) - len(known), place, local, b"\n".join(lines))

    def _wait(self, known: int, unknown: int, place: int, local: bytes, lines: bytes) -> None:
        numbers = _number(known) + _number(unknown) + _number(place)
        write_record(self._waiting, numbers + local + lines)

    def _deal(self, load: int, place: int, local: bytes, lines: bytes) -> None:
        self._dealing.add(local + _number(_LARGEST - load) + _number(place) + lines)


def _number(value: int) -> bytes:
    return value.to_bytes(_BYTES)


def _text(value: str) -> bytes:
    return value.replace("\0", "").encode() + b"\0"
