"""Rows of two sides to pairs: how a part of the sky is settled, and what was found of all rows."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np

from mr_extract.jobs.sky.decisions import Miscounted
from mr_extract.jobs.sky.spool import CATALOG, REFERENCE, ROW
from mr_extract.objects.cells import near_border
from mr_extract.objects.matching import Near, ranks
from mr_extract.objects.sphere import arcseconds, vectors

#: A row of the catalogs and one of the reference; -1 for a row that has none.
PAIR = np.dtype([("place", "<i8"), ("other", "<i8"), ("distance", "<f8")])
NONE = -1
_AT_ONCE = 1 << 15  # pairs, unless one row has more


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
    least : float
        Arcseconds from which on they count.
    """

    radius: float
    most: int
    least: float = 0.0

    def settled(self, records: np.ndarray,
                order: int | None) -> Generator[np.ndarray, None, np.ndarray]:
        """Yield pairs of rows (of `PAIR`), and return the rows that are open (of `ROW`)."""
        if not len(records):
            return np.zeros(0, ROW)
        sides = [records[records["side"] == side] for side in (CATALOG, REFERENCE)]
        # By place, so that rows in another order of arrival are equal arrays.
        rows, others = (side[np.argsort(side["place"])] for side in sides)
        left = [side[:0] for side in sides]
        if order is not None:
            near, beside = (near_border(side["ra"], side["dec"], order, times * self.radius)
                            for side, times in ((rows, 1), (others, 2)))
            left, rows = [rows[near], others[beside]], rows[~near]
        if len(rows):
            yield from self._pairs(rows, others)
        return np.concatenate(left)

    def _pairs(self, rows, others):
        near = Near(vectors(others["ra"], others["dec"]), self.radius, self.least)
        alone = np.ones(len(rows), bool)
        for one, other, squares in near.to(vectors(rows["ra"], rows["dec"]), self.most):
            alone[one] = False
            yield _as_pairs(rows["place"][one], others["place"][other],
                            arcseconds(np.sqrt(squares)))
        yield _as_pairs(rows["place"][alone], NONE, np.nan)


def _as_pairs(places, others, distances):
    found = np.empty(len(places), PAIR)
    found["place"], found["other"], found["distance"] = places, others, distances
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
        pairs = pairs[np.argsort(pairs["place"], kind="stable")]
        first = np.flatnonzero(np.diff(pairs["place"], prepend=-1))
        places, numbers = pairs["place"][first], np.diff(first, append=len(pairs))
        if self._numbers[places].any():
            raise Miscounted("tasks have told of a row twice")
        self._numbers[places] = numbers
        self._pairs.write(pairs.tobytes())
        self._sizes.append(pairs.nbytes)

    def leave_out(self, places: np.ndarray) -> None:
        """Say of rows that they lie nowhere."""
        self.take(_as_pairs(places, NONE, np.nan))

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
        start, begin = 0, 0
        while start < self._count:
            stop = max(int(np.searchsorted(ends, begin + _AT_ONCE, side="right")), start + 1)
            yield np.array(self._ordered[begin:ends[stop - 1]])
            start, begin = stop, int(ends[stop - 1])
