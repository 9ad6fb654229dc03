"""Images dealt to shards of about equal bytes.

What one task should do is a parcel: the images of one file, which is then fetched once,
and those found on one detection image. All other images are parcels of their own.
"""

from collections.abc import Iterable, Iterator, Sequence
from heapq import heapreplace
from itertools import pairwise
from math import ceil

from mr_extract.text.entry import Entry

_SHARING = ("ext", "plane", "region", "detect")  # by these fields images share a file
COUNTED = "catalogued"  # sources that will be measured in an image
_SOURCE = 300_000  # bytes of a patch that are read in the time in which a source is measured


def companions_of(entry: Entry) -> str | None:
    """Return what the images of one parcel share, None for an image that stands alone.

    Regions and planes are read for themselves, so they stand alone but for a detection image,
    and where the file that holds them is packed.
    """
    if not any([name in _SHARING for name, _ in entry.fields]):
        return None  # as of most lines, of which there may be millions
    detect, part = entry.get("detect"), (entry.get("plane"), entry.get("region"))
    if any(part) and not entry.get("packed"):
        return detect + "".join(f"[{one}]" for one in part if one) if detect else None
    alone = entry.get("ext") is None and entry.get("plane") is None
    return detect or (None if alone else entry.uri)


def size_of(entry: Entry) -> int | None:
    """Return the bytes of a line's file as the line says, at least 1; None if it does not.

    Catalogued sources that will be measured in it count as bytes that take as long.
    """
    size, sources = entry.get("bytes"), entry.get(COUNTED) or "0"
    if size is None or entry.problem:
        return None
    return max(int(size), 1) + (_SOURCE * int(sources) if sources.isdecimal() else 0)


def sizes_of(entries: Sequence[Entry]) -> list[int | None]:
    """Return the bytes of each file, or part of one, of which these are images.

    Parameters
    ----------
    entries : sequence of mr_extract.text.entry.Entry

    Returns
    -------
    list of int
        None for those of which no line says it.
    """
    if len(entries) == 1:
        return [size_of(entries[0])]
    sizes: dict[tuple[str | None, ...], int | None] = {}
    for entry in entries:
        place, size = (entry.uri, entry.get("plane"), entry.get("region")), size_of(entry)
        known = sizes.get(place)
        sizes[place] = size if known is None else max(known, size or 0)
    return list(sizes.values())


class Sizes:
    """What is known of the sizes of files, for those of which nothing is known.

    They count as the mean of the others, and all alike where there are no others.
    """

    def __init__(self) -> None:
        self.known = self.total = self.unknown = 0

    def add(self, size: int | None) -> None:
        """Take in the bytes of one file, or None."""
        if size is None:
            self.unknown += 1
        else:
            self.known += 1
            self.total += size

    @property
    def mean(self) -> int:
        """Bytes of a file, at least 1."""
        return max(1, round(self.total / self.known)) if self.known else 1

    @property
    def load(self) -> int:
        """Bytes of all files together."""
        return self.total + self.unknown * self.mean

    def load_of(self, sizes: Iterable[int | None]) -> int:
        """Return the bytes of some files together."""
        return sum(self.mean if size is None else size for size in sizes)


def parts(count: int, load: int, share: float) -> Iterator[tuple[int, int, int]]:
    """Cut a parcel that is more than a shard should hold.

    Parameters
    ----------
    count : int
        Its images.
    load, share : int or float
        Its bytes, and those of a shard.

    Yields
    ------
    start, stop : int
        The images of a part.
    load : int
        Its bytes.
    """
    number = max(1, min(count, ceil(load / share)))
    if number == 1:
        yield 0, count, load
        return
    for start, stop in pairwise(k * count // number for k in range(number + 1)):
        yield start, stop, max(1, load * (stop - start) // count)


class LeastFull:
    """Gives each load to the shard that is least full.

    The largest loads should come first: the small ones then fill what they left uneven. With
    N shards none gets more than the mean and (N - 1) / N of the largest load.

    Parameters
    ----------
    number : int
        Shards.
    """

    def __init__(self, number: int) -> None:
        self._heap = [(0, shard) for shard in range(number)]

    def shard_for(self, load: int) -> int:
        """Return the shard that takes a load."""
        full, shard = self._heap[0]
        heapreplace(self._heap, (full + load, shard))
        return shard


class InTurn:
    """Fills one shard after the other, where neighbours are to stay neighbours.

    None gets more than the mean and its largest load.

    Parameters
    ----------
    number : int
        Shards.
    total : int
        Sum of all loads.
    """

    def __init__(self, number: int, total: int) -> None:
        self._number, self._total, self._done = number, total, 0

    def shard_for(self, load: int) -> int:
        """Return the shard that takes a load: that in which its middle falls."""
        middle = 2 * self._done + load
        self._done += load
        return min(middle * self._number // (2 * self._total), self._number - 1)
