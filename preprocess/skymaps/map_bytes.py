"""A map's file mapped into memory: what is not read of it takes none."""

import mmap
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.storage import local
from mr_extract.storage.seekable import opened_in_parts
from mr_extract.unpacking import unpacking_reader

_AT_ONCE = 8 << 20


@contextmanager
def mapped(uri: str) -> Iterator[memoryview]:
    """Give the bytes of a file, unpacked.

    Parameters
    ----------
    uri : str
        A map that is remote or packed is copied to a temporary file first (TMPDIR).

    Raises
    ------
    ImageFailure
        ``fetch-...``, ``empty-file``, ``truncated`` or ``corrupt``.
    """
    with opened_in_parts(uri) as file:
        magic = file.read(6)
        file.seek(0)
        if storage.is_local(uri) and magic == b"SIMPLE":
            with open(local.path_of(uri), "rb") as plain, _mapped(plain) as view:
                yield view
            return
        read = unpacking_reader(file)
        with tempfile.TemporaryFile() as copy:
            while piece := read(copy.tell(), _AT_ONCE):
                copy.write(piece)
            copy.flush()
            with _mapped(copy) as view:
                yield view


@contextmanager
def _mapped(file):
    try:
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError as error:
        raise ImageFailure("empty-file", "the file has no bytes") from error
    yield memoryview(pages)  # views of it may outlive us: it is closed with the last of them
