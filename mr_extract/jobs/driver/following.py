"""How far a job is that runs elsewhere, told to a person who waits."""

import sys
import threading
from time import monotonic
from typing import Self

from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.driver.progress import Bar

_LOOK, _SAY = 3.0, 30.0  # seconds


class Follower:
    """Tell how many images are done while a job runs: a bar on a terminal, else a line at times.

    Parameters
    ----------
    images : int
        Images to be done.
    rows : str
        What is counted besides.
    quiet : bool
        Follow the job and tell nothing.
    """

    def __init__(self, images: int, rows: str = "sources", quiet: bool = False) -> None:
        self.images, self._rows, self._quiet = images, rows, quiet
        self._last, self._said_at = "", monotonic()
        self._bar: Bar | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._bar:
            self._bar.close()

    def far(self) -> tuple[int, int, int, str]:
        """Return images done, those of them that failed, rows, and in words how far tasks are."""
        raise NotImplementedError

    def _follow(self):
        while not self._over.wait(_LOOK):
            on_terminal = sys.stderr.isatty() and not self._quiet
            if not on_terminal and monotonic() - self._said_at < _SAY:
                continue
            done, failed, rows, words = self.far()
            if on_terminal:
                self._bar = self._bar or Bar(self.images, self._rows, sys.stderr)
                self._bar.show(done, rows, failed, words)
                continue
            counts = (f"{done} of {self.images} images, {rows} {self._rows}, {failed} failed"
                      if done else "")
            text = "; ".join(filter(None, (counts, words)))
            if text and text != self._last:
                self._last, self._said_at = text, monotonic()
                self._say(text)

    def _say(self, text):
        if self._quiet:
            return
        if self._bar:
            self._bar.clear()
        complain(text)
