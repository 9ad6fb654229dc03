"""The user's code, called: what it prints and raises is the image's, and all else as before."""

from __future__ import annotations

import ctypes
import inspect
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from mr_extract.failures import ImageFailure
from mr_extract.jobs.function.leftovers import Before, copied, seed
from mr_extract.jobs.function.traces import last_line, told, where_raised
from mr_extract.jobs.task import last_words, renewal
from mr_extract.jobs.task.one_line import NO_MEMORY

_LONGEST = 300
_MOST = 1 << 16  # bytes of what was printed that go to the log of the task
_folder: list[str] = []
_speaks: list[bool] = []


@contextmanager
def own_folder() -> Iterator[str]:
    """Give an empty folder of an image's own, the same for all images of the process."""
    if not _folder or not os.path.isdir(_folder[0]):
        _folder[:] = [renewal.folder() or tempfile.mkdtemp(prefix="mr_extract-")]
    place = os.path.join(_folder[0], "image")
    os.makedirs(place, exist_ok=True)
    try:
        yield place
    finally:
        if not renewal.folder():
            shutil.rmtree(_folder.pop(), ignore_errors=True)
        elif os.path.islink(place) or not os.path.isdir(place) or os.listdir(place):
            with suppress(OSError):
                os.remove(place)
            shutil.rmtree(place, ignore_errors=True)


def called(function: Callable[..., Any], folders: Sequence[str], place: str, seed_of: str,
           **keywords: Any) -> Any:
    """Call the user's code and return what it returns.

    Parameters
    ----------
    function : callable
    folders : sequence of str
        Where the user's code is.
    place : str
        The working directory of the call.
    seed_of : str
        Random numbers are the same for the same text.
    **keywords

    Raises
    ------
    ImageFailure
        ``function-failed`` for whatever is raised, with the line of the user's code and the last
        that was printed; ``memory``.
    """
    apart = renewal.is_apart()
    if apart and not _speaks:
        _speaks.append(True)
        last_words.speak_at_the_end()
    words = last_words.printed()
    last_words.clear(words)
    if apart:
        last_words.clear(last_words.traces())
    before = Before(apart)
    try:
        error, value = None, None
        os.chdir(place)
        seed(seed_of)
        with _printing_to(words):
            try:
                value = function(**keywords)
                if inspect.isgenerator(value):
                    value = list(value)
            except (Exception, SystemExit, GeneratorExit) as raised:
                error = raised
        if error is not None:
            raise _failure(error, folders, place, last_line(last_words.end_of(words)))
        return value
    finally:
        for what in before.restore():
            renewal.ask_for(what)
        before.forget()
        _pass_on(words)


def _failure(error, folders, place, printed):
    where = where_raised(error, folders)
    if isinstance(error, ImageFailure):
        return error  # it knows our kinds, and has chosen one
    if isinstance(error, MemoryError):
        return ImageFailure("memory", told(NO_MEMORY, where, printed))
    what = "it called sys.exit" if isinstance(error, SystemExit) else type(error).__name__
    try:
        text = " ".join(str(error).split())[:_LONGEST]
    except Exception:  # of an exception of the user's own
        text = ""
    message = told(f"{what}: {text}" if text else what, where, printed)
    return ImageFailure("function-failed", message.replace(place + os.sep, "").replace(place, "."))


@contextmanager
def _printing_to(words):
    """Have all that is printed, by whatever it is, go to a file."""
    _flush()
    text = open(words, "w", encoding="utf-8", errors="backslashreplace", closefd=False,
                buffering=1)
    kept = [(number, copied(number)) for number in (1, 2)]
    for number in (1, 2):
        os.dup2(words, number, inheritable=True)
    # Those behind them too, as who closes one closes it for all.
    behind = sys.__stdout__, sys.__stderr__
    sys.stdout = sys.stderr = text
    sys.stdin = open(os.devnull)  # what is there may be the lines to come
    sys.__stdout__, sys.__stderr__ = text, text  # type: ignore[misc]
    try:
        yield
    finally:
        sys.__stdout__, sys.__stderr__ = behind  # type: ignore[misc]
        with suppress(OSError, ValueError):
            text.flush()
        _flush()
        for number, copy in kept:
            if copy is not None:
                with suppress(OSError):
                    os.dup2(copy, number, inheritable=True)
                with suppress(OSError):
                    os.close(copy)


def _flush():
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()
    ctypes.CDLL(None).fflush(None)


def _pass_on(words):
    """Write what was printed to the log of the task, where it does not mix with rows."""
    with suppress(OSError):
        if size := os.fstat(words).st_size:
            text = os.pread(words, _MOST, max(0, size - _MOST))
            log: Any = getattr(sys.stderr, "buffer", sys.stderr)
            log.write(text if text.endswith(b"\n") else text + b"\n")
            log.flush()
