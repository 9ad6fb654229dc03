"""Measure images in a child process that may die, hang or eat its memory.

sep is C code: a crash, an image that hangs it, or the kernel's killer of
processes would take a whole task with it. Here it takes the one image, after a
second attempt. It also frees this process to fetch while the other computes,
which threads cannot do as sep does not let go of the interpreter's lock.

Where files are for that process to read it is asked for several images ahead, so that it
never waits for this one, which looks for outcomes now and then: to be woken for each costs
both much of the time of a small image. They are answered in their order, so what a process dies of
is the first of which it has said nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mr_extract.jobs.task.memory_limit import MemoryLimit
from mr_extract.jobs.task.one_line import NO_MEMORY, Outcome, failed
from mr_extract.jobs.task.worker_process import Died, Hangs, TooLarge, Worker

if TYPE_CHECKING:
    from mr_extract.jobs.task.opened import Fetched
    from mr_extract.text.entry import Entry

ATTEMPTS = 2


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
        outcome is yielded, so that writing and computing overlap, too. What a process dies of is
        the first image of which it has said nothing.
    """
    worker = Worker(opening, timeout, heartbeat, memory)
    asked: deque[tuple[Entry, Mapping[str, Fetched]]] = deque()
    try:
        worker.start()
        for entry, files in images:
            settled = []
            while asked and not worker.has_room_for(entry, files):
                settled.append(_settled(worker, asked))
            worker.ask(entry, files)
            asked.append((entry, files))
            yield from settled
            if not overlapping:
                yield _settled(worker, asked)
        while asked:
            yield _settled(worker, asked)
    finally:
        worker.close()


def _settled(worker, asked):
    """Return the first image that was asked for, and its outcome; the others stay asked for."""
    outcome = _outcome(worker, asked)
    entry, _ = asked.popleft()
    _ask_again(worker, asked)
    return entry, outcome


def _ask_again(worker, asked):
    """Where a process is gone, and what it was asked for with it, ask another."""
    if not worker.runs:
        for one in asked:
            worker.ask(*one)


def _outcome(worker, asked):
    """Wait for the outcome of the first image that was asked for."""
    entry = asked[0][0]
    for _ in range(ATTEMPTS):
        _ask_again(worker, asked)
        try:
            outcome = worker.answer(len(asked) > 1)
            if outcome.is_last:
                worker.stop(kill=True)
            return outcome
        except TooLarge:
            return failed(entry.id, "memory", worker.told(NO_MEMORY))
        except Hangs:
            return failed(entry.id, "timeout", worker.told(f"not done after {worker.timeout:g} s"))
        except Died as death:
            ending = str(death)
    return failed(entry.id, "killed", worker.told(
        f"the process that measured it was {ending}, {ATTEMPTS} times"))
