"""A file to read and seek in, wherever it is, of which only parts are fetched."""

import io
import os
from typing import BinaryIO

from mr_extract import storage
from mr_extract.storage import local
from mr_extract.storage.ranges import BLOCK, Ranges

LONGEST = 1 << 23


def opened_in_parts(uri: str) -> BinaryIO:
    """Open a file for reading and seeking.

    Parameters
    ----------
    uri : str
        A path or a URI.

    Returns
    -------
    binary file
        Reading one that is remote raises ImageFailure as `mr_extract.storage.read_range`
        does.

    Raises
    ------
    ImageFailure
        ``fetch-...``, ``unsupported-scheme``.
    """
    if not storage.is_local(uri):
        return io.BufferedReader(SeekableFile(uri))
    try:
        path = local.path_of(uri)
        if os.path.isfile(path):  # to open a pipe would wait for its writer
            return open(path, "rb")
    except (OSError, ValueError):
        pass  # the storage says what is wrong
    return io.BytesIO(storage.read(uri))


class SeekableFile(io.RawIOBase):
    """A remote file.

    What is read on is fetched in ever longer parts, as each costs a round trip; after a
    leap the next part is a short one.

    Parameters
    ----------
    uri : str
    shortest, longest : int
        Bytes of a part.
    """

    def __init__(self, uri: str, shortest: int = BLOCK, longest: int = LONGEST) -> None:
        self._ranges = Ranges(uri, block=1)
        self._shortest, self._longest = shortest, longest
        self._position = self._start = self._next = 0
        self._held, self._end = b"", None

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return where the next byte is read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place; the end of the file is not known."""
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the size of a remote file is not asked for")
        self._position = offset + (self._position if whence == io.SEEK_CUR else 0)
        return self._position

    # Nobody but io.BufferedReader calls it, and that gives a memoryview.
    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read bytes into a buffer; fewer than it holds also before the end of the file."""
        skip = self._position - self._start
        if not 0 <= skip < len(self._held):
            self._fetch(len(buffer))
            skip = 0
        piece = self._held[skip : skip + len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _fetch(self, wanted):
        follows = self._held and self._position == self._start + len(self._held)
        self._next = min(2 * self._next, self._longest) if follows else self._shortest
        self._start, self._held = self._position, b""
        if self._end is None or self._start < self._end:
            asked = max(wanted, self._next)
            self._held = self._ranges.read(self._start, asked)
            if len(self._held) < asked:
                self._end = self._start + len(self._held)
