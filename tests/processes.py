"""Find and kill the processes of a running job."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from conftest import ROOT, program


def start_job(*args, module=None, cwd=None, env=None):
    """Start the job under test, with further variables of the environment; return its Popen.

    A module of the package is another job.
    """
    words = [sys.executable, "-m", f"mr_extract.{module}"] if module else program()
    return subprocess.Popen(
        [*words, *map(str, args)], cwd=cwd, env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # Where the tests run in the background, Ctrl-C is ignored, and so inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def descendants(pid):
    """Return {pid: command line} of all living descendants."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if stat[0] != "Z":
            parents[int(folder.name)] = int(stat[1]), b" ".join(words).decode(errors="replace")
    found, todo = {}, [pid]
    while todo:
        parent = todo.pop()
        for child, (its_parent, words) in parents.items():
            if its_parent == parent:
                found[child] = words
                todo.append(child)
    return found


def environment_of(pid):
    """Return the variables of a process as bytes, none when it has ended."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def wait_for(process, text, variable=b"", timeout=120):
    """Return the pid of a descendant whose command line, and environment, hold texts."""
    end = time.monotonic() + timeout
    while time.monotonic() < end and process.poll() is None:
        for pid, words in descendants(process.pid).items():
            if text in words and variable in environment_of(pid):
                return pid
        time.sleep(0.005)
    return None


def kill(pid, with_signal=signal.SIGKILL):
    """Send a signal; a process that is gone already is none of our business."""
    try:
        os.kill(pid, with_signal)
        return True
    except ProcessLookupError:
        return False


def finish(process, timeout=240):
    """Wait for a job and return (status, stdout, stderr)."""
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err.decode()


_PEAK = """
import sys
from preprocess.__main__ import main
status = main(sys.argv[1:])
# Not getrusage: it counts what the process was before it became this program.
print(next(l.split()[1] for l in open("/proc/self/status") if l.startswith("VmHWM:")))
sys.exit(status)
"""


def peak_of(*arguments):
    """Run a sub-command of preprocess and return the most memory it held, in MB."""
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1]) / 1024
