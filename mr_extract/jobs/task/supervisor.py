"""Measure images in a child process that may die, hang or eat its memory.

sep is C code: a crash, an image that hangs it, or the kernel's killer of
processes would take a whole task with it. Here it takes the one image, after a
second attempt. It also frees this process to fetch while the other computes,
which threads cannot do as sep does not let go of the interpreter's lock.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mr_extract.failures import ImageFailure
from mr_extract.jobs.function.traces import last_line, told, where_dumped
from mr_extract.jobs.task.last_words import LOST_STREAMS, LastWords
from mr_extract.jobs.task.memory_limit import MemoryLimit
from mr_extract.jobs.task.one_line import NO_MEMORY, Outcome, failed
from mr_extract.jobs.task.opened import stays_open
from mr_extract.jobs.task.worker import FRAME, OUT_OF_MEMORY, write_file, write_frame

if TYPE_CHECKING:
    from mr_extract.jobs.task.opened import Fetched
    from mr_extract.text.entry import Entry

ATTEMPTS = 2
HEARTBEAT = 10.0
_MEMORY_LOOK = 0.5  # YARN looks every three seconds
_PATIENCE = 10.0  # seconds for a process to end
_BY_ATTEMPT = "mapreduce_task_attempt_id"  # the variable of a task whose folder is its own


class _Died(Exception):
    pass


class _Hangs(Exception):
    pass


class _TooLarge(Exception):
    pass


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
        self._opening, self._timeout, self._heartbeat = opening, timeout, heartbeat
        self._memory = memory or MemoryLimit()
        self._process: Any = None  # a subprocess.Popen with its pipes
        self._sent: set[str] = set()  # URIs of files that the process was given and holds
        self._ends: tuple[int, ...] = ()  # what can be read when the process is gone
        self._words = LastWords()
        # A task's own folder is removed with it, whatever ends it.
        self._folder = tempfile.mkdtemp(
            prefix="mr_extract-", dir=os.getcwd() if _BY_ATTEMPT in os.environ else None)

    def start(self) -> None:
        """Start the process, if none runs; it gets ready in the background."""
        if self._process is None:
            self._sent = set()
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

    def ask(self, entry: Entry, files: Mapping[str, Fetched]) -> None:
        """Hand over an image and the files that were fetched for it."""
        self.start()
        self._words.clear()
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

    def answer(self) -> Outcome:
        """Wait for the outcome.

        Raises
        ------
        _Died, _Hangs, _TooLarge
            The process is gone by then.
        """
        began = time.monotonic()
        head_size, block_size = FRAME.unpack(self._receive(FRAME.size, began))
        head = json.loads(self._receive(head_size, began))
        return Outcome(self._receive(block_size, began), **head)

    def _receive(self, size, began):
        """Read so many bytes of the answer, unless it takes too long."""
        pieces, stream = [], self._process.stdout.fileno()
        watched = [stream, *self._ends]
        while size:
            wait = _MEMORY_LOOK if self._memory else HEARTBEAT
            if self._timeout:
                wait = max(0.0, min(wait, began + self._timeout - time.monotonic()))
            ready = select.select(watched, [], [], wait)[0]
            if not ready:
                if self._timeout and time.monotonic() - began >= self._timeout:
                    self._words.ask(self._process.pid)
                    self.stop(kill=True)
                    raise _Hangs
                if self._memory and self._memory.is_exceeded_by(self._process.pid):
                    self._words.ask(self._process.pid)
                    self.stop(kill=True)
                    raise _TooLarge
                self._heartbeat()
                continue
            # A process that it has started may hold the other end of a stream when it is gone.
            pieces.append(os.read(stream, min(size, 1 << 20)) if stream in ready else b"")
            if not pieces[-1]:
                status = self.stop()
                raise _TooLarge if status == OUT_OF_MEMORY else _Died(_ending(status))
            size -= len(pieces[-1])
        return b"".join(pieces)

    def stop(self, kill: bool = False) -> int:
        """End the process and what it has started, and return its exit status."""
        process, self._process = self._process, None
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


def measure_supervised(images: Iterable[tuple[Entry, Mapping[str, Fetched]]],
                       opening: dict[str, Any], timeout: float = 0.0,
                       heartbeat: Callable[[], object] = lambda: None,
                       memory: MemoryLimit | None = None,
                       overlapping: bool = True) -> Iterator[tuple[Entry, Outcome]]:
    """Measure images one after the other in a child process.

    Parameters
    ----------
    images : iterable of (Entry, dict of str to (bytes or PackedFile or ImageFailure))
        From `mr_extract.jobs.task.fetching.fetch_ahead`.
    opening, timeout, heartbeat, memory
        As for `Worker`.
    overlapping : bool
        Take the next image from `images` while one is measured.

    Yields
    ------
    entry : mr_extract.text.entry.Entry
    outcome : Outcome
        In the order of the images. The next image is handed over before an
        outcome is yielded, so that writing and computing overlap, too.
    """
    worker = Worker(opening, timeout, heartbeat, memory)
    asked: deque[tuple[Entry, Mapping[str, Fetched]]] = deque()
    try:
        worker.start()
        for entry, files in images:
            previous = _settled(worker, asked)
            worker.ask(entry, files)
            asked.append((entry, files))
            yield from previous
            if not overlapping:
                yield from _settled(worker, asked)
        yield from _settled(worker, asked)
    finally:
        worker.close()


def _settled(worker, asked):
    outcomes = []
    while asked:
        entry, files = asked.popleft()
        outcomes.append((entry, _outcome(worker, entry, files)))
    return outcomes


def _outcome(worker, entry, files):
    """Wait for the outcome of the image that was asked for last."""
    for attempt in range(ATTEMPTS):
        if attempt:
            worker.ask(entry, files)
        try:
            outcome = worker.answer()
            if outcome.kind == "memory":
                worker.stop()  # what is left of its memory may be in pieces
            if outcome.renew:
                worker.stop(kill=True)
            return outcome
        except _TooLarge:
            return failed(entry.id, "memory", worker.told(NO_MEMORY))
        except _Hangs:
            return failed(entry.id, "timeout", worker.told(f"not done after {worker._timeout:g} s"))
        except _Died as death:
            ending = str(death)
    return failed(entry.id, "killed", worker.told(
        f"the process that measured it was {ending}, {ATTEMPTS} times"))
