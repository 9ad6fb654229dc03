"""What a call of the user's code may leave in a process, and how it is put back.

Of a process that measures the next image nothing may be otherwise than before: neither its
streams nor its settings nor the functions that measure. What can be put back is; where somebody
else may still be at work, a thread or what it has started, the process should not be used again.
"""

from __future__ import annotations

import gc
import locale
import os
import random
import resource
import signal
import sys
import threading
import time
from contextlib import suppress
from functools import lru_cache
from operator import is_
from types import ModuleType
from typing import Any

_STREAMS = (0, 1, 2)
_LIMITS = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_STACK")
_SIGNALS = sorted({*range(1, 32)} & signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
# Besides the modules of this package: what it measures and writes with. Not `warnings`, which is
# given other functions wherever somebody listens.
_WATCHED = ("builtins", "os", "io", "json", "math", "struct", "hashlib", "time",
            "numpy", "numpy.random", "orjson", "sep", "astropy.io.fits", "astropy.wcs",
            "astropy.table")
_CLASSES = {"astropy.io.fits": ("HDUList", "PrimaryHDU", "ImageHDU", "Header", "Card"),
            "astropy.wcs": ("WCS",)}


class Before:
    """What a process is like before the user's code is called.

    Parameters
    ----------
    apart : bool
        It is a process for this alone: what it has started may be ended.
    """

    def __init__(self, apart: bool) -> None:
        self._apart = apart
        self._folder = os.getcwd()
        self._environment = dict(os.environ)
        self._mask = os.umask(0o077)
        os.umask(self._mask)
        self._locale = locale.setlocale(locale.LC_ALL)
        self._handlers = [signal.getsignal(one) for one in _SIGNALS]
        self._blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self._limits = [resource.getrlimit(getattr(resource, name)) for name in _LIMITS]
        self._python = _python_settings()
        self._path, self._streams = list(sys.path), (sys.stdin, sys.stdout, sys.stderr)
        self._named = [_identity(number) for number in _STREAMS]
        self._copies = [copied(number) for number in _STREAMS]
        self._threads = set(threading.enumerate())
        self._children = children() if not apart else set()
        self._functions = _functions_now()

    def restore(self) -> list[str]:
        """Put everything back, and say what remains for which that cannot be done.

        Returns
        -------
        list of str
            In words; empty where the process is as it was.
        """
        found = []
        if self._put_back_streams():
            found.append("it closed or replaced a standard stream")
        os.umask(self._mask)
        if dict(os.environ) != self._environment:
            os.environ.clear()
            os.environ.update(self._environment)
            time.tzset()
        os.chdir(self._folder)
        if locale.setlocale(locale.LC_ALL) != self._locale:
            locale.setlocale(locale.LC_ALL, self._locale)
        self._put_back_signals()
        if [resource.getrlimit(getattr(resource, name)) for name in _LIMITS] != self._limits:
            found.append("it changed a limit of the process")
        self._put_back_python()
        if changed := _put_back(self._functions):
            found.append(f"it replaced {', '.join(changed[:3])}")
        if set(threading.enumerate()) - self._threads:
            found.append("it left a thread")
        if self._end_children():
            found.append("it left a process")
        return found

    def _put_back_streams(self):
        changed = False
        for number, named, copy in zip(_STREAMS, self._named, self._copies):
            if _identity(number) != named and named is not None:
                changed = True
                with suppress(OSError):
                    os.dup2(copy, number, inheritable=True)
        for name, stream, number in zip(("stdin", "stdout", "stderr"), self._streams, _STREAMS):
            if stream is not None and getattr(stream, "closed", False):
                stream = open(number, "r" if name == "stdin" else "w", closefd=False)
                changed = True
            setattr(sys, name, stream)
        self._streams = (sys.stdin, sys.stdout, sys.stderr)
        return changed

    def _put_back_signals(self):
        if threading.current_thread() is not threading.main_thread():
            return  # nobody else could have changed them
        for one, handler in zip(_SIGNALS, self._handlers):
            if signal.getsignal(one) != handler and handler is not None:
                signal.signal(one, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._blocked)
        for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
            if signal.getitimer(timer) != (0.0, 0.0):
                signal.setitimer(timer, 0)

    def _put_back_python(self):
        if _python_settings() != self._python:
            limit, collects, interval, *_ = self._python
            sys.setrecursionlimit(limit)
            (gc.enable if collects else gc.disable)()
            sys.setswitchinterval(interval)
            sys.settrace(None)
            sys.setprofile(None)
            if numpy := sys.modules.get("numpy"):
                numpy.seterr(**dict(self._python[-1]))
        if sys.path != self._path:
            sys.path[:] = self._path

    def _end_children(self):
        found = False
        for _ in range(10):  # one that ends another's children inherits them
            left = children() - self._children
            running = {pid for pid in left if not _ended(pid)}
            if not running:
                break
            found = True
            for pid in running:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            for pid in running:
                with suppress(ChildProcessError):
                    os.waitpid(pid, 0)
        return found

    def forget(self) -> None:
        """Close what was kept open to put streams back."""
        for copy in self._copies:
            with suppress(OSError):
                if copy is not None:
                    os.close(copy)


def seed(text: str) -> None:
    """Have random numbers begin in the same way for the same text."""
    import numpy.random

    random.seed(text)
    numpy.random.seed(random.getrandbits(32))


def children() -> set[int]:
    """Return the numbers of the processes that this one has started, as far as Linux tells."""
    found: set[int] = set()
    with suppress(OSError):
        for thread in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{thread}/children", "rb") as file:
                found.update(map(int, file.read().split()))
    return found


def _ended(pid):
    with suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    return False


def _identity(number):
    try:
        facts = os.fstat(number)
    except OSError:
        return None
    return facts.st_dev, facts.st_ino, facts.st_rdev


def copied(number: int) -> int | None:
    """Return a copy of a descriptor, None where it is closed."""
    try:
        return os.dup(number)
    except OSError:
        return None


def _python_settings():
    numpy: Any = sys.modules.get("numpy")
    return (sys.getrecursionlimit(), gc.isenabled(), sys.getswitchinterval(), sys.gettrace(),
            sys.getprofile(), tuple(numpy.geterr().items()) if numpy else ())


def _functions_now():
    """Return functions, classes and modules by where they are: (namespace, names, objects)."""
    return _functions(len(sys.modules))


# What was loaded since is seen by the number of modules.
@lru_cache(1)
def _functions(_):
    places: list[Any] = []
    for name, module in list(sys.modules.items()):
        if isinstance(module, ModuleType) and (
                name in _WATCHED or name.partition(".")[0] == "mr_extract"):
            places.append(module)
            places += [getattr(module, one) for one in _CLASSES.get(name, ())
                       if hasattr(module, one)]
    found = []
    for place in places:
        every = {name: one for name, one in vars(place).items() if not name.startswith("_")
                 and (callable(one) or isinstance(one, (ModuleType, property, staticmethod,
                                                        classmethod)))}
        found.append((place, list(every), list(every.values())))
    return found


def _put_back(functions):
    """Put back what was replaced, and return its names."""
    changed = []
    for place, names, objects in functions:
        if all(map(is_, map(vars(place).get, names), objects)):
            continue
        for name, one in zip(names, objects):
            if vars(place).get(name) is not one:
                setattr(place, name, one)
                if not _is_lazy(one):
                    changed.append(f"{place.__name__}.{name}")
    return changed


def _is_lazy(one):
    return isinstance(one, ModuleType)  # a stand-in makes way when it is used
