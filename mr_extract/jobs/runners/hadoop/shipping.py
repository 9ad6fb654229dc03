"""The code that tasks need, as an archive that travels with the job, and names of archives."""

import hashlib
import importlib.util
import os
import py_compile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

PACKAGES = ("mr_extract", "mrjob")
ENVIRONMENTS = (".tar.gz", ".tgz", ".tar")  # that YARN unpacks
_KINDS = (*ENVIRONMENTS, ".zip")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can hold


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
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in PACKAGES:
            found = importlib.util.find_spec(package)
            assert found is not None and found.origin is not None
            root = Path(found.origin).parent
            for source in sorted(root.rglob("*.py")):
                name = source.relative_to(root.parent).as_posix()
                _add(archive, name, source.read_bytes())
                _add(archive, importlib.util.cache_from_source(name), _compiled(source, name))
            for library in sorted(root.rglob("*.abi3.so")):  # nodes that cannot load it do without
                _add(archive, library.relative_to(root.parent).as_posix(), library.read_bytes())
        for name, source in (others or {}).items():
            _add(archive, name, source.read_bytes())


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


def _compiled(source, name):
    with tempfile.NamedTemporaryFile(suffix=".pyc") as file:
        # By no time of change: unpacking gives files the time that it likes.
        py_compile.compile(str(source), file.name, dfile=name, doraise=True,
                           invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
        return Path(file.name).read_bytes()
