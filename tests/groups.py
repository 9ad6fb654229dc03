"""Groups of tests that need what a machine may lack, and why it lacks it."""

import importlib.util
import os
import platform
import shutil
from collections import Counter
from pathlib import Path

import pytest
from compilers import lacks_compiled, lacks_compiler, lacks_sanitizers
from hadoop_clusters import lacks_hadoop
from hidden_python import lacks_mount_namespaces

from bench.clusters.kerberos_lab import lacks_kerberos
from bench.clusters.slurm_lab import lacks_lab

SHARED_DATA = Path(os.environ.get(
    "MR_EXTRACT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))

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


def _lacks_lsdb():
    lacking = [name for name in ("hats_import", "lsdb") if importlib.util.find_spec(name) is None]
    return f"not installed: {', '.join(lacking)}" if lacking else ""


def _lacks_setpriv():
    if os.geteuid() != 0:
        return ""  # files can be made unreadable for us
    return "" if shutil.which("setpriv") else "root reads every file and setpriv is not installed"


def numpy_features():
    """Return what numpy uses of this processor that others may not have."""
    from numpy._core import _multiarray_umath as core

    return [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]


def _lacks_processor():
    return "" if numpy_features() else "numpy uses nothing here that another processor may lack"


def _lacks_glibc():
    return "" if platform.libc_ver()[0] == "glibc" else "the C library is another one"


GROUPS = {
    "batch": lacks_lab,
    "compiled": lacks_compiled,
    "compiler": lacks_compiler,
    "glibc": _lacks_glibc,
    "hdfs": lacks_hadoop,
    "hadoop": lacks_hadoop,
    "kerberos": lacks_kerberos,
    "lsdb": _lacks_lsdb,
    "mount-namespaces": lacks_mount_namespaces,
    "processor": _lacks_processor,
    "psfex": _lacks("psfex"),
    "scamp": _lacks("scamp"),
    "shared-data": _lacks_shared_data,
    "sanitizers": lacks_sanitizers,
    "sextractor": _lacks("source-extractor"),
    "shellcheck": _lacks("shellcheck"),
    "spark": _lacks_spark,
    "stilts": _lacks("stilts"),
    "unprivileged": _lacks_setpriv,
}
#: Of these, engines of many processes that wait for each other.
ENGINES = {"batch", "hdfs", "hadoop", "spark"}


def groups_of(item):
    """Return the groups that a test needs."""
    groups = {g for marker in item.iter_markers("needs") for g in marker.args}
    if "shared_data" in item.fixturenames:
        groups.add("shared-data")
    return groups | {"hdfs", "hadoop"}.intersection(item.fixturenames)


@pytest.fixture(scope="session")
def shared_data():
    """Folder of real frames; tests that ask for it are left out where it is absent."""
    return SHARED_DATA


def pytest_configure(config):
    config.addinivalue_line(
        "markers", f"needs(*groups): needs parts that a machine may lack: {', '.join(GROUPS)}"
    )


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
