"""What a packed record says of itself, in its key: its lines, and the files in its value.

A record holds all that is needed to measure the images of one file: the lines of the
manifest that mean them, the file, and its companions. The key is JSON, the value the
files one after the other. Both can tell when they are no longer what was written.
"""

import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mr_extract.failures import ImageFailure
from mr_extract.packed.hadoop_text import Damaged
from mr_extract.text.entry import Entry
from mr_extract.text.manifest import format_line, parse_line

AS_IS, FZ = "as-is", "fz"
METADATA = "mr_extract.packed"  # in the header of a packed file: the version of all this
VERSION = "1"
EXTENSIONS = "extensions"  # and what a line without ext= and plane= meant when it was packed
INDEX = "_index.gz"  # Hadoop passes over files whose names begin so
_PLACE = re.compile(r"(.+)@([0-9]{1,18})\+([0-9]{1,10})")


@dataclass(frozen=True)
class PackedFile:
    """A file as it is in a record.

    Parameters
    ----------
    form : str
        ``as-is``, or ``fz`` for what `mr_extract.packed.restorable.smaller` made of it.
    sha256 : str
        Of the file as it was.
    crc32 : int
        Of the body.
    body : bytes-like
    """

    form: str
    sha256: str
    crc32: int
    body: bytes

    def __len__(self) -> int:
        return len(self.body)

    def unpacked(self) -> bytes:
        """Return the file as it was.

        Raises
        ------
        ImageFailure
            ``corrupt`` when the body is not what was packed. It is not looked into then:
            decoders of pixels do not expect damage.
        """
        if zlib.crc32(self.body) != self.crc32:
            raise ImageFailure("corrupt", "its packed record is damaged: the checksum of its "
                                          "bytes is another")
        if self.form == AS_IS:
            return self.body
        from mr_extract.packed.restorable import restored

        return restored(self.body)


@dataclass(frozen=True)
class Part:
    """What the key says of one file.

    Parameters
    ----------
    uri : str
        Where it was.
    size, stored : int
        Its bytes, and those in the record.
    form, sha256, crc32
        As of `PackedFile`.
    failure : tuple of (str, str)
        Kind and message, where it could not be had; it has no bytes then.
    """

    uri: str
    size: int = 0
    stored: int = 0
    form: str = AS_IS
    sha256: str = ""
    crc32: int = 0
    failure: tuple = ()


@dataclass(frozen=True)
class Contents:
    """What a record holds.

    Parameters
    ----------
    entries : tuple of mr_extract.text.entry.Entry
        Also lines that cannot be tried, with their problem: they end as failures.
    parts : tuple of Part
        In the order of the value.
    """

    entries: tuple
    parts: tuple = ()

    def files(self, value: bytes | memoryview) -> dict[str, PackedFile | ImageFailure]:
        """Return the files of a value by URI, as `fetch_ahead` yields them.

        Parameters
        ----------
        value : bytes-like

        Returns
        -------
        dict of str to (PackedFile or ImageFailure)
        """
        found: dict[str, PackedFile | ImageFailure] = {}
        start = 0
        for part in self.parts:
            if part.failure:
                found[part.uri] = ImageFailure(*part.failure)
                continue
            body = bytes(value[start : start + part.stored])
            found[part.uri] = PackedFile(part.form, part.sha256, part.crc32, body)
            start += part.stored
        return found


def packed_file(data: bytes, form: str) -> PackedFile:
    """Return a file as it goes into a record.

    Parameters
    ----------
    data : bytes
    form : str
        ``fz``: smaller, where that is possible without loss.

    Returns
    -------
    PackedFile
    """
    checksum = hashlib.sha256(data).hexdigest()
    if form == FZ:
        from mr_extract.packed.restorable import smaller

        body = smaller(data)
        if body is not None:
            return PackedFile(FZ, checksum, zlib.crc32(body), body)
    return PackedFile(AS_IS, checksum, zlib.crc32(data), data)


def key_of(contents: Contents) -> bytes:
    """Return the key of a record as bytes."""
    told = {
        "lines": [format_line(entry) for entry in contents.entries if not entry.problem],
        "refused": [[e.id, e.kind, e.problem] for e in contents.entries if e.problem],
        "files": [
            {"uri": part.uri, "failure": part.failure} if part.failure else
            {name: value for name, value in vars(part).items() if name != "failure"}
            for part in contents.parts
        ],
    }
    text = json.dumps({name: value for name, value in told.items() if value},
                      separators=(",", ":")).encode()
    return _summed(text.removesuffix(b"}"))


def contents_of(key: bytes) -> Contents:
    """Return what a key says.

    Raises
    ------
    Damaged
        When it is none of ours, or no longer what it was.
    """
    if _summed(key[: -len(_summed(b""))]) != key:
        raise Damaged("the key of the record is not what was written")
    try:
        told = json.loads(key)
        entries = [parse_line(line.encode()) for line in told.get("lines", ())]
        entries += [Entry(image_id, (), problem, kind)
                    for image_id, kind, problem in told.get("refused", ())]
        parts = tuple(Part(**{**part, "failure": tuple(part.get("failure", ()))})
                      for part in told.get("files", ()))
    except (ValueError, TypeError, AttributeError) as error:
        raise Damaged("the key of the record is of another version") from error
    return Contents(tuple(entries), parts)


def _summed(text):
    """Return an object of JSON that lacks its end with its checksum and its end."""
    return b'%s,"sum":"%08x"}' % (text, zlib.crc32(text))


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
