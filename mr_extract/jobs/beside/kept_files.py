"""Files that a job keeps beside its catalog, ``--save-files``: whole, once, named by the image.

A file grows in a hidden folder of the job and takes its place when it is whole, and every attempt
at an image writes the same bytes under the same name: so whatever dies, what the catalog lists is
there once, as it was made. What a catalog does not list is none of its files. The hidden folder,
with what was growing in tasks that died, is removed when the job has ended.
"""

from __future__ import annotations

import argparse
import io
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from mr_extract import storage
from mr_extract.addresses import shown
from mr_extract.failures import ImageFailure
from mr_extract.jobs.beside.file_names import legible, stem_of

if TYPE_CHECKING:
    from mr_extract.jobs.task.line import Line

OPTION = "--save-files"
FACT = "saved_files"  # by which an image's line lists them
_TOLD, _ASIDE = "save_files", "save_files_aside"
_OF_TASKS = "--save-files-aside"  # the name of the hidden folder
_HIDDEN = re.compile(r"\.mr_extract-[0-9a-f]{16}")


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
    add_argument(_OF_TASKS, help=argparse.SUPPRESS)


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
    aside = options.save_files_aside
    if aside is not None and not _HIDDEN.fullmatch(aside):
        raise ValueError(f"{_OF_TASKS} is for tasks: it is a name that a driver has made")
    return {_TOLD: storage.absolute(place).rstrip("/"), **({_ASIDE: aside} if aside else {})}


def arguments(more: Mapping[str, Any]) -> list[str]:
    """Return the options by which a task has it: a part of what `Work.arguments` returns."""
    return [f"{option}={more[name]}" for option, name in ((OPTION, _TOLD), (_OF_TASKS, _ASIDE))
            if name in more]


def begun(more: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tasks are told, with a hidden folder for files that are not whole.

    It is the job's alone, so that it can be removed without a look at who else keeps files there.
    """
    told = dict(more)
    if _TOLD in more and storage.has_folders(more[_TOLD]):
        told.setdefault(_ASIDE, f".mr_extract-{os.urandom(8).hex()}")
    return told


def end(more: Mapping[str, Any], say: Callable[[str], object]) -> None:
    """Remove the hidden folder of a job whose tasks have ended.

    Parameters
    ----------
    more : dict of str to object
        As `begun` returned it.
    say : callable
        Takes a line for the user, where it cannot be removed.
    """
    place = _aside(more)
    if place and _HIDDEN.fullmatch(more[_ASIDE]):  # who knows whence a record is
        try:
            storage.remove_folder(place)
        except ImageFailure as failure:
            say(f"{OPTION}: {shown(place)}, which holds what was not finished, could not be "
                f"removed: {failure.message}")


def told_in(arguments: Iterable[str]) -> dict[str, str]:
    """Return what `begun` returned, of the arguments of a job that has been begun."""
    names = {OPTION: _TOLD, _OF_TASKS: _ASIDE}
    found = (one.partition("=") for one in arguments)
    return {names[option]: value for option, _, value in found if option in names}


def _aside(more):
    return f"{more[_TOLD]}/{more[_ASIDE]}" if _ASIDE in more else ""


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
        place, aside = self._line.more[_TOLD], _aside(self._line.more)
        for name, opened in self._files.items():
            try:
                with opened() as source:
                    storage.write(f"{place}/{name}", source, aside)
            except ImageFailure as failure:
                raise ImageFailure("not-written", f"{name}: {failure.message}") from failure
            except OSError as error:
                raise ImageFailure("not-written", f"{name}: {error.strerror or error}") from error
        self._line.add({FACT: ",".join(self._files)})
        self._line.lap("save files")


def legible_suffix(suffix: str) -> str:
    """Return a suffix as it can stand in a name."""
    return f".{found}" if (found := legible(suffix)) else ""
