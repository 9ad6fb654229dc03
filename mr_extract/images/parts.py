"""Parts of a file, read as far as they are wanted, and a checksum of what was used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from mr_extract.failures import ImageFailure

AT_ONCE = 8 << 20  # bytes


class Parts:
    """A file of which parts are read.

    Parameters
    ----------
    read : callable
        Takes an offset and a size, and returns bytes of the file without gzip or bzip2
        around it; fewer at its end. It is asked from the front to the back, as far as the
        file allows.
    gap : int
        Bytes that are sooner read than left out. Of a file in this machine none are; of a
        remote one so many as come in the time of a request.

    Attributes
    ----------
    size : int
        Bytes that `part`, `parts` and `whole` have read, wanted or not.
    """

    def __init__(self, read: Callable[[int, int], bytes], gap: int = 0) -> None:
        self.read, self.gap = read, gap
        self.size = 0
        self._digest = hashlib.sha256()

    @property
    def checksum(self) -> str:
        """SHA-256 of what was used, in hexadecimal digits."""
        return self._digest.hexdigest()

    def used(self, data: bytes) -> None:
        """Take bytes into the checksum."""
        self._digest.update(data)

    def whole(self) -> bytes:
        """Return all bytes of the file, for what cannot be read in parts."""
        pieces, offset = [], 0
        while piece := self.read(offset, AT_ONCE):
            pieces.append(piece)
            offset += len(piece)
        self.size += offset
        whole = b"".join(pieces)
        self.used(whole)
        return whole

    def part(self, offset: int, size: int) -> bytes:
        """Return bytes of the file, all of them.

        Raises
        ------
        ImageFailure
            ``truncated`` when the file ends before.
        """
        data = self.read(offset, size)
        self.size += len(data)
        if len(data) < size:
            raise ImageFailure("truncated", f"{len(data)} of {size} bytes are there at {offset}")
        return data

    def parts(self, places: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return parts of the file in the order in which they are asked for.

        Parameters
        ----------
        places : sequence of (int, int)
            Offset and size of each. Those that are no farther apart than the gap are read
            together. Their bytes enter the checksum.
        """
        found = {}
        ordered = sorted(set(places))
        while ordered:
            begin, end, taken = ordered[0][0], sum(ordered[0]), 1
            while (taken < len(ordered) and ordered[taken][0] - end <= self.gap
                   and sum(ordered[taken]) - begin <= AT_ONCE):
                end, taken = max(end, sum(ordered[taken])), taken + 1
            span = self.part(begin, end - begin)
            for offset, size in ordered[:taken]:
                found[offset, size] = span[offset - begin : offset - begin + size]
            ordered = ordered[taken:]
        pieces = [found[place] for place in places]
        for piece in pieces:
            self.used(piece)
        return pieces
