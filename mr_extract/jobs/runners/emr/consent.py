"""Nothing that costs money is started before somebody has said yes."""

from __future__ import annotations

import sys

from mr_extract.jobs.driver.gather import complain


def check_that_somebody_agrees(is_agreed: bool) -> None:
    """Raise ValueError where nobody has agreed yet and nobody can be asked."""
    if not (is_agreed or _can_ask()):
        raise ValueError("a cluster costs money from its start to its end, and nobody can be "
                         "asked here: --yes starts it")


def ask(words: str, is_agreed: bool, quiet: bool = False) -> None:
    """Say what a cluster will cost, and return when that is agreed to.

    Parameters
    ----------
    words : str
    is_agreed : bool
        It has been, whatever it costs.
    quiet : bool
        Then the words are not needed.

    Raises
    ------
    ValueError
        When the answer is no, or nobody can answer.
    """
    check_that_somebody_agrees(is_agreed)
    if not (is_agreed and quiet):
        complain(words)
    if is_agreed:
        return
    print("mr_extract: start it? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise ValueError("no cluster was started")


def _can_ask():
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
