"""What is left of tests that are killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import ended_with
import pytest

pytestmark = pytest.mark.timeout(300)
HANGS = """\
import os, subprocess, sys, time

def test_that_hangs():
    one = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    print(one.pid, os.getpid(), file=open(os.environ["SAYS"], "w"), flush=True)
    time.sleep(1000)
"""


def wait_until(true, timeout=60):
    end = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def words_of(path):
    return path.read_text().split() if path.exists() else []


@pytest.mark.parametrize("killed", ["the run", "what has started it"])
def test_a_run_that_is_killed_leaves_nothing(tmp_path, killed):
    (tmp_path / "test_hangs.py").write_text(HANGS)
    says = tmp_path / "says"
    pytest_words = (f"{sys.executable} -m pytest -p no:cacheprovider -p ended_with -c /dev/null "
                    f"-q -n 1 {tmp_path}/test_hangs.py")
    # As `make` starts it.
    starter = subprocess.Popen(
        [sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])", "sh", "-c",
         f"{ended_with.STARTER}=$PPID exec {pytest_words}"],
        env={**{k: v for k, v in os.environ.items() if k != ended_with.RUN}, "SAYS": str(says),
             "PYTHONPATH": str(Path(__file__).parent), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "",
             "PYTEST_ADDOPTS": ""},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: len(words_of(says)) == 2, 120)
        sleep, worker = map(int, words_of(says))
        run = int(ended_with._started()[sleep][0].split()[-2])
        assert len({sleep, worker, run, starter.pid}) == 4
        os.kill(run if killed == "the run" else starter.pid, signal.SIGKILL)
        wait_until(lambda: not any(map(ended_with._began, (sleep, worker, run))))
    finally:
        starter.kill()
        starter.wait()


def test_the_next_run_ends_what_is_left_of_its_own(tmp_path):
    ours, gone = str(Path(ended_with.__file__).parent), "4194305 1"  # no process has that number
    left = [subprocess.Popen(["sleep", "1000"], env={ended_with.RUN: value})
            for value in (f"{ours} {gone}", f"{ours} {os.getpid()} "
                          f"{ended_with._began(os.getpid())}", f"/elsewhere {gone}")]
    environment = {k: v for k, v in os.environ.items() if k != ended_with.RUN}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "ended_with", "-c",
             os.devnull, tmp_path], capture_output=True,
            env={**environment, "PYTHONPATH": ours})
        assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stderr
        assert [one.poll() for one in left] == [-signal.SIGKILL, None, None]
    finally:
        for one in left:
            one.kill()
            one.wait()
