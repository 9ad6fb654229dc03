"""What the tests share: groups that a machine may lack, a night of frames, the job."""

import functools
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from compilers import lacks_compiled, lacks_compiler, lacks_sanitizers
from hadoop_clusters import hadoop, hdfs, lacks_hadoop, new_cluster  # noqa: F401
from hidden_python import lacks_mount_namespaces
from slurm_lab import lacks_lab

from mr_extract import storage

ROOT = Path(__file__).resolve().parent.parent
LAUNCHER = ROOT / "mr_extract.py"
SHARED_DATA = Path(os.environ.get("MR_EXTRACT_DATA", ROOT.parent / "shared" / "data"))

# Tests start thousands of processes: none compiles the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# With this set a group that is left out is a failure, not a choice.
REQUIRE_ALL = os.environ.get("MR_EXTRACT_REQUIRE_ALL", "") not in ("", "0")


def _lacks_shared_data():
    return "" if SHARED_DATA.is_dir() else f"no real frames at {SHARED_DATA} (MR_EXTRACT_DATA)"


def _lacks(program):
    """Return what tells whether a program is lacking, and says so."""
    return lambda: "" if shutil.which(program) else f"the program {program} is not installed"


def _lacks_spark():
    if importlib.util.find_spec("pyspark") is None:
        return "pyspark is not installed"
    return "" if shutil.which("java") else "there is no java"


def _lacks_setpriv():
    if os.geteuid() != 0:
        return ""  # files can be made unreadable for us
    return "" if shutil.which("setpriv") else "root reads every file and setpriv is not installed"


GROUPS = {
    "batch": lacks_lab,
    "compiled": lacks_compiled,
    "compiler": lacks_compiler,
    "hdfs": lacks_hadoop,
    "hadoop": lacks_hadoop,
    "mount-namespaces": lacks_mount_namespaces,
    "shared-data": _lacks_shared_data,
    "sanitizers": lacks_sanitizers,
    "sextractor": _lacks("source-extractor"),
    "shellcheck": _lacks("shellcheck"),
    "spark": _lacks_spark,
    "stilts": _lacks("stilts"),
    "unprivileged": _lacks_setpriv,
}
SHARED, OWN, NONE = "shared Hadoop", "own Hadoop", "no Hadoop"
ORDER = (SHARED, OWN, NONE)  # the longest files come first


# Spark's Java compiles less and collects on one thread: half its CPU in jobs as small as these.
os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")


def pytest_configure(config):
    config.addinivalue_line(
        "markers", f"needs(*groups): needs parts that a machine may lack: {', '.join(GROUPS)}"
    )


def groups_of(item):
    """Return the groups that a test needs."""
    groups = {g for marker in item.iter_markers("needs") for g in marker.args}
    if "shared_data" in item.fixturenames:
        groups.add("shared-data")
    return groups | {"hdfs", "hadoop"}.intersection(item.fixturenames)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: ORDER.index(hadoop_of(item.path.name)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let one process do all that is on the shared Hadoop, and deal the other files."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            name = nodeid.partition("::")[0].rpartition("/")[2]
            return SHARED if hadoop_of(name) == SHARED else name

    config.option.loadscopereorder = False
    return Scheduling(config, log)


@functools.cache
def hadoop_of(name):
    """Tell which Hadoop a file of tests needs."""
    text = (ROOT / "tests" / name).read_text()
    if re.search(r"^def \w+\([^)]*\b(hdfs|hadoop)\b", text, re.MULTILINE):
        return SHARED
    return OWN if re.search(r"needs\(.*\b(hdfs|hadoop)\b", text) else NONE


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    for group in sorted(groups_of(item)):
        reason = GROUPS[group]()
        if reason:
            item.user_properties.append(("left out", (group, reason)))
            (pytest.fail if REQUIRE_ALL else pytest.skip)(f"group {group}: {reason}")


def pytest_terminal_summary(terminalreporter):
    reports = [report for state in ("skipped", "error", "failed")
               for report in terminalreporter.stats.get(state, ())]
    # A file that cannot be imported has a report without properties.
    left_out = Counter(tuple(value) for report in reports
                       for name, value in getattr(report, "user_properties", ())
                       if name == "left out")
    for (group, reason), tests in sorted(left_out.items()):
        terminalreporter.write_line(f"left out: group {group}, {tests} tests: {reason}")
    if not left_out:
        terminalreporter.write_line(f"left out: nothing (groups: {', '.join(GROUPS)})")


@pytest.fixture(autouse=True)
def access_as_before():
    """Leave no test's time limits to the next one."""
    before = storage.access()
    yield
    storage.configure(before)


@pytest.fixture(scope="session")
def shared_data():
    """Folder of real frames; tests that ask for it are left out where it is absent."""
    return SHARED_DATA


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


# How each job is called. What holds for one holds for all, as they share all but their work.
JOBS = {"extract": (str(LAUNCHER),), "quality": ("-m", "mr_extract.jobs.quality")}
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


@pytest.fixture(scope="session")
def night(tmp_path_factory):
    """A simulated night of six small overlapping frames: folder with manifest and truth."""
    from preprocess.simulation.simulate import simulate_night

    folder = tmp_path_factory.mktemp("night")
    simulate_night(str(folder), frames=6, seed=7, shape=(400, 500))
    return folder
