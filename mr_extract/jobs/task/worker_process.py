"""The child process in which images are measured, as its parent has it.

What is asked and answered is in `mr_extract.jobs.task.worker`, which it runs.
"""

from __future__ import annotations

import json
import math
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mr_extract.failures import ImageFailure
from mr_extract.jobs.function.traces import last_line, told, where_dumped
from mr_extract.jobs.task.last_words import LOST_STREAMS, LastWords
from mr_extract.jobs.task.memory_limit import MemoryLimit
from mr_extract.jobs.task.one_line import Outcome
from mr_extract.jobs.task.opened import stays_open
from mr_extract.jobs.task.worker import FRAME, OUT_OF_MEMORY, write_file, write_frame

if TYPE_CHECKING:
    from mr_extract.jobs.task.opened import Fetched
    from mr_extract.text.entry import Entry

HEARTBEAT = 10.0
_UNREAD = 1 << 15  # bytes of requests that may wait in a pipe, which holds twice as many
_REQUEST, _ESCAPED = 256, 12  # bytes of a request, and of a character of its texts in JSON, at most
_GATHERING = 0.02  # seconds in which outcomes come together, where more images are asked for
_MEMORY_LOOK = 0.5  # YARN looks every three seconds
_PATIENCE = 10.0  # seconds for a process to end
_BY_ATTEMPT = "mapreduce_task_attempt_id"  # the variable of a task whose folder is its own


class Died(Exception):
    """The process ended, as the message says."""


class Hangs(Exception):
    """An image took too long; the process is gone, too."""


class TooLarge(Exception):
    """An image needs more memory than it may have; the process is gone, too."""


class Worker:
    """A child process that measures one image at a time.

    Parameters
    ----------
    opening : dict of str to object
        From `mr_extract.jobs.task.worker.opening`.
    timeout : float
        Seconds that an image may take; 0 for no limit.
    heartbeat : callable
        Called without arguments at least every ten seconds of waiting.
    memory : mr_extract.jobs.task.memory_limit.MemoryLimit, optional
        What the process may hold.
    """

    def __init__(self, opening: dict[str, Any], timeout: float = 0.0,
                 heartbeat: Callable[[], object] = lambda: None,
                 memory: MemoryLimit | None = None) -> None:
        self._opening, self._heartbeat = opening, heartbeat
        self.timeout = timeout
        self._memory = memory or MemoryLimit()
        self._process: Any = None  # a subprocess.Popen with its pipes
        self._sent: set[str] = set()  # URIs of files that the process was given and holds
        self._unread: deque[float] = deque()  # at most the bytes of each request that waits
        self._ends: tuple[int, ...] = ()  # what can be read when the process is gone
        self._words = LastWords()
        # A task's own folder is removed with it, whatever ends it.
        self._folder = tempfile.mkdtemp(
            prefix="mr_extract-", dir=os.getcwd() if _BY_ATTEMPT in os.environ else None)

    def start(self) -> None:
        """Start the process, if none runs; it gets ready in the background."""
        if self._process is None:
            self._sent = set()
            self._words.clear()
            path = os.pathsep.join(p or os.getcwd() for p in sys.path)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mr_extract.jobs.task.worker"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                env={"OPENBLAS_NUM_THREADS": "1", **os.environ, "PYTHONPATH": path},
                pass_fds=self._words.numbers,
                process_group=0,  # with all that it starts
            )
            with suppress(AttributeError, OSError):  # Linux since 5.3
                self._ends = (os.pidfd_open(self._process.pid),)
            opening = {**self._opening, "parent": os.getpid(), "folder": self._folder,
                       "words": self._words.numbers}
            try:
                write_frame(self._process.stdin, opening)
            except BrokenPipeError:
                pass  # it died at once; `answer` will find out and say so

    @property
    def runs(self) -> bool:
        """Whether there is a process, which may have died without being seen."""
        return self._process is not None

    def has_room_for(self, entry: Entry, files: Mapping[str, Fetched]) -> bool:
        """Tell whether it can be asked for an image before it has answered for those before.

        Files, and more requests than a pipe takes, would wait until the process reads them, and
        it until its answer is read.
        """
        return not self._unread or sum(self._unread) + self._size(entry, files) <= _UNREAD

    def _size(self, entry, files):
        """Return at most how many bytes ask for an image; no number where files go with it."""
        if not self._sent.issuperset(files):
            return math.inf
        texts = (entry.uri, entry.problem, *(text for field in entry.fields for text in field))
        return _REQUEST + _ESCAPED * sum(map(len, texts))

    def ask(self, entry: Entry, files: Mapping[str, Fetched]) -> None:
        """Hand over an image and the files that were fetched for it."""
        self.start()
        self._unread.append(self._size(entry, files))
        needed = {uri: file for uri, file in files.items() if uri not in self._sent}
        self._sent = {uri for uri, file in files.items()
                      if stays_open(entry) and not isinstance(file, ImageFailure)}
        head = {"uri": entry.uri, "fields": entry.fields, "problem": entry.problem,
                "kind": entry.kind, "files": len(needed)}
        try:
            if self._memory:
                self._memory.set_for(self._process.pid)
            write_frame(self._process.stdin, head)
            for uri, file in needed.items():
                write_file(self._process.stdin, uri, file)
        except BrokenPipeError:
            pass  # as above

    def answer(self, others: bool = False) -> Outcome:
        """Wait for the outcome of the first image that was asked for and is not answered.

        Parameters
        ----------
        others : bool
            More are asked for: the process goes on while nobody looks.

        Raises
        ------
        Died, Hangs, TooLarge
            The process is gone by then.
        """
        began = time.monotonic()
        if others and not select.select([self._process.stdout, *self._ends], [], [], 0)[0]:
            time.sleep(_GATHERING)
        head_size, block_size = FRAME.unpack(self._receive(FRAME.size, began))
        head = json.loads(self._receive(head_size, began))
        block = self._receive(block_size, began)
        self._unread.popleft()
        return Outcome(block, **head)

    def _receive(self, size, began):
        """Read so many bytes of the answer, unless it takes too long."""
        pieces, stream = [], self._process.stdout.fileno()
        watched = [stream, *self._ends]
        while size:
            wait = _MEMORY_LOOK if self._memory else HEARTBEAT
            if self.timeout:
                wait = max(0.0, min(wait, began + self.timeout - time.monotonic()))
            ready = select.select(watched, [], [], wait)[0]
            if not ready:
                if self.timeout and time.monotonic() - began >= self.timeout:
                    self._words.ask(self._process.pid)
                    self.stop(kill=True)
                    raise Hangs
                if self._memory and self._memory.is_exceeded_by(self._process.pid):
                    self._words.ask(self._process.pid)
                    self.stop(kill=True)
                    raise TooLarge
                self._heartbeat()
                continue
            # A process that it has started may hold the other end of a stream when it is gone.
            pieces.append(os.read(stream, min(size, 1 << 20)) if stream in ready else b"")
            if not pieces[-1]:
                status = self.stop()
                raise TooLarge if status == OUT_OF_MEMORY else Died(_ending(status))
            size -= len(pieces[-1])
        return b"".join(pieces)

    def stop(self, kill: bool = False) -> int:
        """End the process and what it has started, and return its exit status."""
        process, self._process = self._process, None
        self._unread.clear()
        if process is None:
            return 0
        # Not by `process.kill`, which would give its number away while its group is there.
        if kill:
            os.kill(process.pid, signal.SIGKILL)
        process.stdout.close()  # it may be about to write an answer nobody waits for
        try:
            process.stdin.close()
        except BrokenPipeError:
            pass  # it is gone already
        if self._ends and not select.select(self._ends, [], [], _PATIENCE)[0]:
            os.kill(process.pid, signal.SIGKILL)  # a thread of somebody's keeps it
        for number in self._ends:
            os.close(number)
        self._ends = ()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # its number stays its own
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        return process.wait()

    def close(self) -> None:
        """End the process, and remove what was there for it."""
        self.stop()
        self._words.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def told(self, what: str) -> str:
        """Return a message with what the process said before its end."""
        path = self._opening.get("more", {}).get("path") or ""
        where = where_dumped(self._words.traces(), path.split(os.pathsep))
        return told(what, where, last_line(self._words.printed()))


def _ending(status):
    if status == LOST_STREAMS:
        return "ended as the streams by which it is asked were closed"
    if status < 0:
        names = {one.value: one.name for one in signal.Signals}
        return f"killed by {names.get(-status, f'signal {-status}')}"
    return f"ended with exit status {status}"
