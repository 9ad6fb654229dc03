"""The interpreter that runs, and its standard library, as files of an archive."""

import os
import platform
import runpy
import subprocess
import sys
import sysconfig
from pathlib import Path

PYTHON = "bin/python"

#: Folders of the standard library that no job needs.
_LEFT_OUT = {"__pycache__", "dist-packages", "ensurepip", "idlelib", "lib2to3", "site-packages",
             "test", "tests", "tkinter", "turtledemo", "venv"}
#: Modules for terminals and windows, and what would bring libraries that nothing here uses.
_LEFT_OUT_MODULES = {"_curses", "_curses_panel", "_dbm", "_gdbm", "_tkinter", "nis", "ossaudiodev",
                     "readline"}
_OF_ONE_MACHINE = {"sitecustomize.py", "usercustomize.py", "EXTERNALLY-MANAGED"}
_SYSCONFIG = "_sysconfigdata_"
_PLACES_KEPT = {"TZPATH"}


def identity() -> dict[str, str]:
    """Return what tells this interpreter from others, and works on which machines.

    Raises
    ------
    ValueError
        Where an archive cannot be made.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        raise ValueError("an archive of the environment can be made on Linux with glibc alone")
    return {"python": sys.version, "machine": platform.machine()}


def executable() -> Path:
    """Return the path of the interpreter itself, outside of any virtual environment."""
    base = sys._base_executable  # type: ignore[attr-defined]  # typeshed does not know it
    return Path(os.path.realpath(base))


def standard_library() -> tuple[Path, str]:
    """Return the folder of the standard library, and its name below the prefix."""
    folder = Path(sysconfig.get_path("stdlib"))
    return folder, os.path.relpath(folder, sys.base_prefix)


def interpreter_files() -> dict[str, Path]:
    """Return the files of the interpreter by their names in an archive.

    Returns
    -------
    dict of str to Path
    """
    folder, name = standard_library()
    files = {PYTHON: executable()}
    for root, folders, names in os.walk(folder):
        folders[:] = [one for one in folders if one not in _LEFT_OUT
                      and not one.startswith("config-")]
        below = os.path.relpath(root, folder)
        for one in names:
            if one not in _OF_ONE_MACHINE and not _is_left_out(one):
                files[os.path.normpath(f"{name}/{below}/{one}")] = Path(root, one)
    return files


def is_build_record(name: str) -> bool:
    """Tell whether a file of the archive says how the interpreter was built."""
    return os.path.basename(name).startswith(_SYSCONFIG)


def without_places(path: str | os.PathLike) -> bytes:
    """Return a record of the interpreter's build without the places of that machine.

    Parameters
    ----------
    path : path
        Of a module ``_sysconfigdata_...``.

    Returns
    -------
    bytes
    """
    values = runpy.run_path(str(path))["build_time_vars"]
    kept = {name: value for name, value in sorted(values.items())
            if name in _PLACES_KEPT or "/" not in str(value)}
    return f"build_time_vars = {kept!r}\n".encode()


def site_packages() -> str:
    """Return the folder, below its prefix, where the interpreter looks for packages.

    Distributions of Linux have names of their own for it.
    """
    done = subprocess.run(
        [executable(), "-I", "-S", "-c",
         "import site, sys; sys.stdout.write(site.getsitepackages(['/prefix'])[-1])"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return done.stdout.removeprefix("/prefix/")


def _is_left_out(name):
    if not name.endswith((".so", ".pyc")):
        return False
    module = name.partition(".")[0]
    return (name.endswith(".pyc") or module in _LEFT_OUT_MODULES
            or module.startswith(("_test", "_xx", "xx")))
