"""The compiled kernels' groups of tests: what they need of this machine."""

import shutil
import subprocess
from pathlib import Path

from mr_extract.compiled import kernels

COMPILER = shutil.which("gcc") or shutil.which("cc")


def sanitizer():
    """Return the library of the compiler's address sanitizer, empty where it has none."""
    if COMPILER is None:
        return ""
    told = subprocess.run([COMPILER, "-print-file-name=libasan.so"], capture_output=True,
                          text=True).stdout.strip()
    return told if Path(told).is_absolute() else ""


def lacks_compiled():
    return "no compiled kernels (pip install -e .)" if kernels is None else ""


def lacks_compiler():
    return "" if COMPILER else "no C compiler"


def lacks_sanitizers():
    return lacks_compiler() or ("" if sanitizer() else "the compiler has no sanitizers")
