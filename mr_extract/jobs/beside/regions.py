"""A region or plane of a file, wherever the file is."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.images.cards import BLOCK as HEADER
from mr_extract.images.region import Region
from mr_extract.jobs.task.opened import is_at_hand, opened, stays_open
from mr_extract.storage.ranges import BLOCK, Ranges
from mr_extract.storage.seekable import SeekableFile
from mr_extract.unpacking import BZIP2, GZIP, unpacking_reader

if TYPE_CHECKING:
    from mr_extract.images import Image
    from mr_extract.images.section import Section
    from mr_extract.text.entry import Entry

# What a remote file sends in about the time that one more request takes.
GAP = 1 << 20
_MOST_HEADERS = 1 << 12  # of their blocks
# The packed file that was read last: its planes and tiles follow each other in a shard.
_held: tuple | None = None


def part_of(uri: str, entry: Entry, role: str = "image") -> Section:
    """Return the part of a file that a line means.

    Parameters
    ----------
    uri : str
        Its image's file, or one beside it.
    entry : mr_extract.text.entry.Entry
    role : str
        As for `mr_extract.jobs.task.opened.opened`, of which a file is had that is at hand as
        a whole, as out of a packed record.

    Returns
    -------
    mr_extract.images.section.Section

    Raises
    ------
    ImageFailure
        As for `section_of` and `opened`.
    """
    if not is_at_hand(uri, role):
        return section_of(uri, entry.region, entry.plane)
    from mr_extract.images.section import Section
    from mr_extract.images.units import reader_of

    buffer, *_ = opened(uri, stays_open(entry), role)
    return Section(reader_of(buffer), entry.region, plane=entry.plane)


def section_of(uri: str, region: Region | None = None,
               plane: tuple[int, ...] | None = None) -> Section:
    """Return a region or plane of a file, of which nothing but its first bytes is read yet.

    Parameters
    ----------
    uri : str
    region : mr_extract.images.region.Region or None
        None for all of an image.
    plane : tuple of int or None
        As for `mr_extract.images.section.Section`.

    Returns
    -------
    mr_extract.images.section.Section
        Of a local file only the bytes of the part are read; of a remote one by ranges, and
        what lies between them where that is cheap. A file that is packed with gzip or bzip2
        is unpacked as a stream, from its beginning to the last row of the part: the time
        is that of the file, the memory that of the part. The next part of the same file is had
        without a way back, where it is behind the last.

    Raises
    ------
    ImageFailure
        ``fetch-...`` and ``unsupported-scheme`` as the storage names them, ``empty-file``.
    """
    from mr_extract.images.section import Section

    global _held
    if _held is not None and _held[0] == _state(uri):
        return _held[1].of_same_file(region, plane)
    _held = None
    read, packed = reader_for(uri)
    gap = 0 if storage.is_local(uri) else GAP
    if not packed:
        return Section(read, region, gap, plane)
    section = Section(_remembering(read), region, gap, plane)
    _held = _state(uri), section
    return section


def _state(uri):
    """Return what tells a file and its state; that of a remote one is told when it is read."""
    return storage.absolute(uri), storage.stat(uri) if storage.is_local(uri) else None


def _remembering(read):
    """Return a reader that has headers at hand, so that planes in turn need no way back."""
    headers = {}

    def remembering(offset, size):
        global _held
        if size > HEADER or (found := headers.get((offset, size))) is None:
            try:
                found = read(offset, size)
            except ImageFailure:
                _held = None  # whoever tries again begins anew
                raise
            if size <= HEADER and len(headers) < _MOST_HEADERS:
                headers[offset, size] = found
        return found
    return remembering


def reader_for(uri: str) -> tuple[Callable[[int, int], bytes], bool]:
    """Return what reads parts of a file, of which nothing but its first bytes is read yet.

    Parameters
    ----------
    uri : str

    Returns
    -------
    read : callable
        ``read(offset, size) -> bytes`` of what stands within its gzip or bzip2.
    packed : bool

    Raises
    ------
    ImageFailure
        As for `section_of`.
    """
    file = Ranges(uri, 1 if storage.is_local(uri) else BLOCK)
    magic = file.read(0, 3)
    if not magic:
        raise ImageFailure("empty-file", "the file has no bytes")
    if magic.startswith((GZIP, BZIP2)):
        return unpacking_reader(io.BufferedReader(SeekableFile(uri))), True
    return file.read, False


def place(image: Image, entry: Entry) -> None:
    """Tell an image where it lies in a larger one, and which sources are its own.

    Parameters
    ----------
    image : mr_extract.images.Image
    entry : mr_extract.text.entry.Entry

    Raises
    ------
    ImageFailure
        ``bad-region`` where the line's core is not within the image.
    """
    if entry.region is None:
        image.origin = entry.origin
    image.core = entry.core
    (x0, y0), (height, width) = image.origin, image.data.shape
    there = Region(x0, x0 + width, y0, y0 + height)
    if image.core is not None and not image.core.within(there):
        raise ImageFailure("bad-region", f"the tile_core {image.core} is not within the pixels "
                                         f"{there} that are there")
