"""The installed packages that mr_extract needs, as files of an archive."""

import csv
import hashlib
import json
from importlib import metadata
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import mr_extract

OWN = "mr_extract"
EXTRAS = ("fast", "hdfs")  # that a task can make use of, where they are installed

#: What pip notes down of an installation here: paths, and files that do not travel.
_NOTES = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"}


def needed_distributions() -> list[metadata.Distribution]:
    """Return the distributions that mr_extract needs, of its extras those that are here.

    Returns
    -------
    list of importlib.metadata.Distribution
        In the order of their names; without mr_extract.

    Raises
    ------
    ValueError
        When one is not installed.
    """
    found: dict[str, tuple[metadata.Distribution, set[str]]] = {}
    todo = []
    for requirement in _requirements(OWN, ("", *EXTRAS)):
        optional = requirement.marker and not requirement.marker.evaluate({"extra": ""})
        if not optional or _is_installed(requirement.name):
            todo.append((requirement, OWN))
    while todo:
        requirement, by = todo.pop()
        name = canonicalize_name(requirement.name)
        extras = ("", *requirement.extras)
        if name in found and set(extras) <= found[name][1]:
            continue
        try:
            distribution = metadata.distribution(requirement.name)
        except metadata.PackageNotFoundError:
            raise ValueError(f"{by} needs {name}, which is not installed here") from None
        found[name] = distribution, {*extras, *(found[name][1] if name in found else ())}
        todo += [(one, name) for one in _requirements(requirement.name, extras)]
    return [found[name][0] for name in sorted(found)]


def package_files(distribution: metadata.Distribution) -> dict[str, Path]:
    """Return the files of a distribution by their names below the folder of packages.

    Programs and what else lies outside of that folder is left out.

    Parameters
    ----------
    distribution : importlib.metadata.Distribution

    Returns
    -------
    dict of str to Path

    Raises
    ------
    ValueError
        When nobody knows which files it has, or when they are not where packages are, or gone.
    """
    files = {name: Path(str(distribution.locate_file(name))) for name in _recorded(distribution)}
    for name, path in files.items():
        if not path.exists():
            raise ValueError(f"{distribution.name} has lost its file {name}: install it again, "
                             "with pip install --force-reinstall")
    return files


def identity_of(distribution: metadata.Distribution) -> list[str]:
    """Return the name, the version and a digest of the files of a distribution."""
    hashes = sorted(f"{name} {digest.partition('=')[2]}"
                    for name, digest in _recorded(distribution).items())
    return [distribution.name, distribution.version, _digest("\n".join(hashes).encode())]


def own_files() -> dict[str, Path]:
    """Return the modules of mr_extract that run now, compiled ones too, as `package_files`."""
    root = Path(mr_extract.__file__).parent
    return {path.relative_to(root.parent).as_posix(): path
            for ending in ("*.py", "*.abi3.so") for path in root.rglob(ending)}


def own_identity() -> list[str]:
    """Return the name, the version and a digest of the files of mr_extract."""
    digests = (f"{name} {_digest(path.read_bytes())}"
               for name, path in sorted(own_files().items()))
    return [OWN, mr_extract.__version__, _digest("\n".join(digests).encode())]


def _requirements(name, extras):
    """Return what a distribution requires here, with some of its extras."""
    try:
        lines = metadata.requires(name) or ()
    except metadata.PackageNotFoundError:
        raise ValueError(f"{name} is not installed here: pip install it, so that it is known "
                         "what it needs") from None
    required = map(Requirement, lines)
    return [one for one in required
            if not one.marker or any(one.marker.evaluate({"extra": extra}) for extra in extras)]


def _is_installed(name):
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _recorded(distribution):
    """Return what pip has recorded of the files of a distribution: digests by name."""
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        raise ValueError(f"{distribution.name} is installed in editable mode: its files are "
                         "elsewhere; pip install it")
    # Not `Distribution.files`, which since Python 3.12 leaves out what is not there.
    record = distribution.read_text("RECORD")
    if record is None:
        raise ValueError(f"nobody has recorded which files {distribution.name} has: install it "
                         "with pip, in a virtual environment")
    files = ((PurePosixPath(row[0]), row[1]) for row in csv.reader(record.splitlines()) if row)
    return {str(file): digest for file, digest in files
            if ".." not in file.parts and not file.is_absolute() and file.suffix != ".pyc"
            and not (file.name in _NOTES and file.parent.suffix == ".dist-info")}


def _digest(content):
    return hashlib.sha256(content).hexdigest()
