"""Keep the daemons of one host: ``python keeper.py FOLDER [--alone | --scratch FOLDER]``.

Lines on standard input name daemons to start. When the input ends, or a signal
comes, everything that was started is killed: the daemons, and the containers of
a NodeManager that died before them. So whoever started the keeper may die in any
way and leaves nothing. With ``--alone`` the end of the input means nothing.

With ``--scratch`` there is a folder that is made at first and removed at the end, when the ends
of the containers' logs in it are kept, and blank lines on standard input say that there is
somebody: a minute of silence ends all as well, since a host may be lost without a word. Signals
do not; what a scheduler sends to all processes of a job comes before the job has been saved.

``FOLDER/run/daemons.json`` holds ``{name: {"command": [...], "environment": {...}}}``.
Process ids are written to ``FOLDER/run/NAME.pid``, output to ``FOLDER/logs/NAME.log``.
Standard library alone: hosts need nothing but Python.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
_libc = ctypes.CDLL(None)
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_SILENCE = 60.0  # seconds
_MOST = 1 << 20  # bytes that are kept of a daemon's log
_MOST_OF_CONTAINER = 1 << 14  # of each log of a container


class Keeper:
    """Starts daemons and ends all their descendants.

    Parameters
    ----------
    folder : str
    """

    def __init__(self, folder: str) -> None:
        self._run, self._logs = os.path.join(folder, "run"), os.path.join(folder, "logs")
        adopt_orphans()

    def start(self, name: str) -> None:
        """Start a daemon by its name in daemons.json."""
        with open(os.path.join(self._run, "daemons.json"), encoding="utf-8") as file:
            daemon = json.load(file)[name]
        with open(os.path.join(self._logs, f"{name}.log"), "ab") as log:
            process = subprocess.Popen(
                daemon["command"], env=daemon["environment"], cwd=self._logs,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=_die_with_parent,
            )
        path = os.path.join(self._run, f"{name}.pid")
        with open(f"{path}.part", "w", encoding="utf-8") as file:
            file.write(f"{process.pid}\n")
        os.replace(f"{path}.part", path)

    def keep(self, silence: float = float("inf")) -> None:
        """Start what lines on standard input name, until they end or do not come."""
        rest, heard = b"", time.monotonic()
        while time.monotonic() - heard < silence:
            if select.select([0], [], [], 1.0)[0]:
                text = os.read(0, 4096)
                if not text:
                    return
                heard = time.monotonic()
                *lines, rest = (rest + text).split(b"\n")
                for line in filter(None, lines):
                    self.start(line.decode())
            reap()

    def leave(self, scratch: str) -> None:
        """Remove a scratch folder; keep the ends of logs."""
        for entry in list(os.scandir(self._logs)):
            if entry.stat().st_size > _MOST:
                end = _end_of(entry.path, _MOST)
                with open(entry.path, "wb") as file:
                    file.write(end)
        with open(os.path.join(self._logs, "containers.log"), "ab") as kept:
            for folder, _, names in os.walk(os.path.join(scratch, "userlogs")):
                for name in sorted({"stderr", "syslog"}.intersection(names)):
                    if end := _end_of(os.path.join(folder, name), _MOST_OF_CONTAINER):
                        title = f"==> {os.path.basename(folder)} {name} <==\n"
                        kept.write(title.encode() + end.rstrip() + b"\n")
        shutil.rmtree(scratch, ignore_errors=True)


def adopt_orphans() -> None:
    """Have orphans of a child become children of this process, not of init."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def _end_of(path, most):
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - most))
        return file.read()


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
    folder, *options = sys.argv[1:]
    alone, scratch = options == ["--alone"], options[1] if options[:1] == ["--scratch"] else None
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN if scratch
                      else lambda number, _: sys.exit(128 + number))
    keeper = Keeper(folder)
    try:
        if scratch:
            os.makedirs(os.path.join(scratch, "tmp"), 0o700, exist_ok=True)
            os.chmod(scratch, 0o700)
            with open(os.path.join(folder, "run", "scratch"), "w", encoding="utf-8"):
                pass  # it is there
        keeper.keep(_SILENCE if scratch else float("inf"))
        while alone:
            time.sleep(1.0)
            reap()
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        end_all()
        if scratch:
            keeper.leave(scratch)


if __name__ == "__main__":
    main()
