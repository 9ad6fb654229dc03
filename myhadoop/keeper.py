"""Keep the daemons of one host: ``python keeper.py FOLDER [--alone]``.

Lines on standard input name daemons to start. When the input ends, or a signal
comes, everything that was started is killed: the daemons, and the containers of
a NodeManager that died before them. So whoever started the keeper may die in any
way and leaves nothing. With ``--alone`` the end of the input means nothing.

``FOLDER/run/daemons.json`` holds ``{name: {"command": [...], "environment": {...}}}``.
Process ids are written to ``FOLDER/run/NAME.pid``, output to ``FOLDER/logs/NAME.log``.
Standard library alone: hosts need nothing but Python.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
_libc = ctypes.CDLL(None)


class Keeper:
    """Starts daemons and ends all their descendants.

    Parameters
    ----------
    folder : str
    """

    def __init__(self, folder: str) -> None:
        self._run, self._logs = os.path.join(folder, "run"), os.path.join(folder, "logs")
        # Orphans of a daemon become children of this process, not of init.
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def start(self, name: str) -> None:
        """Start a daemon by its name in daemons.json."""
        with open(os.path.join(self._run, "daemons.json"), encoding="utf-8") as file:
            daemon = json.load(file)[name]
        with open(os.path.join(self._logs, f"{name}.log"), "ab") as log:
            process = subprocess.Popen(
                daemon["command"], env=daemon["environment"], cwd=self._logs,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0),
            )
        path = os.path.join(self._run, f"{name}.pid")
        with open(f"{path}.part", "w", encoding="utf-8") as file:
            file.write(f"{process.pid}\n")
        os.replace(f"{path}.part", path)

    def keep(self) -> None:
        """Start what lines on standard input name, until they end."""
        rest = b""
        while True:
            if select.select([0], [], [], 1.0)[0]:
                text = os.read(0, 4096)
                if not text:
                    return
                *lines, rest = (rest + text).split(b"\n")
                for line in lines:
                    self.start(line.decode())
            reap()


def reap() -> None:
    """Take note of children that ended, so that they do not stay as zombies."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def descendants() -> list[int]:
    """Return the process ids of all descendants, zombies among them."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(name))
    found, todo = [], [os.getpid()]
    while todo:
        more = children.get(todo.pop(), [])
        found += more
        todo += more
    return found


def end_all() -> None:
    """Kill every descendant; more than once, as some are born meanwhile."""
    while left := descendants():
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        reap()
        time.sleep(0.02)


def main() -> None:
    """Keep until the end; the exit status says nothing."""
    folder, alone = sys.argv[1], sys.argv[2:] == ["--alone"]
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    keeper = Keeper(folder)
    try:
        keeper.keep()
        while alone:
            time.sleep(1.0)
            reap()
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        end_all()


if __name__ == "__main__":
    main()
