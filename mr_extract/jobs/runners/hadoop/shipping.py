"""The code that tasks need, as an archive that travels with the job, and names of archives."""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

PACKAGES = ("mr_extract", "mrjob")
ENVIRONMENTS = (".tar.gz", ".tgz", ".tar")  # that YARN unpacks
_KINDS = (*ENVIRONMENTS, ".zip")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can hold
# Not by this process: which strings it shares is in the bytes, and depends on what it has imported.
# By no time of change: unpacking gives files the time that it likes.
_COMPILE = """
import json, py_compile, sys
for source, name, target in json.load(sys.stdin):
    py_compile.compile(source, target, dfile=name, doraise=True,
                       invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
"""


def write_code_archive(path: str | os.PathLike[str],
                       others: Mapping[str, Path] | None = None) -> None:
    """Write this package and mrjob to a zip file, compiled for this Python too.

    A task would otherwise compile what it imports, on each node anew. The same
    code gives the same bytes.

    Parameters
    ----------
    path : path
    others : dict of str to pathlib.Path, optional
        Python files that go with them, by their names there.
    """
    sources: dict[str, Path] = {}
    libraries: dict[str, Path] = {}
    for package in PACKAGES:
        found = importlib.util.find_spec(package)
        assert found is not None and found.origin is not None
        root = Path(found.origin).parent
        sources |= {source.relative_to(root.parent).as_posix(): source
                    for source in sorted(root.rglob("*.py"))}
        # Nodes that cannot load it do without.
        libraries |= {library.relative_to(root.parent).as_posix(): library
                      for library in sorted(root.rglob("*.abi3.so"))}
    with tempfile.TemporaryDirectory() as folder, \
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        compiled = {name: os.path.join(folder, str(k)) for k, name in enumerate(sources)}
        subprocess.run([sys.executable, "-I", "-S", "-c", _COMPILE], check=True, text=True,
                       input=json.dumps([(str(source), name, compiled[name])
                                         for name, source in sources.items()]))
        for name, source in sources.items():
            _add(archive, name, source.read_bytes())
            _add(archive, importlib.util.cache_from_source(name),
                 Path(compiled[name]).read_bytes())
        for name, library in libraries.items():
            _add(archive, name, library.read_bytes())
        for name, source in (others or {}).items():
            _add(archive, name, source.read_bytes())


def zipped(folder: str) -> str:
    """Write a zip file beside a folder, of all that is in it, and return its path.

    It is stored as it is: what is large is packed already, mostly. The same files give the
    same bytes.
    """
    path = f"{folder.rstrip('/')}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for source in sorted(Path(folder).rglob("*")):
            if source.is_file():
                entry = zipfile.ZipInfo(source.relative_to(folder).as_posix(), _EPOCH)
                entry.external_attr = 0o444 << 16
                with source.open("rb") as file, archive.open(entry, "w", force_zip64=True) as out:
                    shutil.copyfileobj(file, out, 1 << 20)
    return path


def kept_name(path: str, stem: str) -> str:
    """Return the name under which an archive is kept from job to job, made of its bytes.

    Parameters
    ----------
    path : str
    stem : str
        With which the name begins.
    """
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    kind = next(kind for kind in _KINDS if path.endswith(kind))
    return f"{stem}-{digest[:16]}{kind}"


def _add(archive, name, content):
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)

