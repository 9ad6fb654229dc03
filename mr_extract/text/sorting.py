"""More records than memory holds, in order: sorted runs in temporary files, then merged."""

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO

#: Bytes of records in memory at a time, and what each costs beside its own.
HELD = 16 << 20
_OVERHEAD = 48

#: Runs that are merged at once: each is an open file.
RUNS = 128

_LENGTH = 4


def write_record(file: BinaryIO, record: bytes) -> None:
    """Write a record so that `read_records` finds its end."""
    file.write(len(record).to_bytes(_LENGTH, "little"))
    file.write(record)


def read_records(file: BinaryIO) -> Iterator[bytes]:
    """Give the records of a file from its beginning."""
    file.seek(0)
    while length := file.read(_LENGTH):
        yield file.read(int.from_bytes(length, "little"))


class SortedRecords:
    """Records that come in any order and are given back in that of their bytes.

    Parameters
    ----------
    held : int, optional
        Bytes of records in memory at a time. The rest stands in the folder for temporary files.
    """

    def __init__(self, held: int = HELD) -> None:
        self._held, self._size = held, 0
        self._records: list[bytes] = []
        # Of each level at most `RUNS`: a run of the next is as long as all of them.
        self._levels: list[list[BinaryIO]] = []

    def add(self, record: bytes) -> None:
        """Take in a record."""
        self._records.append(record)
        self._size += len(record) + _OVERHEAD
        if self._size >= self._held:
            self._records.sort()
            self._spill(self._records)
            self._records, self._size = [], 0

    def __iter__(self) -> Iterator[bytes]:
        self._records.sort()
        runs = [read_records(run) for level in self._levels for run in level]
        return heapq.merge(*runs, self._records) if runs else iter(self._records)

    def _spill(self, records: Iterable[bytes], level: int = 0) -> None:
        run: BinaryIO = tempfile.TemporaryFile(prefix="mr_extract-")
        for record in records:
            write_record(run, record)
        if level == len(self._levels):
            self._levels.append([])
        runs = self._levels[level]
        runs.append(run)
        if len(runs) == RUNS:
            self._spill(heapq.merge(*map(read_records, runs)), level + 1)
            for run in runs:
                run.close()
            runs.clear()
