"""Rows of two sides to pairs: how a part of the sky is settled, and what was found of all rows."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np

from mr_extract.jobs.sky.decisions import Miscounted
from mr_extract.jobs.sky.spool import CATALOG, ROW
from mr_extract.objects.cells import near_border
from mr_extract.objects.matching import match, ranks
from mr_extract.objects.sphere import arcseconds, vectors

#: A row of the catalogs and one of the reference; -1 for a row that has none.
PAIR = np.dtype([("place", "<i8"), ("other", "<i8"), ("distance", "<f8")])
NONE = -1


@dataclass(frozen=True)
class Pairing:
    """Which rows of the reference are near those of the catalogs.

    A row within the radius from the border is left open, and with it all rows of the reference
    within twice the radius from there, among which what is near to it must be.

    Parameters
    ----------
    radius : float
        Arcseconds.
    most : int
        The nearest so many; 0 for all.
    """

    radius: float
    most: int

    def settled(self, records: np.ndarray,
                order: int | None) -> Generator[np.ndarray, None, np.ndarray]:
        """Yield pairs of rows (of `PAIR`), and return the rows that are open (of `ROW`)."""
        records = records[np.lexsort((records["place"], records["side"]))]
        if not len(records):
            return np.zeros(0, ROW)
        ours = records["side"] == CATALOG
        if order is None:
            closed, is_open = ours, np.zeros(len(records), bool)
        else:
            near, beside = (near_border(records["ra"], records["dec"], order, times * self.radius)
                            for times in (1, 2))
            closed, is_open = ours & ~near, np.where(ours, near, beside)
        rows, others = records[closed], records[~ours]
        if len(rows):
            yield self._pairs(rows, others)
        return records[is_open]

    def _pairs(self, rows, others):
        one, other, squares = match(vectors(rows["ra"], rows["dec"]),
                                    vectors(others["ra"], others["dec"]), self.radius, self.most)
        alone = np.setdiff1d(np.arange(len(rows)), one, assume_unique=False)
        found = np.zeros(len(one) + len(alone), PAIR)
        found["place"] = rows["place"][np.concatenate([one, alone])]
        found["other"] = np.concatenate([others["place"][other], np.full(len(alone), NONE)])
        found["distance"] = np.concatenate([arcseconds(np.sqrt(squares)),
                                            np.full(len(alone), np.nan)])
        return found


class Pairs:
    """What was found of every row of the catalogs, in files, in the order of the rows.

    Parameters
    ----------
    folder : str
    count : int
        Rows of the catalogs.
    """

    def __init__(self, folder: str, count: int) -> None:
        self._folder, self._count = folder, count
        self._numbers = self._file("numbers", "<i4", count)  # of pairs of each row
        self._pairs = open(os.path.join(folder, "pairs"), "wb+")
        self._sizes: list[int] = []
        self._ordered: np.ndarray | None = None

    def _file(self, name, dtype, count):
        if not count:
            return np.zeros(0, dtype)
        return np.memmap(os.path.join(self._folder, name), dtype, "w+", shape=(count,))

    def take(self, pairs: np.ndarray) -> None:
        """Take all pairs of some rows; those of one row stand together, the nearest first."""
        order = np.argsort(pairs["place"], kind="stable")
        pairs = pairs[order]
        places, numbers = np.unique(pairs["place"], return_counts=True)
        if self._numbers[places].any():
            raise Miscounted("tasks have told of a row twice")
        self._numbers[places] = numbers
        self._pairs.write(pairs.tobytes())
        self._sizes.append(pairs.nbytes)

    def leave_out(self, places: np.ndarray) -> None:
        """Say of rows that they lie nowhere."""
        found = np.zeros(len(places), PAIR)
        found["place"], found["other"], found["distance"] = places, NONE, np.nan
        self.take(found)

    def unknown(self) -> int | None:
        """Return the first row of which nothing is known, None if there is none."""
        step = 1 << 22
        for start in range(0, self._count, step):
            lost = np.flatnonzero(self._numbers[start:start + step] == 0)
            if len(lost):
                return start + int(lost[0])
        return None

    def __iter__(self) -> Iterator[np.ndarray]:
        """Give the pairs in the order of rows, some rows at a time, whole rows each time."""
        ends = np.cumsum(self._numbers, dtype=np.int64)
        if self._ordered is None:
            self._ordered = self._file("ordered", PAIR, int(ends[-1]) if len(ends) else 0)
            self._pairs.seek(0)
            for size in self._sizes:
                pairs = np.frombuffer(self._pairs.read(size), PAIR)
                places = pairs["place"]
                self._ordered[ends[places] - self._numbers[places] + ranks(places)] = pairs
        step = 1 << 14
        for start in range(0, self._count, step):
            stop = min(start + step, self._count)
            yield np.array(self._ordered[ends[start] - self._numbers[start]:ends[stop - 1]])
