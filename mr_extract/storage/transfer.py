"""Bytes of a file from a server, whole whatever happens on the way.

What broke off is continued from where it broke, where the server can do so and says that
the file is still the same; otherwise it begins anew. Never do bytes of two states of a
file stand together, and never do fewer come back than were announced.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.storage.faults import Passing, retried

PIECE = 1 << 18
SLOWEST = 1024  # bytes a second; below it a connection is as good as dead
CHANGED = "the file changed while it was read"


@dataclass
class Answer:
    """What a server sends of a file.

    Parameters
    ----------
    take : callable
        Takes the most bytes to return; returns those that have come, waits where none
        have, and returns none at the end. Raises `Passing`.
    close : callable
        Gives the connection up, or back when all was taken.
    start : int
        Where in the file the bytes begin.
    end : int or None
        Where in the file they should end; None where the server does not say.
    total : int or None
        Bytes of the file.
    version : str
        What changes with the content.
    lasting : bool
        The rest can be had later by its offset.
    """

    take: Callable
    close: Callable
    start: int = 0
    end: int | None = None
    total: int | None = None
    version: str = ""
    lasting: bool = False


def nothing(position: int, total: int | None, version: str) -> Answer:
    """Return the answer to a request for bytes beyond the end of the file."""
    return Answer(lambda most: b"", lambda: None, position, position, total, version)


def collected(
    ask: Callable[[int, int | None, str], Answer],
    offset: int = 0,
    size: int | None = None,
    version: str = "",
) -> tuple[bytes, str]:
    """Return the bytes of a file from an offset on, and the version of the file.

    Parameters
    ----------
    ask : callable
        Takes offset, size (None: to the end) and the version that the file should still
        have ('' : any); returns an `Answer`, which may begin before the offset. Raises
        `Passing`, or `ImageFailure` (``fetch-changed`` for another version).
    offset : int
    size : int, optional
    version : str
        The file must be that one.

    Returns
    -------
    data : bytes
    version : str

    Raises
    ------
    ImageFailure
        ``fetch-...``.
    """
    transfer = _Transfer(ask, offset, size, version)
    retried(transfer.attempt, storage.access().fetch_budget)
    return transfer.held.getvalue(), transfer.version


class _Transfer:
    """The state of one transfer over several connections."""

    def __init__(self, ask, offset, size, version):
        self._ask, self._offset, self._pinned = ask, offset, bool(version)
        self._stop = None if size is None else offset + size
        self.version = version
        self._drop()

    def attempt(self):
        """Go on to the end; raise `Passing` with all kept that can be kept."""
        while not self._one_answer():
            pass

    def _one_answer(self):
        """Ask for what is missing and take it; return whether that was all."""
        size = None if self._stop is None else self._stop - self._position
        try:
            answer = self._ask(self._position, size, self.version)
        except ImageFailure as failure:
            if failure.kind == "fetch-changed":
                self._changed()
            raise
        try:
            self._check(answer)
            return self._take(answer)
        finally:
            answer.close()

    def _check(self, answer):
        is_empty = answer.start == answer.end
        other_size = self._total is not None and answer.total not in (None, self._total)
        if other_size and not is_empty or self.version not in ("", answer.version):
            self._drop()
            if self._pinned or answer.start > self._offset:
                self._changed()
        if answer.start > self._position:
            raise ImageFailure("fetch-failed", "the server sent another part than was asked for")
        self.version = answer.version
        self._total = answer.total if self._total is None else self._total

    def _take(self, answer):
        stop = min((end for end in (answer.end, self._stop) if end is not None), default=None)
        at, before, pace = answer.start, self._position, _Pace()
        try:
            while stop is None or at < stop:
                data = answer.take(PIECE if stop is None else min(PIECE, stop - at))
                if not data:
                    break
                self._keep(data, at)
                at += len(data)
                pace.note(len(data))
            if answer.end is not None and at < stop:
                raise Passing("fetch-truncated", f"{at} of {answer.end} bytes came")
        except Passing as failure:
            if answer.lasting:
                failure.progress = pace.good
            else:
                self._drop()
            raise
        if answer.end is None or self._position == self._stop:
            return True
        if self._total is None or self._position >= self._total:
            return True
        if self._position == before:
            raise Passing("fetch-truncated", f"{at} of {self._total} bytes came")
        return False  # a server may send less than was asked for

    def _keep(self, data, at):
        known = self._position - at  # a server may begin before what was asked for
        if known < len(data):
            self.held.write(data[known:] if known > 0 else data)
            self._position = at + len(data)

    def _changed(self):
        if self._pinned:
            raise ImageFailure("fetch-changed", CHANGED)
        self._drop()
        raise Passing("fetch-changed", CHANGED)

    def _drop(self):
        self.held, self._position, self._total = BytesIO(), self._offset, None
        if not self._pinned:
            self.version = ""


class _Pace:
    """Gives up a connection on which bytes drip, each within the time limit."""

    def __init__(self):
        self._limit = storage.access().fetch_timeout
        self._began = self._window = time.monotonic()
        self._bytes, self.good = 0, 0.0

    def note(self, size):
        now = time.monotonic()
        self._bytes += size
        if now - self._window >= self._limit:
            if self._bytes < SLOWEST * (now - self._window):
                self.good = 0.0
                raise Passing("fetch-timeout", f"only {self._bytes} bytes came in "
                                               f"{now - self._window:.3g} s")
            self._window, self._bytes = now, 0
        self.good = now - self._began
