"""Progress on a terminal, read from what the tasks report to standard error."""

import glob
import os
import re
import threading
from typing import Self, TextIO

_REPORT = re.compile(rb"reporter:counter:([^,\n]*),([^,\n]*),(\d+)\n")


class Bar:
    """Images done, sources, speed and time left, on one line.

    Parameters
    ----------
    total : int
        Images to be done.
    rows : str
        What is counted besides.
    file : text file
        The terminal.
    """

    def __init__(self, total: int, rows: str, file: TextIO) -> None:
        from tqdm import tqdm

        self._total, self._rows = total, rows
        # Some terminals do not know their size; tqdm then writes nothing.
        width, height = os.get_terminal_size(file.fileno())
        self._bar = tqdm(total=total, unit="image", file=file, smoothing=0.1,
                         ncols=width or 100, nrows=height or 24)

    def show(self, done: int, rows: int, failed: int, more: str = "") -> None:
        """Show counts, and a text behind them."""
        words = [f"{rows} {self._rows}", f"{failed} failed" if failed else "", more]
        self._bar.set_postfix_str(", ".join(filter(None, words)))
        self._bar.update(min(done, self._total) - self._bar.n)

    def clear(self) -> None:
        """Make room for a line of text."""
        self._bar.clear()

    def close(self) -> None:
        """Leave the last state on the terminal."""
        self._bar.close()


class Progress:
    """Show images done, sources, speed and time left while tasks run.

    Parameters
    ----------
    directory : str
        Where the runner keeps the standard error of its tasks.
    total : int
        Images to be done.
    rows : str
        What is counted besides.
    file : text file
        The terminal.
    interval : float
        Seconds between two looks.
    """

    def __init__(self, directory: str, total: int, rows: str, file: TextIO,
                 interval: float = 0.3) -> None:
        self._pattern = os.path.join(glob.escape(directory), "step", "*", "mapper", "*", "stderr")
        self._total, self._rows, self._file, self._interval = total, rows, file, interval
        self._read: dict[str, int] = {}
        self._done, self._measured, self._failed = 0, 0, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._bar = Bar(self._total, self._rows, self._file)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()
        self._bar.close()

    def _watch(self):
        while not self._over.wait(self._interval):
            self._look()

    def _look(self):
        for path in glob.glob(self._pattern):
            try:
                with open(path, "rb") as file:
                    file.seek(self._read.get(path, 0))
                    text = file.read()
            except FileNotFoundError:
                continue  # a task that was run again
            text = text[: text.rfind(b"\n") + 1]
            self._read[path] = self._read.get(path, 0) + len(text)
            for group, counter, amount in _REPORT.findall(text):
                self._count(group, counter, int(amount))
        self._bar.show(self._done, self._measured, self._failed)

    def _count(self, group, counter, amount):
        if group == b"images":
            self._done += amount
            if counter == b"failed":
                self._failed += amount
        elif (group, counter) == (b"rows", b"measured"):
            self._measured += amount
