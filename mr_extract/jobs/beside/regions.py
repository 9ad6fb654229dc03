"""A region of a file, wherever the file is."""

import io

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.images.region import Region
from mr_extract.storage.ranges import BLOCK, Ranges
from mr_extract.storage.seekable import SeekableFile
from mr_extract.unpacking import BZIP2, GZIP, unpacking_reader

# What a remote file sends in about the time that one more request takes.
GAP = 1 << 20


def section_of(uri, region):
    """Return a region of a file, of which nothing but its first bytes is read yet.

    Parameters
    ----------
    uri : str
    region : mr_extract.images.region.Region

    Returns
    -------
    mr_extract.images.section.Section
        Of a local file only the bytes of the region are read; of a remote one by ranges, and
        what lies between them where that is cheap. A file that is packed with gzip or bzip2
        is unpacked as a stream, from its beginning to the last row of the region: the time
        is that of the file, the memory that of the region.

    Raises
    ------
    ImageFailure
        ``fetch-...`` and ``unsupported-scheme`` as the storage names them, ``empty-file``.
    """
    from mr_extract.images.section import Section

    read, _ = reader_for(uri)
    return Section(read, region, 0 if storage.is_local(uri) else GAP)


def reader_for(uri):
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


def place(image, entry):
    """Tell an image where it lies in a larger one, and which sources are its own.

    Parameters
    ----------
    image : mr_extract.images.Image
    entry : mr_extract.text.manifest.Entry

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
