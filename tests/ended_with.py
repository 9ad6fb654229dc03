"""Nothing that tests have started outlives them: ``python ended_with.py VALUE``.

Every process that a run of tests starts has a variable in its environment that says which run.
A process of its own looks each second whether the run lives, and when it does not, however it
ended, kills all that have the variable. A later run does so for those before it, should that
process have been killed too.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

RUN = "MR_EXTRACT_TESTS"  # folder of the tests, process of the run and when it began
STARTER = "MR_EXTRACT_TESTS_OF"  # the process that has started a run, and without which it ends
_QUIET = 3  # seconds without one before all are taken to be gone


def pytest_configure(config):
    if RUN in os.environ:
        return  # a worker of the run, or pytest in a test
    for value in {told[0] for told in _started().values()}:
        if _folder(value) == str(Path(__file__).parent) and not _lives(value):
            _end(value)
    os.environ[RUN] = f"{Path(__file__).parent} {os.getpid()} {_began(os.getpid())}"
    starter = os.environ.pop(STARTER, "")
    also = f"- {starter} {_began(int(starter))}" if starter else ""
    subprocess.Popen(
        [sys.executable, __file__, os.environ[RUN], *filter(None, [also])],
        env={name: value for name, value in os.environ.items() if name != RUN},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True)


def _folder(value):
    return value.rsplit(" ", 2)[0]


def _lives(value):
    _, pid, began = value.rsplit(" ", 2)
    return _began(int(pid)) == int(began) != 0


def _began(pid):
    """Return when a process started, as the kernel counts; 0 when it is not there."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 0 if told[0] == "Z" else int(told[19])


def _started():
    """Return the processes that runs have started: pid to the run and when each began."""
    found, name = {}, f"{RUN}=".encode()
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended, or is another's
        for variable in variables:
            if variable.startswith(name) and variable.count(b" ") >= 2:
                value = os.fsdecode(variable[len(name):])
                found[int(process.name)] = value, _began(int(process.name))
    return found


def _end(value):
    """Kill the run and all that it has started, also what is born meanwhile."""
    quiet = time.monotonic()
    while time.monotonic() - quiet < _QUIET:
        pids = [pid for pid, (run, began) in _started().items()
                if run == value and began and pid != os.getpid()]
        pids += [int(value.rsplit(" ", 2)[1])] if _lives(value) else []
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
                quiet = time.monotonic()
            except ProcessLookupError:
                pass
        time.sleep(0.1)


def main(runs):
    """Wait until a run, or what has started it, is gone, and kill what is left."""
    while all(map(_lives, runs)):
        time.sleep(1)
    _end(runs[0])


if __name__ == "__main__":
    main(sys.argv[1:])
