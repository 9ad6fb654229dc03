"""Text lists of images, which are manifests, as sources of others and to be checked."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.text.entry import Entry
from mr_extract.text.manifest import format_line, is_image_name, parse_line, read_entries
from preprocess.errors import CommandError
from preprocess.listing.found_images import FoundImage, Tally
from preprocess.texts import lines_of, opened_source

_SNIFFED = 1 << 16
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_LIST_NAME = re.compile(r"\.(txt|lst|list|tsv)(\.gz|\.bz2)?$", re.IGNORECASE)


def is_list(source: str) -> bool:
    """Tell whether a source is a text list.

    That is standard input, a pipe, and a file whose first line names a FITS file or a URI; a
    remote file besides must be named like a text.
    """
    if _is_stream(source):
        return True
    if is_image_name(source):
        return False
    if storage.is_local(source):
        return os.path.isfile(storage.local.path_of(source)) and _begins_as_list(source)
    return _LIST_NAME.search(source) is not None and _begins_as_list(source)


def _is_stream(source: str) -> bool:
    """Tell whether a source can be read but once."""
    path = storage.local.path_of(source)
    return source == "-" or (
        storage.is_local(source) and os.path.exists(path)
        and not os.path.isfile(path) and not os.path.isdir(path)
    )


def _begins_as_list(source: str) -> bool:
    try:
        with opened_source(source) as file:
            start = file.read(_SNIFFED)
    except (CommandError, ImageFailure):
        return False  # whoever reads it will say what is wrong
    for line in start.split(b"\n"):
        entry = parse_line(line)
        if entry is not None:
            return not entry.problem and bool(is_image_name(entry.uri) or _URI.match(entry.uri))
    return False


def images_of_list(source: str, tally: Tally) -> Iterator[FoundImage]:
    """Give the lines of a list, as they come.

    Parameters
    ----------
    source : str
        Path or URI, ``-`` for standard input.
    tally : Tally
        Gets the lines that cannot be understood.

    Yields
    ------
    FoundImage
        With the fields of the line; one that stands twice comes twice.

    Raises
    ------
    CommandError
        When the list cannot be read to its end.
    """
    for entry in read_entries(lines_of([source])):
        if entry.problem:
            tally.refuse(format_line(entry), entry.problem)
            continue
        size = entry.get("bytes")
        fields = tuple(field for field in entry.fields if field[0] != "bytes")
        yield FoundImage(entry.uri, int(size) if size else None, None, fields)


@contextmanager
def readable_again(sources: Iterable[str]) -> Iterator[list[str]]:
    """Give sources that may be read several times: of streams there are temporary copies."""
    with ExitStack() as stack:
        found = []
        for source in sources:
            if _is_stream(source):
                copy = stack.enter_context(tempfile.NamedTemporaryFile(prefix="manifest-"))
                with opened_source(source) as file:
                    shutil.copyfileobj(file, copy, 1 << 20)
                copy.flush()
                source = copy.name
            found.append(source)
        yield found


def number_of_lines(sources: Sequence[str]) -> int | None:
    """Return the number of lines of local files, None where counting would take long."""
    total = 0
    for source in sources:
        if not storage.is_local(source):
            return None
        with opened_source(source) as file:
            total += sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))
    return total


def entries_of(sources: Sequence[str]) -> Iterator[Entry]:
    """Give the entries of lists, one list after the other."""
    return read_entries(lines_of(sources))
