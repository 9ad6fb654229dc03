"""Text lists of images, which are manifests, read as streams wherever they are."""

import bz2
import gzip
import os
import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.storage.seekable import opened_in_parts
from mr_extract.text.manifest import Entry, format_line, is_fits_name, parse_line
from preprocess.errors import CommandError
from preprocess.found_images import FoundImage, Tally

_SNIFFED = 1 << 16
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_LIST_NAME = re.compile(r"\.(txt|lst|list|tsv)(\.gz|\.bz2)?$", re.IGNORECASE)


@contextmanager
def opened_list(source: str, again: bool = False) -> Iterator[BinaryIO]:
    """Open a list, unpacked.

    Parameters
    ----------
    source : str
        Path or URI, ``-`` for standard input.
    again : bool
        It can be read again after ``seek(0)``: a pipe is copied to a temporary file.

    Raises
    ------
    CommandError
        When it cannot be opened.
    """
    with ExitStack() as stack:
        with _named(source):
            file = stack.enter_context(_raw(source))
            if again and not file.seekable():
                copy = stack.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(file, copy, 1 << 20)
                copy.seek(0)
                file = copy
            file = _unpacked(file)
        yield file


@contextmanager
def _named(source: str) -> Iterator[None]:
    """Turn what goes wrong while a list is read into one line that names it."""
    try:
        yield
    except (ImageFailure, EOFError, OSError, zlib.error) as error:
        reason = getattr(error, "message", None) or getattr(error, "strerror", None) or error
        raise CommandError(f"cannot read the list {source!r}: {reason}") from error


def _raw(source: str) -> BinaryIO:
    if source == "-":
        return open(sys.stdin.fileno(), "rb", closefd=False)
    if storage.is_local(source):
        return open(storage.local.path_of(source), "rb")  # which may be a pipe
    return opened_in_parts(source)


def _unpacked(file: BinaryIO) -> BinaryIO:
    magic = file.peek(3)[:3] if hasattr(file, "peek") else b""
    if magic.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)
    return bz2.BZ2File(file) if magic == b"BZh" else file


def is_list(source: str) -> bool:
    """Tell whether a source is a text list.

    That is standard input, a pipe, and a file whose first line names a FITS file or a URI; a
    remote file besides must be named like a text.
    """
    path = storage.local.path_of(source)
    if storage.is_local(source):
        if source == "-" or (os.path.exists(path) and not os.path.isfile(path)):
            return not os.path.isdir(path)
        if not os.path.isfile(path):
            return False
    elif not _LIST_NAME.search(source):
        return False
    return not is_fits_name(source) and _begins_as_list(source)


def _begins_as_list(source: str) -> bool:
    try:
        with opened_list(source) as file, _named(source):
            start = file.read(_SNIFFED)
    except CommandError:
        return False
    for line in start.split(b"\n"):
        entry = parse_line(line)
        if entry is not None:
            return not entry.problem and bool(is_fits_name(entry.uri) or _URI.match(entry.uri))
    return False


def images_of_list(source: str, tally: Tally) -> Iterator[FoundImage]:
    """Give the lines of a list, as they come.

    Parameters
    ----------
    source : str
        As for `opened_list`.
    tally : Tally
        Gets the lines that cannot be understood.

    Yields
    ------
    FoundImage
        With the fields of the line; one that stands twice comes twice.
    """
    with opened_list(source) as file:
        for entry in entries(file, source):
            if entry.problem:
                tally.refuse(format_line(entry), entry.problem)
                continue
            size = entry.get("bytes")
            fields = tuple(field for field in entry.fields if field[0] != "bytes")
            yield FoundImage(entry.uri, int(size) if size else None, None, fields)


def entries(file: BinaryIO, source: str) -> Iterator[Entry]:
    """Give the entries of a list that is open.

    Raises
    ------
    CommandError
        When it cannot be read to its end.
    """
    with _named(source):
        for line in file:
            entry = parse_line(line)
            if entry is not None:
                yield entry


def lines_of(source: str) -> int | None:
    """Return the number of lines of a local file, None where counting would take long."""
    path = storage.local.path_of(source)
    if not (storage.is_local(source) and os.path.isfile(path)):
        return None
    with opened_list(source) as file, _named(source):
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))
