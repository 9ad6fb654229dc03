"""What a process that measures says before its end, in a file that its parent has too.

Where the user's code runs, what it prints goes there, and which line it was at when it died: so
of a process that is gone there is more to be said than how it ended.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import time
from contextlib import suppress

SIGNAL = signal.SIGUSR2  # at which a process that runs the user's code says where it is
LOST_STREAMS = 4  # exit status when the streams by which it is asked are no more
_MOST = 1 << 12  # bytes that are looked at
_PATIENCE = 0.5  # seconds

_printed: int | None = None
_traces: int | None = None


class LastWords:
    """Two files of a process and its parent: what was printed, and where it was at its end."""

    def __init__(self) -> None:
        import tempfile

        self._files = [tempfile.TemporaryFile(prefix="mr_extract-"),
                       tempfile.TemporaryFile(prefix="mr_extract-")]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Descriptors for the process, which must inherit them."""
        return tuple(file.fileno() for file in self._files)

    def printed(self) -> str:
        """Return the end of what was printed."""
        return _end_of(self._files[0].fileno())

    def traces(self) -> str:
        """Return where it was, as `faulthandler` writes it."""
        return _end_of(self._files[1].fileno(), first=True)

    def ask(self, pid: int) -> None:
        """Have a process that does not answer say where it is; it may end by it."""
        with suppress(ProcessLookupError):
            os.kill(pid, SIGNAL)
        until = time.monotonic() + _PATIENCE
        while not self.traces().endswith("\n") and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.01)

    def clear(self) -> None:
        """Forget what was said."""
        clear(*self.numbers)

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files:
            file.close()


def use(numbers: list[int]) -> None:
    """Say in this process where its words go: the `LastWords.numbers` of its parent."""
    global _printed, _traces
    _printed, _traces = numbers


def printed() -> int:
    """Return the descriptor of the file for what is printed; a new one where no parent has it."""
    global _printed
    if _printed is None or not _is_open(_printed):
        _printed = _new()
    return _printed


def traces() -> int:
    """Return the same of the file for traces."""
    global _traces
    if _traces is None or not _is_open(_traces):
        _traces = _new()
    return _traces


def speak_at_the_end() -> None:
    """Have this process write where it is when it crashes, is asked by `SIGNAL` or `os._exit`s."""
    number, pid, leave = traces(), os.getpid(), os._exit
    faulthandler.enable(number)
    faulthandler.register(SIGNAL, number)

    def noted(status: int) -> None:
        if os.getpid() == pid:  # and none that it has started
            with suppress(OSError):
                faulthandler.dump_traceback(number, all_threads=False)
        leave(status)

    os._exit = noted  # type: ignore[assignment]


def clear(*numbers: int) -> None:
    """Empty files."""
    for number in numbers:
        with suppress(OSError):
            os.ftruncate(number, 0)
            os.lseek(number, 0, os.SEEK_SET)


def _new() -> int:
    import tempfile

    with tempfile.TemporaryFile(prefix="mr_extract-") as file:
        return os.dup(file.fileno())


def _is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def end_of(number: int) -> str:
    """Return the last that a file holds, as text."""
    return _end_of(number)


def _end_of(number, first=False):
    try:
        size = os.fstat(number).st_size
        start = 0 if first else max(0, size - _MOST)
        return os.pread(number, 4 * _MOST if first else _MOST, start).decode(errors="replace")
    except OSError:
        return ""
