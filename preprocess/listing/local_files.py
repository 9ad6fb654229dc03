"""FITS images of this machine, in natural order."""

import glob
import os
import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from mr_extract.storage import local
from mr_extract.text.manifest import is_image_name
from preprocess.digests import DigestSet, digest_of
from preprocess.errors import CommandError
from preprocess.listing.found_images import FoundImage, Tally


def natural_key(path: str) -> tuple:
    """Give the key that sorts paths as people do: ``frame2`` before ``frame10``.

    Parameters
    ----------
    path : str
        A path; its folders are compared one after the other.

    Returns
    -------
    key : tuple
        Text and numbers in turn. Two different paths never have equal keys (``frame01`` and
        ``frame1`` are told apart by their spelling), so the order is total.
    """
    return tuple((_natural_words(part), part) for part in path.split("/"))


def _natural_words(name: str) -> tuple:
    """Split a name into text and numbers; a number is compared by its length, then digits."""
    words = re.split("([0-9]+)", name)
    numbers = [digits.lstrip("0") for digits in words[1::2]]
    words[1::2] = [(len(digits), digits) for digits in numbers]
    return tuple(words)


def local_images(arguments: Sequence[str], tally: Tally) -> Iterator[FoundImage]:
    """Search files, glob patterns and folders for FITS images.

    One folder at a time is held in memory, and eight bytes of each file.

    Parameters
    ----------
    arguments : sequence of str
        Paths, file:// URIs or patterns. A file that has the very name of a pattern goes first.
    tally : Tally
        Gets what is left out.

    Yields
    ------
    FoundImage
        Each file once, as the user spelled the way to it, in natural order.

    Raises
    ------
    CommandError
        When an argument matches nothing.
    """
    tops: list[tuple] = []
    for argument in arguments:
        path = local.path_of(argument)
        paths = [path] if os.path.lexists(path) else glob.glob(path, recursive=True)
        if not paths:
            raise CommandError(f"nothing matches {argument!r}")
        tops.extend((natural_key(found), found, path != argument) for found in paths)
    known = DigestSet()
    for _, top, as_uri in sorted(tops):
        files = _files_below(top, tally) if os.path.isdir(top) else [top]
        for path in files:
            if not is_image_name(path) or not os.path.isfile(path):
                tally.counts["others"] += 1
            elif not known.add(digest_of(os.path.realpath(path))):
                tally.counts["repeats"] += 1
            else:
                try:
                    facts = os.stat(path)
                except OSError as error:
                    tally.refuse(path, error.strerror)
                    continue
                uri = f"file://{quote(path)}" if as_uri else path
                yield FoundImage(uri, facts.st_size, facts.st_mtime)


def _files_below(top: str, tally: Tally) -> Iterator[str]:
    """Give the files of a folder and its folders; a folder reached twice counts once."""
    walked: set[str] = set()
    open_folders = [_entries(top, walked, tally)]
    while open_folders:
        for entry in open_folders[-1]:
            if entry.name[0] == ".":
                ours = entry.name.endswith(f".{os.getpid()}.part")  # the list that is written
                tally.counts["others"] += not ours and not _is_folder(entry)
            elif not _is_folder(entry):
                yield entry.path
            elif os.path.realpath(entry.path) not in walked:
                open_folders.append(_entries(entry.path, walked, tally))
                break
        else:
            open_folders.pop()


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _entries(folder: str, walked: set[str], tally: Tally) -> Iterator[os.DirEntry]:
    walked.add(os.path.realpath(folder))
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: natural_key(entry.name))
    except OSError as error:
        tally.refuse(folder, error.strerror)
        return iter(())
    return iter(found)
