"""What a function of the user's takes along: its code, and files beside it, by name.

On the machine of the driver tasks find both in folders of the job's; to a cluster they travel,
once to each node. A catalog says their SHA-256.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import stat
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.beside.user_functions import folder_of, travelling
from mr_extract.jobs.function.declaring import side_names

if TYPE_CHECKING:
    from mr_extract.settings.applying import ApplySettings

_PATH, _SIDE = "--function-path", "--side-folder"
_CODE = (".zip", ".whl", ".egg")
_OURS = ("mr_extract", "mrjob")


def add_options(add_argument: Callable[..., object]) -> None:
    """Declare them."""
    add_argument("--py-files", dest="own_code", action="append", default=[],
                 metavar="FILE|DIR",
                 help="Python code that the function imports: a zip, a wheel, a .py file or a "
                      "folder of modules and packages; it travels to tasks")
    add_argument("--files", dest="side_data", action="append", default=[], metavar="NAME=URI",
                 help="a file or folder that the function is given by the name of a parameter, as "
                      "a path: it is brought once to each node and may only be read")
    add_argument(_PATH, help=argparse.SUPPRESS)
    add_argument(_SIDE, help=argparse.SUPPRESS)


def told_from(options: argparse.Namespace, config: ApplySettings) -> dict[str, Any]:
    """Return what of it a driver or task knows from its command line.

    Raises
    ------
    ValueError
        For an option that is wrong by itself.
    """
    more: dict[str, Any] = {"path": options.function_path or ""}
    if options.side_folder:
        more["side"] = os.path.abspath(options.side_folder)
    if options.own_code:
        more["py_files"] = [_code(place) for place in options.own_code]
    if options.side_data:
        more["files"] = _named(options.side_data)
    return more


def _code(place):
    path = os.path.abspath(storage.local.path_of(place)) if storage.is_local(place) else ""
    if os.path.isdir(path):
        return path
    if not os.path.isfile(path) or not path.endswith((*_CODE, ".py")):
        raise ValueError(f"--py-files {place}: it is no folder, zip, wheel or .py file here")
    if path.endswith(_CODE) and not zipfile.is_zipfile(path):
        raise ValueError(f"--py-files {place}: it is no zip file")
    return path


def _named(texts):
    found: dict[str, str] = {}
    for text in texts:
        name, equals, uri = text.partition("=")
        if not equals or not name.isidentifier() or not uri:
            raise ValueError(f"--files {text}: it is not of the form NAME=URI")
        if name in found:
            raise ValueError(f"--files {name} is there twice")
        found[name] = storage.absolute(uri)
    return found


def arguments(more: dict[str, Any]) -> list[str]:
    """Return the options by which a task has it."""
    return [f"{_PATH}={more['path']}"] if more.get("path") else []


def folders(more: dict[str, Any]) -> dict[str, str]:
    """Return the folders that travel, by the options that tell tasks where they are."""
    return {_SIDE: more["side"]} if "side" in more else {}


def modules(config: ApplySettings, more: dict[str, Any]) -> dict[str, Path]:
    """Return the files that travel as code, by what they are called under their folder."""
    found = travelling([config.function.function])
    for folder in more["path"].split(os.pathsep)[1:]:
        found = {**_below(Path(folder)), **found}
    return found


def _below(folder):
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts}


def gathered(config: ApplySettings, more: dict[str, Any], scratch: str
             ) -> tuple[ApplySettings, dict[str, Any]]:
    """Bring code and side data together where the job is started, and say their digests.

    Raises
    ------
    ValueError
        Where something is not there; the message names the option.
    """
    import sys

    name = config.function.function
    if not name:
        raise ValueError("--function module:function is needed")
    more, paths = dict(more), []
    for number, place in enumerate(more.pop("py_files", [])):
        paths.append(_unpacked(place, os.path.join(scratch, "code", str(number))))
    sys.path += [path for path in paths if path not in sys.path]
    try:
        more["path"] = os.pathsep.join([folder_of(name), *paths])
        code = modules(config, more)
        source = code or _installed(name)
    except ValueError as error:
        raise ValueError(f"--function {error}") from None
    found = config.updated(code_sha256=digest_of(source))
    if files := more.pop("files", {}):
        more["side"] = os.path.join(scratch, "side")
        told = [f"{one}={_brought(one, uri, more['side'])}" for one, uri in sorted(files.items())]
        found = found.updated(side_sha256=tuple(told))
        _for_reading(more["side"])
    return found, more


def _installed(name):
    from importlib.util import find_spec

    spec = find_spec(name.partition(":")[0].partition(".")[0])
    places = list(spec.submodule_search_locations or ()) if spec else []
    root = Path(places[0]) if places else Path(spec.origin or "") if spec else Path()
    files = sorted(root.rglob("*.py")) if root.is_dir() else [root]
    return {path.relative_to(root.parent).as_posix(): path for path in files if path.is_file()}


def _unpacked(place, folder):
    """Return the folder in which the code of one ``--py-files`` is found."""
    if place.endswith(_CODE) and os.path.isfile(place):
        with zipfile.ZipFile(place) as archive:
            archive.extractall(folder)  # which leaves no way out of the folder
        names = os.listdir(folder)
    elif os.path.isfile(place):
        os.makedirs(folder)
        shutil.copy(place, folder)
        names = [os.path.basename(place)]
    else:
        # A package by itself is imported from the folder around it; nothing else there travels.
        if os.path.exists(os.path.join(place, "__init__.py")):
            shutil.copytree(place, os.path.join(folder, os.path.basename(place)))
        else:
            shutil.copytree(place, folder)
        names = os.listdir(folder)
    for name in names:
        if name.partition(".")[0] in _OURS:
            raise ValueError(f"--py-files {place}: {name} would stand in the place of what runs "
                             "the tasks")
    return folder


def digest_of(files: dict[str, Path]) -> str:
    """Return a SHA-256 of names and contents of files, in hexadecimal digits."""
    whole = hashlib.sha256()
    for name, path in sorted(files.items()):
        with open(path, "rb") as file:
            whole.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()


def _brought(name, uri, folder):
    """Copy a file, or a folder's, to where tasks find it by name; return its SHA-256."""
    here = storage.local.path_of(uri) if storage.is_local(uri) else ""
    place = Path(folder, name)
    try:
        if here and os.path.isfile(here) or not here and not uri.endswith("/"):
            suffix = "".join(Path(uri).suffixes[-2:])
            target = place / f"{name}{suffix}"
            _copied(uri, target)
            return _digest_at(target)
        root = here.rstrip("/") if here else uri.rstrip("/")
        for found in storage.list_files(root if here else f"{root}/"):
            _copied(found.uri, place / "files" / found.uri.removeprefix(root).lstrip("/"))
        if not place.exists():
            raise ImageFailure("fetch-not-found", "there is no file in it")
        return digest_of(_below(place / "files"))
    except ImageFailure as failure:
        raise ValueError(f"--files {name}={uri}: {failure.message}") from None


def _copied(uri, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if storage.is_local(uri):
        try:
            shutil.copyfile(storage.local.path_of(uri), target)
        except OSError as error:
            raise ImageFailure("fetch-failed", error.strerror or str(error)) from error
    else:
        target.write_bytes(storage.read(uri))


def _for_reading(folder):
    for root, _, names in os.walk(folder, topdown=False):
        for name in names:
            os.chmod(os.path.join(root, name), stat.S_IRUSR)


class Unchanged:
    """Watches that side data stay what they are, where nothing else keeps anybody from writing.

    Parameters
    ----------
    paths : dict of str to str
        By name.
    digests : sequence of str
        ``name=SHA-256``, as the catalog says them.
    """

    def __init__(self, paths: dict[str, str], digests: tuple[str, ...]) -> None:
        self._paths = paths if os.geteuid() == 0 else {}  # whom no right keeps from writing
        self._digests, self._facts = digests, self._now()
        self._changed = [name for name, path in self._paths.items()
                         if f"{name}={_digest_at(Path(path))}" not in digests]

    def check(self) -> None:
        """Raise ImageFailure (``function-failed``) where a file has been changed."""
        now = self._now()
        changed = [name for name in now if now[name] != self._facts[name]] + self._changed
        if changed:
            self._changed = changed
            raise ImageFailure("function-failed", f"what --files calls {changed[0]} has been "
                                                  "changed by the function: it is for all images")

    def _now(self):
        return {name: [_facts_of(one) for one in (path, *_below(Path(path)).values())]
                for name, path in self._paths.items()}


def _facts_of(path):
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _digest_at(path):
    if path.is_dir():
        return digest_of(_below(path))
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(1)
def _watched(paths, digests):
    return Unchanged(dict(paths), digests)


def watched(paths: dict[str, str], config: ApplySettings) -> Unchanged:
    """Return what watches the side data of a task."""
    return _watched(tuple(paths.items()), config.found.side_sha256)


def side_paths(config: ApplySettings, more: dict[str, Any]) -> dict[str, str]:
    """Return where the side data of a task are, by name.

    Raises
    ------
    ImageFailure
        ``function-failed`` where they have not come with the task.
    """
    names = side_names(config)
    return {name: _found(os.path.join(more.get("side", ""), name)) for name in names}


def _found(place):
    try:
        (name,) = os.listdir(place)
    except (OSError, ValueError):
        raise ImageFailure("function-failed", f"what --files calls {os.path.basename(place)} did "
                                              "not come with the task") from None
    return os.path.join(place, name)
