"""A function of the user's, ``module:function``: where it is, and what of it travels to tasks."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def folder_of(name: str) -> str:
    """Return the folder from which the module of a function is imported.

    Parameters
    ----------
    name : str
        ``module:function``. Modules of the working directory are found too.

    Raises
    ------
    ValueError
        When it is not of this form, or there is no such module.
    """
    return str(_source_of(name).parent)


def function_in(folder: str, name: str) -> Callable[..., Any]:
    """Return a function.

    Parameters
    ----------
    folder : str
        Of its module, where tasks run on the machine on which it was found; else it has travelled.
    name : str

    Raises
    ------
    ValueError
        When there is none.
    """
    module, _, function = name.partition(":")
    if folder and folder not in sys.path:
        sys.path.append(folder)
    try:
        found = getattr(import_module(module), function, None)
    except Exception as error:  # whatever a user's module raises when it is loaded
        raise ValueError(f"{module} cannot be imported: {type(error).__name__}: {error}") from error
    if not callable(found):
        raise ValueError(f"{module} has no function {function}")
    return found


def travelling(names: list[str]) -> dict[str, Path]:
    """Return the modules of functions: what they are called under their folder, and where they are.

    What is installed with Python does not travel: nodes have it, or get it with their Python.

    Raises
    ------
    ValueError
        As `folder_of`.
    """
    found: dict[str, Path] = {}
    for source in map(_source_of, names):
        files = sorted(source.rglob("*.py")) if source.is_dir() else [source]
        if not _is_installed(source):
            found |= {path.relative_to(source.parent).as_posix(): path for path in files}
    return found


def _source_of(name):
    """Return the file of a module, or the folder of the package in which it is."""
    module, colon, _ = name.partition(":")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.append(here)
    try:
        spec = find_spec(module.partition(".")[0]) if colon else None
    except (ImportError, ValueError):
        spec = None
    if spec is None or not (spec.submodule_search_locations or spec.has_location):
        if spec is not None and spec.origin in ("built-in", "frozen"):
            return Path(sysconfig.get_path("stdlib")) / module
        raise ValueError(f"{name}: it is not of the form module:function, or there is no such "
                         "module")
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).absolute()
    return Path(spec.origin or "").absolute()


def _is_installed(source):
    return any(source.is_relative_to(Path(sysconfig.get_path(one)).absolute())
               for one in ("stdlib", "platstdlib", "purelib", "platlib"))
