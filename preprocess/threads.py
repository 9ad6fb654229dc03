"""Work on many items at a time, whose outcomes come in the order of the items."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

#: Items that are taken before the oldest of them is done, for each thread.
AHEAD = 8


def in_order(
    work: Callable[[Item], Outcome],
    items: Iterable[Item],
    threads: int,
    waits: Callable[[Item], bool] = lambda item: True,
) -> Iterator[Outcome]:
    """Do some work for each item, several at a time.

    Parameters
    ----------
    work : callable
        Called with an item, in a thread.
    items : iterable
        Taken as needed: memory does not grow with their number.
    threads : int
        At most so many are worked on at the same time.
    waits : callable, optional
        Tells whether the work for an item waits for a disk or a network. For others a thread
        costs more than it brings.

    Yields
    ------
    outcome
        What `work` returned, in the order of the items.
    """
    pending: deque[Callable[[], Outcome]] = deque()
    pool = ThreadPoolExecutor(threads, "preprocess")
    try:
        for item in items:
            if waits(item):
                pending.append(pool.submit(work, item).result)
            elif not pending:
                yield work(item)
                continue
            else:
                pending.append(partial(_same, work(item)))
            if len(pending) > AHEAD * threads:
                yield pending.popleft()()
        while pending:
            yield pending.popleft()()
    finally:
        pool.shutdown(cancel_futures=True)


def _same(done: Outcome) -> Outcome:
    return done
