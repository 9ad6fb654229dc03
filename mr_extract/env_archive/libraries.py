"""The system's libraries that programs need, found as the dynamic linker finds them."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from mr_extract.env_archive.elf import read_linked

#: Parts of glibc, which fit the kernel and the loader of a machine and stay there.
_GLIBC = re.compile(r"(ld-linux.*|linux-vdso|lib(c|m|mvec|pthread|dl|rt|util|resolv|anl|"
                    r"BrokenLocale|thread_db|nss_\w+))\.so.*")
_DEFAULT = ("/lib64", "/usr/lib64", "/lib", "/usr/lib")
_VERSION = re.compile(rb"GLIBC_(\d+)\.(\d+)")


def is_of_glibc(name: str) -> bool:
    """Tell whether a library, by its file name, is part of glibc."""
    return bool(_GLIBC.fullmatch(name))


def needed_libraries(files: Iterable[str | os.PathLike]) -> dict[str, Path]:
    """Return the libraries that files need and do not hold themselves, and those of these.

    Parameters
    ----------
    files : iterable of path
        Programs, extension modules and libraries.

    Returns
    -------
    dict of str to Path
        By the name under which they are needed; without glibc. What cannot be found here
        is left out: it does not work here either.
    """
    own = {os.path.realpath(path) for path in files}
    todo, found = sorted(own), {}
    while todo:
        path = todo.pop()
        linked = read_linked(path)
        for name in linked.needed if linked else ():
            place = None if is_of_glibc(name) or name in found else _found(name, path, linked)
            if place and place not in own:
                found[name] = Path(place)
                todo.append(place)
    return found


def newest_glibc(contents: Iterable[bytes]) -> str:
    """Return the version of glibc that ELF files ask for, as ``2.34``; empty for none.

    Parameters
    ----------
    contents : iterable of bytes
    """
    asked = {(int(a), int(b)) for content in contents for a, b in _VERSION.findall(content)}
    return ".".join(map(str, max(asked))) if asked else ""


def _found(name, path, linked):
    """Return the real path of a library that a file needs, or None."""
    if "/" in name:
        return None
    origin = os.path.dirname(path)
    ours = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    folders = [re.sub(r"\$ORIGIN|\$\{ORIGIN\}", lambda _: origin, folder)
               for folder in (*linked.rpath, *filter(None, ours), *linked.runpath)]
    places = [*(os.path.join(folder, name) for folder in folders), *_known().get(name, ()),
              *(os.path.join(folder, name) for folder in _DEFAULT)]
    for place in places:
        if os.path.isfile(place):
            other = read_linked(place)
            if other and other.machine == linked.machine:
                return os.path.realpath(place)
    return None


@cache
def _known():
    """Return the paths of libraries by name, from the linker's cache."""
    program = shutil.which("ldconfig") or shutil.which("ldconfig", path="/sbin:/usr/sbin")
    if not program:
        return {}
    told = subprocess.run([program, "-p"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="surrogateescape").stdout
    known = {}
    for name, path in re.findall(r"^\t(\S+) \(.*\) => (.+)$", told, re.MULTILINE):
        known.setdefault(name, []).append(path)
    return known
