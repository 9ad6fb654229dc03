"""Run a process and see what it and its children took."""

import os
import resource
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent
LAUNCHER = ROOT / "mr_extract.py"


@dataclass
class Cost:
    """What a run took: CPU (user and system) and wall seconds.

    `foreign` is the share of the machine's processors that others used meanwhile.
    """

    cpu: float
    wall: float
    foreign: float = 0.0

    def __sub__(self, other):
        return Cost(self.cpu - other.cpu, self.wall - other.wall)


def python(*arguments):
    """Return the command that runs this Python."""
    return [sys.executable, *map(str, arguments)]


def module(name, *arguments):
    """Return the command that runs a module of the repository."""
    return python("-m", name, *arguments)


def job(*arguments):
    """Return the command that runs the job through its launcher."""
    return python(LAUNCHER, *arguments)


def environment():
    """Return the environment of all contenders.

    Modules are found from any folder, and numpy starts no idle threads, which
    the job sees to and the loop would pay for. Bytecode is kept, as `pip install`
    and `make env` leave it: to compile all anew takes longer than numpy does to load.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}


def run(*commands, stdin=None):
    """Run commands at once, wait for all, and return what they took together.

    Parameters
    ----------
    *commands : list of str
    stdin : path, optional
        What each of them reads.

    Raises
    ------
    RuntimeError
        When one of them fails; with what it said.
    """
    with open(stdin or os.devnull, "rb") as source, open(os.devnull, "wb") as nowhere:
        before, busy, began = _children(), _busy(), perf_counter()
        processes = [
            subprocess.Popen(command, stdin=source, stdout=nowhere, stderr=subprocess.PIPE,
                             env=environment(), cwd=ROOT)
            for command in commands
        ]
        # A pipe that nobody reads would stop a process that complains at length.
        said = [process.communicate()[1] for process in processes]
        wall, cpu = perf_counter() - began, _children() - before
        foreign = (_busy() - busy - cpu) / wall / os.cpu_count()
    for process, command, words in zip(processes, commands, said):
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n"
                               f"{words.decode(errors='replace')[-2000:]}")
    return Cost(cpu, wall, max(0.0, foreign))


def _children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _busy():
    """Return the seconds that all processors have worked, or were kept from us."""
    try:
        with open("/proc/stat") as file:
            ticks = list(map(int, file.readline().split()[1:9]))
    except OSError:
        return 0.0
    idle = ticks[3] + ticks[4]
    return (sum(ticks) - idle) / os.sysconf("SC_CLK_TCK")


class Peaks:
    """The most memory that each process of a command held, in bytes, and its CPU seconds.

    Parameters
    ----------
    command : list of str
    stdin : path, optional
    anonymous : bool
        Count what is no page of a file; as it was at one of many looks.
    """

    def __init__(self, command, stdin=None, anonymous=False):
        self._peaks, self._over = {}, threading.Event()
        self._counted = "RssAnon:" if anonymous else "VmHWM:"
        before = _children()
        with open(stdin or os.devnull, "rb") as source:
            self._process = subprocess.Popen(
                command, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=environment(), cwd=ROOT,
            )
        watch = threading.Thread(target=self._watch)
        watch.start()
        status = self._process.wait()
        self._over.set()
        watch.join()
        self.cpu = _children() - before
        if status:
            raise RuntimeError(f"{' '.join(command)} ended with {status}")

    @property
    def sizes(self):
        """Peaks of the processes, the command's own first, then as they began."""
        return [self._peaks[pid] for pid in sorted(self._peaks)]

    def _watch(self):
        # The kernel keeps the maximum: a look now and then misses only what
        # comes in the last moment of a process.
        while not self._over.wait(0.004):
            for pid in _family(self._process.pid):
                peak = _memory(pid, self._counted)
                if peak:
                    self._peaks[pid] = max(peak, self._peaks.get(pid, 0))


def _family(pid):
    found = [pid]
    for one in found:
        try:
            for thread in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{thread}/children") as file:
                    found += map(int, file.read().split())
        except OSError:
            continue  # it has ended
    return found


def _memory(pid, counted):
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith(counted):
                    return 1024 * int(line.split()[1])
    except OSError:
        pass  # it has ended
    return 0
