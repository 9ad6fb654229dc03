"""What goes wrong on the way and may go better the next time."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from mr_extract.failures import ImageFailure

T = TypeVar("T")
FIRST_WAIT = 0.2  # seconds
LONGEST_WAIT = 20.0


class Passing(Exception):
    """A fetch failed for a reason that may pass.

    Parameters
    ----------
    kind : str
        Of `mr_extract.failures.KINDS`: what it is called if it does not pass.
    message : str
        One line, without the URI.
    retry_after : float, optional
        Seconds that the server asks to be left alone.
    progress : float, optional
        Seconds in which bytes came that need not come again.
    """

    def __init__(
        self, kind: str, message: str, retry_after: float | None = None, progress: float = 0.0
    ) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message
        self.retry_after, self.progress = retry_after, progress


def retried(
    attempt: Callable[[], T],
    budget: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    jitter: Callable[[], float] = random.random,
) -> T:
    """Call a function until it does not raise `Passing`, or the budget is used up.

    Waits double from `FIRST_WAIT` to `LONGEST_WAIT` and are shortened by chance to as
    little as half (so that a thousand tasks that were refused together do not come back
    together); a server that names a time is left alone for at least so long.

    Parameters
    ----------
    attempt : callable
        Without arguments.
    budget : float
        Seconds from the first call to the last, those of progress apart; a wait that would
        go beyond is not begun.

    Returns
    -------
    object
        What `attempt` returns.

    Raises
    ------
    ImageFailure
        Of the kind of the last failure; the message says how often it was tried.
    """
    began, calls, wait = clock(), 0, FIRST_WAIT
    while True:
        try:
            return attempt()
        except Passing as failure:
            calls += 1
            began += failure.progress
            pause = max(wait * (1 + jitter()) / 2, failure.retry_after or 0.0)
            if clock() - began + pause > budget:
                tried = "once" if calls == 1 else f"{calls} times"
                raise ImageFailure(failure.kind, f"{failure.message} (tried {tried})") from failure
            sleep(pause)
            wait = min(2 * wait, LONGEST_WAIT)
