"""Files that a job keeps beside its catalog, ``--save-files``: whole, once, named by the image.

A file is written under a name of its own and takes its place when it is whole, and every attempt
at an image writes the same bytes under the same name: so whatever dies, what the catalog lists is
there once, as it was made. What a catalog does not list is none of its files.
"""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.beside.file_names import legible, stem_of

if TYPE_CHECKING:
    from mr_extract.jobs.task.line import Line

OPTION = "--save-files"
FACT = "saved_files"  # by which an image's line lists them
_TOLD = "save_files"


def add_option(add_argument: Callable[..., object], what: str) -> None:
    """Declare where they go.

    Parameters
    ----------
    add_argument : callable
        Takes what `argparse.ArgumentParser.add_argument` takes.
    what : str
        What is kept, for the help.
    """
    add_argument(OPTION, metavar="DIR|URI",
                 help=f"keep {what} in this folder, a path, s3:// or hdfs://, each whole and "
                      "named by its image; the catalog lists them")


def told_from(options: argparse.Namespace) -> dict[str, Any]:
    """Return what tasks are told of it: a part of what `Work.more_from` returns.

    Raises
    ------
    ValueError
        Where nothing can be written there.
    """
    place = options.save_files
    if place is None:
        return {}
    if not place:
        raise ValueError(f"{OPTION}: needs the name of a folder")
    if storage.scheme(place) not in storage.WRITTEN:
        raise ValueError(f"{OPTION}: nothing can be written to {storage.scheme(place)}://")
    return {_TOLD: storage.absolute(place).rstrip("/")}


def arguments(more: Mapping[str, Any]) -> list[str]:
    """Return the option by which a task has it: a part of what `Work.arguments` returns."""
    return [f"{OPTION}={more[_TOLD]}"] if _TOLD in more else []


def check(more: Mapping[str, Any]) -> None:
    """Raise ValueError where the driver can tell that no task will be able to write there."""
    place = more.get(_TOLD, "")
    if place and storage.is_local(place):
        path = there = storage.local.path_of(place)
        while not os.path.exists(there):
            there = os.path.dirname(there)
        if not os.path.isdir(there) or not os.access(there, os.W_OK | os.X_OK):
            raise ValueError(f"{OPTION}: cannot write files into {path}")


def are_kept(more: Mapping[str, Any]) -> bool:
    """Tell whether files are to be kept."""
    return _TOLD in more


class KeptFiles:
    """The files of one image: chosen while it is measured, written when that has ended well.

    Parameters
    ----------
    line : mr_extract.jobs.task.line.Line
        Whose job was told where they go.
    """

    def __init__(self, line: Line) -> None:
        self._line, self._stem = line, stem_of(line.entry.id)
        self._files: dict[str, Callable[[], BinaryIO]] = {}

    def take(self, what: str, suffix: str, content: bytes | Callable[[], BinaryIO]) -> str:
        """Take a file in, and return the name that it will have.

        Parameters
        ----------
        what : str
            What it is of the image, such as ``spectrum-1``; it need not be a name.
        suffix : str
            Such as ``.fits``.
        content : bytes or callable
            A callable opens the file for reading in binary mode, when it is written.

        Raises
        ------
        ImageFailure
            ``not-written`` where nobody said where, or for two files of one name.
        """
        if not are_kept(self._line.more):
            raise ImageFailure("not-written", f"there is a file to be kept, and no {OPTION} says "
                                              "where")
        name = ".".join(filter(None, (self._stem, legible(what)))) + legible_suffix(suffix)
        if name in self._files:
            raise ImageFailure("not-written", f"two files to be kept are called {name}")
        self._files[name] = (lambda: io.BytesIO(content)) if isinstance(content, bytes) else content
        return name

    def write(self) -> None:
        """Write all that was taken in, and list it on the image's line.

        Raises
        ------
        ImageFailure
            ``not-written``: who asks for files wants to know of those that lack.
        """
        if not self._files:
            return
        for name, opened in self._files.items():
            try:
                with opened() as source:
                    storage.write(f"{self._line.more[_TOLD]}/{name}", source)
            except ImageFailure as failure:
                raise ImageFailure("not-written", f"{name}: {failure.message}") from failure
            except OSError as error:
                raise ImageFailure("not-written", f"{name}: {error.strerror or error}") from error
        self._line.add({FACT: ",".join(self._files)})
        self._line.lap("save files")


def legible_suffix(suffix: str) -> str:
    """Return a suffix as it can stand in a name."""
    return f".{found}" if (found := legible(suffix)) else ""
