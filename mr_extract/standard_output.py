"""What libraries print while an image is measured does not reach standard output.

Standard output may be a catalog, blocks for a reducer or a protocol. What is written there by
an astropy logger, `print`, ``os.write(1, ...)`` or a C library ends on standard error.
"""

import ctypes
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_users = 0
_undo: Callable[[], None] | None = None
_c = None


@contextmanager
def to_standard_error() -> Iterator[None]:
    """Send standard output to standard error within, for the whole process.

    Several threads may be within; the last to leave restores what was there. Streams of
    bytes in place of Python's texts, as some runners have them, become texts as well.
    """
    global _users, _undo
    with _lock:
        if not _users:
            _undo = _divert()
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users and _undo is not None:
                _undo()


def _divert():
    out, err = sys.stdout, sys.stderr
    _flush(out)
    try:
        kept = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # one of them is closed
        kept = None
    told = _as_text(err)
    sys.stdout = sys.stderr = told

    def undo():
        _flush(told)
        # What a library has put in place of them meanwhile is not ours to restore.
        if sys.stdout is told:
            sys.stdout = out
        if sys.stderr is told:
            sys.stderr = err
        if kept is not None:
            os.dup2(kept, 1)
            os.close(kept)

    return undo


def _as_text(stream):
    if stream is None:
        return open(os.devnull, "w")
    if isinstance(stream, io.TextIOBase) or hasattr(stream, "encoding"):
        return stream
    return _Text(stream)


class _Text(io.TextIOBase):
    """Text on a stream of bytes that is not ours to close."""

    def __init__(self, stream):
        self.buffer = stream

    def write(self, text):
        self.buffer.write(text.encode("utf-8", "backslashreplace"))
        return len(text)

    def flush(self):
        # Python flushes what it is done with, and since 3.13 says when that fails: the stream
        # may have ended before.
        if not self.buffer.closed:
            self.buffer.flush()


def _flush(stream):
    """Write out what Python and C hold of standard output."""
    global _c
    try:
        stream.flush()
    except (AttributeError, OSError, ValueError):
        pass
    if _c is None:
        _c = ctypes.CDLL(None)
    _c.fflush(None)
