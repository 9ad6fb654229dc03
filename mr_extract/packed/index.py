"""Where the records of a packed folder are, and what a line meant when they were packed."""

import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator

from mr_extract.failures import ImageFailure
from mr_extract.packed.hadoop_text import Damaged

METADATA = "mr_extract.packed"  # in the header of a packed file: the version of all this
VERSION = "1"
EXTENSIONS = "extensions"  # and what a line without ext= and plane= meant when it was packed
INDEX = "_index.gz"  # Hadoop passes over files whose names begin so
_PLACE = re.compile(r"(.+)@([0-9]{1,18})\+([0-9]{1,10})")


def place_of(uri: str, offset: int, size: int) -> str:
    """Return the text of the field ``packed`` that says where a record is."""
    return f"{uri}@{offset}+{size}"


def parse_place(text: str) -> tuple[str, int, int]:
    """Return the packed file, offset and size of a record.

    Raises
    ------
    ImageFailure
        ``malformed-line``
    """
    match = _PLACE.fullmatch(text)
    if match is None:
        raise ImageFailure("malformed-line", "the field packed is not of the form "
                                             "FILE@OFFSET+SIZE")
    uri, offset, size = match.groups()
    return uri, int(offset), int(size)


def packed_with(extensions: str, planes: str | None) -> str:
    """Return what lines without ``ext`` and ``plane`` mean, as one text."""
    return f"{extensions} --plane {planes}" if planes else extensions


def write_index(rows: Iterable[tuple[str, int, int, bytes]], extensions: str) -> bytes:
    """Return the index of a packed folder, the same bytes for the same rows.

    Parameters
    ----------
    rows : iterable of (str, int, int, bytes)
        Name of the file, offset and size of the record, and its key.
    extensions : str
        What lines without ``ext`` meant.

    Returns
    -------
    bytes
    """
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=0) as packer:
        packer.write(f"#{METADATA} {VERSION}\t{extensions}\n".encode())
        for name, offset, size, key in rows:
            packer.write(b"%s\t%d\t%d\t%s\n" % (name.encode(), offset, size, key))
    return file.getvalue()


def read_index(data: bytes) -> tuple[str, Iterator[tuple[str, int, int, bytes]]]:
    """Read the index of a packed folder.

    Returns
    -------
    extensions : str
    rows : iterator of (str, int, int, bytes)
        As for `write_index`.

    Raises
    ------
    Damaged
        Also while the rows are read.
    """
    lines = _lines(data)
    word, _, extensions = next(lines, b"").decode("utf-8", "replace").rstrip("\n").partition("\t")
    if word != f"#{METADATA} {VERSION}":
        raise Damaged(f"it is no index of version {VERSION}")
    return extensions, _rows(lines)


def _lines(data):
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as lines:
            yield from lines
    except (OSError, EOFError, zlib.error) as error:
        raise Damaged(f"its index is damaged ({error})") from error


def _rows(lines):
    for line in lines:
        try:
            name, offset, size, key = line.removesuffix(b"\n").split(b"\t")
            yield name.decode(), int(offset), int(size), key
        except ValueError as error:
            raise Damaged("a line of its index cannot be understood") from error
