"""On what a table was made: the commit, the machine, Python and the packages that count."""

import functools
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.processes import ROOT
from bench.sextractor import PROGRAM

PACKAGES = ("numpy", "sep", "astropy", "mrjob")


@functools.cache
def where():
    """Return the line that stands above each table.

    It is found once: a tree that changes while a table is made is not the one that made it.
    """
    parts = [f"commit {commit()}", f"{os.cpu_count()} cores ({processor()})",
             f"{memory()} of memory", f"Python {platform.python_version()}",
             *(f"{name} {_version(name)}" for name in PACKAGES)]
    if PROGRAM:
        parts.append(sextractor(PROGRAM))
    return ", ".join(parts)


def commit(root=ROOT):
    """Return the commit of a checkout, with ``-dirty`` when files differ from it."""
    try:
        done = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=10"], cwd=root,
                              capture_output=True, text=True)
    except OSError:
        return "unknown (no git)"
    return done.stdout.strip() if done.returncode == 0 else "unknown (no checkout)"


def processor():
    """Return the model of the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # no Linux
    return platform.machine()


def memory():
    """Return the memory of the machine as text."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return "an unknown amount"
    return f"{size / 2**30:.1f} GiB"


def sextractor(program):
    """Return the version of SExtractor as it says it."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True)
    words = (done.stdout or done.stderr).split()
    return f"SExtractor {words[words.index('version') + 1]}" if "version" in words else "SExtractor"


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
