"""What a task counts, told a few times a second: small images are many."""

from collections import Counter
from collections.abc import Callable
from time import monotonic

_PAUSE = 0.5  # seconds; who looks at progress does so about as often


class Counts:
    """Counters of a task, summed until they are told.

    Parameters
    ----------
    tell : callable
        Takes group, name and amount.
    """

    def __init__(self, tell: Callable[[str, str, int], object]) -> None:
        self._tell, self._told = tell, float("-inf")
        self._sums: Counter[tuple[str, str]] = Counter()

    def add(self, group: str, name: str, amount: int = 1) -> None:
        """Count something."""
        self._sums[group, name] += amount

    def tell_now_and_then(self) -> None:
        """Tell what has come, unless some was told just before."""
        if monotonic() - self._told >= _PAUSE:
            self.tell()

    def tell(self) -> None:
        """Tell what has come since."""
        self._told = monotonic()
        for (group, name), amount in self._sums.items():
            self._tell(group, name, amount)
        self._sums.clear()
