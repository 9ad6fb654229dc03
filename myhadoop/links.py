"""A keeper of daemons that was started, held by its standard input."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from myhadoop import keeper

_STARTS_WITHIN = 30.0  # seconds, of a daemon's process; a file system shared over a network is slow


class Link:
    """One keeper. When this process ends, in whatever way, the keeper ends all it has started.

    Parameters
    ----------
    folder : path
        The keeper's: orders in ``run``, logs in ``logs``.
    *options : str
        Of the keeper.
    reach : callable, optional
        Makes of a command one that runs it on the keeper's host; by default it is this one.
    """

    def __init__(self, folder: str | Path, *options: str,
                 reach: Callable[[list[str]], list[str]] = list) -> None:
        self.folder = Path(folder)
        for name in ("run", "logs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        command = [sys.executable, keeper.__file__, str(self.folder), *options]
        with open(self.folder / "logs" / "keeper.log", "ab") as log:
            self._process = subprocess.Popen(
                reach(command), stdin=subprocess.PIPE, stdout=log, stderr=log,
                # What ends a job's processes must not take the line before it is let go.
                start_new_session=True, preexec_fn=_deaf if reach is not list else None)
        assert self._process.stdin is not None
        self._line = self._process.stdin
        (self.folder / "run" / "keeper.pid").write_text(f"{self._process.pid}\n")

    def lives(self) -> bool:
        """Tell whether the keeper is there."""
        return self._process.poll() is None

    def say(self, words: str) -> None:
        """Write a line to the keeper; one that is gone hears nothing."""
        try:
            self._line.write(f"{words}\n".encode())
            self._line.flush()
        except (BrokenPipeError, ValueError):
            pass

    def begin(self, name: str) -> None:
        """Start a daemon by its name in ``run/daemons.json``.

        Raises
        ------
        RuntimeError
            When the keeper cannot; with the end of its log.
        """
        pid_file = self.folder / "run" / f"{name}.pid"
        pid_file.unlink(missing_ok=True)
        self.say(name)
        end = time.monotonic() + _STARTS_WITHIN
        while not pid_file.exists():
            if not self.lives() or time.monotonic() > end:
                raise RuntimeError(f"nothing can be started:\n{last_words(self.folder, 'keeper')}")
            time.sleep(0.01)

    def let_go(self) -> None:
        """Let the keeper end all, and do not wait."""
        try:
            self._line.close()
        except BrokenPipeError:
            pass

    def end(self, within: float | None = None) -> bool:
        """Let go of the keeper and wait until it has ended all; False when it does not in time."""
        self.let_go()
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return False
        return True

    def terminate(self) -> None:
        """End a keeper that was told to stay alone."""
        self._process.terminate()
        self.end()


def last_words(folder: str | Path, name: str, lines: int = 15) -> str:
    """Return the end of a log in the folder of a keeper."""
    text = (Path(folder) / "logs" / f"{name}.log").read_text(errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def _deaf():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
