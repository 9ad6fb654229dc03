"""A text read from its beginning to its end: of any place, plain, gzip or bzip2."""

import io
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

from mr_extract import storage
from mr_extract.storage.ranges import Ranges
from mr_extract.unpacking import BZIP2, GZIP, named_failures

_PIECE = 8 << 20  # bytes of a remote text that one request fetches


@contextmanager
def opened_text(source: str, stdin: BinaryIO | None = None) -> Iterator[io.BufferedReader]:
    """Open a text, whatever its size; memory does not grow with it.

    Parameters
    ----------
    source : str
        A path, which may be that of a pipe as in ``<(find ...)``, a URI, or ``-``.
    stdin : binary file, optional
        What ``-`` means.

    Yields
    ------
    io.BufferedReader
        Without gzip or bzip2 around it.

    Raises
    ------
    ImageFailure
        ``fetch-...`` when it cannot be read; also while it is read, and ``truncated`` or
        ``corrupt`` then.
    """
    with ExitStack() as opened:
        if source == "-":
            file: io.BufferedReader = _buffered(stdin)
        else:
            file = opened.enter_context(_opened(source))
        magic = file.peek(3)[:3]
        if magic.startswith(GZIP):
            import gzip

            file = io.BufferedReader(_Unpacked(gzip.GzipFile(fileobj=file), magic), 1 << 20)
        elif magic == BZIP2:
            import bz2

            file = io.BufferedReader(_Unpacked(bz2.BZ2File(file), magic), 1 << 20)
        yield file


def _buffered(stdin):
    return stdin if hasattr(stdin, "peek") else io.BufferedReader(stdin)


def _opened(source):
    if not storage.is_local(source):
        return io.BufferedReader(_Remote(source), _PIECE)
    path = storage.local.path_of(source)
    if os.path.isdir(path) or os.path.isfile(path) or not os.path.exists(path):
        storage.stat(source)  # says what is wrong, if anything is
    return open(path, "rb", buffering=1 << 20)


class _Remote(io.RawIOBase):
    def __init__(self, uri):
        self._file, self._offset = Ranges(uri), 0

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self._file.read(self._offset, len(buffer))
        buffer[: len(data)] = data
        self._offset += len(data)
        return len(data)


class _Unpacked(io.RawIOBase):
    def __init__(self, stream, magic):
        self._stream, self._magic = stream, magic

    def readable(self):
        return True

    def readinto(self, buffer):
        with named_failures(self._magic):
            data = self._stream.read1(len(buffer))  # `read` would lose what precedes a break
        buffer[: len(data)] = data
        return len(data)
