"""What the tests share: a night of frames, the job, how it is called."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hadoop_clusters import hadoop, hdfs, new_cluster  # noqa: F401

from bench.clusters import spark_java
from mr_extract import storage

ROOT = Path(__file__).resolve().parent.parent
LAUNCHER = ROOT / "mr_extract.py"
pytest_plugins = ("ended_with", "groups", "scheduling")

# Tests start thousands of processes: none compiles the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Spark's Java as small jobs like it: half its CPU in those of tests.
for _name, _value in spark_java.environment().items():
    os.environ.setdefault(_name, _value)


@pytest.fixture(autouse=True)
def access_as_before():
    """Leave no test's time limits to the next one."""
    before = storage.access()
    yield
    storage.configure(before)


@dataclass
class Run:
    """What a command did."""

    status: int
    out: bytes
    err: str

    @property
    def lines(self):
        return self.out.decode().splitlines()

    @property
    def body(self):
        """The lines behind the driver's header."""
        return self.out.split(b"\n", 3)[3] if self.out.count(b"\n") >= 3 else b""

    def accounts(self):
        """Map image id to failure kind, '' for a measured image."""
        found = {}
        for line in self.lines:
            cells = line.split("\t")
            if cells[0] in ("#image", "#error"):
                assert cells[1] not in found, f"{cells[1]} is accounted for twice"
                found[cells[1]] = cells[2] if cells[0] == "#error" else ""
        return found


def command(args, stdin=b"", cwd=None, env=None, timeout=240):
    """Run a command and return what it did."""
    environment = {**os.environ, **(env or {})}
    done = subprocess.run(
        [a if isinstance(a, bytes) else str(a) for a in args], input=stdin, cwd=cwd,
        env=environment, capture_output=True, timeout=timeout,
    )
    return Run(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


# Catalogued sources in the frames of `night` and the images of bad_images.py.
SOURCES = ROOT / "tests" / "photometry_sources.csv"

# How each job is called. What holds for one holds for all, as they share all but their work.
JOBS = {
    "extract": (str(LAUNCHER),),
    "quality": ("-m", "mr_extract.jobs.quality"),
    "photometry": ("-m", "mr_extract.jobs.photometry", "--sources", str(SOURCES), "--radius",
                   "0.05", "--annulus", "0.08,0.14"),
}
# Jobs that have nothing to say of a night's frames by themselves; their own tests try the runners.
OF_OTHER_IMAGES = {"apply", "spectra"}
# For what is the skeleton's alone, whichever the job: two of them, as processes are dear.
two_jobs = pytest.mark.parametrize("each_job", ["extract", "quality"], indirect=True)
_chosen = ["extract"]


def program():
    """Return the words that start the job under test with this Python."""
    return [sys.executable, *JOBS[_chosen[-1]]]


def job(*args, **keywords):
    """Run the job under test: the launcher, where `each_job` is not asked for."""
    return _with_this_package([*program(), *args], **keywords)


def module(name, *args, **keywords):
    """Run a module of the package as a program."""
    return _with_this_package([sys.executable, "-m", f"mr_extract.{name}", *args], **keywords)


def _with_this_package(words, env=None, **keywords):
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return command(words, env={"PYTHONPATH": path, **(env or {})}, **keywords)


@pytest.fixture(scope="module", params=list(JOBS))
def each_job(request):
    """Have the tests of a module run over every job; fixtures that run one must ask for it."""
    _chosen.append(request.param)
    yield request.param
    _chosen.pop()


@pytest.fixture(autouse=True)
def main_job_unless_asked_for(request):
    """Run the main job where a test does not ask for each, though its neighbours may."""
    if "each_job" in request.fixturenames:
        yield
        return
    _chosen.append("extract")
    yield
    _chosen.pop()


def repeated(night, times, path):
    """Write a manifest that names each frame of a night several times, and return its path."""
    lines = [line.split("\t")[0] for line in (night / "manifest.txt").read_text().splitlines()
             if not line.startswith("#")]
    path.write_text("".join(f"{line}\tid=image-{k:03d}-{n}\n"
                            for k in range(times) for n, line in enumerate(lines)))
    return path


@pytest.fixture(scope="session")
def hundred(tmp_path_factory):
    """The manifest of a hundred simulated images, of few pixels."""
    from preprocess.simulation.simulate import simulate_night

    folder = tmp_path_factory.mktemp("hundred")
    simulate_night(str(folder), frames=100, seed=11, shape=(90, 120))
    return folder / "manifest.txt"


@pytest.fixture(scope="session")
def night(tmp_path_factory):
    """A simulated night of six small overlapping frames: folder with manifest and truth."""
    from preprocess.simulation.simulate import simulate_night

    folder = tmp_path_factory.mktemp("night")
    simulate_night(str(folder), frames=6, seed=7, shape=(400, 500))
    return folder
