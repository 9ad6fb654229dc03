"""Commands that see none of our Pythons: in a mount namespace of their own, which is root's."""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from mr_extract.env_archive.libraries import needed_libraries

ROOT = Path(__file__).resolve().parent.parent


def lacks_mount_namespaces():
    """Say why nothing can be hidden; an empty text where it can."""
    if os.geteuid() != 0:
        return "to hide folders one must be root"
    if not shutil.which("unshare"):
        return "the program unshare is not installed"
    tried = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"],
                           capture_output=True, text=True)
    return tried.stderr.strip() if tried.returncode else ""


def hidden_folders():
    """Return the folders of the interpreter, of its packages and of this checkout."""
    folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), str(ROOT)}
    folders |= {prefix for prefix in (sys.prefix, sys.base_prefix)
                if prefix not in ("/usr", "/usr/local")}
    folders |= {str(path) for path in Path("/usr/lib").glob("python3*")}
    return sorted(one for one in folders
                  if not any(one.startswith(f"{other}/") for other in folders))


def libraries_of_the_interpreter():
    """Return the paths of the libraries, other than glibc, that the interpreter needs here."""
    modules = Path(sysconfig.get_path("stdlib"), "lib-dynload").glob("*.so")
    needed = needed_libraries([os.path.realpath(sys._base_executable), *modules])
    return sorted(str(path) for path in needed.values())


def without_our_python(command, files=(), kept=None):
    """Return a command that runs where our Pythons are hidden, and some files are empty.

    What is to be `kept` of the hidden is bound to other places: folders by these.
    """
    covers = [f"mount --bind {shlex.quote(str(folder))} {shlex.quote(str(place))}"
              for place, folder in (kept or {}).items()]
    covers += [f"mount -t tmpfs none {shlex.quote(folder)}" for folder in hidden_folders()]
    inside = tuple(f"{folder}/" for folder in hidden_folders())
    covers += [f"mount --bind /dev/null {shlex.quote(file)}" for file in files
               if not file.startswith(inside)]
    # All in one shell, which holds what it needs before it is hidden.
    script = " && ".join([*covers, 'exec "$@"'])
    return ["unshare", "-m", "sh", "-c", script, "sh", *map(str, command)]
