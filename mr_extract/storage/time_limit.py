"""Calls into libraries that may wait for ever."""

import os
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_idle: list["_Worker"] = []


def within(seconds: float, call: Callable[..., T], *args: object) -> T:
    """Call a function and wait for it, but not longer than told.

    Parameters
    ----------
    seconds : float
    call : callable
        Called in another thread. A call that is given up goes on there, its outcome unseen.
    *args
        For `call`.

    Returns
    -------
    object
        What `call` returns.

    Raises
    ------
    TimeoutError
        When the time is over; and whatever `call` raises.
    """
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
    worker.calls.put((call, args))
    try:
        value, error = worker.outcomes.get(timeout=seconds)
    except BaseException as stopped:
        worker.calls.put(None)  # it ends when the call does
        if isinstance(stopped, queue.Empty):
            raise TimeoutError from None
        raise
    _idle.append(worker)
    if error is None:
        return value
    try:
        raise error
    finally:
        del error  # or it would hold this frame, and the frame it


class _Worker:
    """A thread that makes one call after the other, and does not keep the process alive."""

    def __init__(self):
        self.calls, self.outcomes = queue.SimpleQueue(), queue.SimpleQueue()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while (task := self.calls.get()) is not None:
            call, args = task
            try:
                outcome = call(*args), None
            except BaseException as error:  # it is raised where the caller waits
                outcome = None, error
            self.outcomes.put(outcome)
            del task, call, args, outcome  # a result may be large, and the next call far


os.register_at_fork(after_in_child=_idle.clear)
