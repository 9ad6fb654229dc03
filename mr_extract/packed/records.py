"""What a packed record says of itself, in its key: its lines, and the files in its value.

A record holds all that is needed to measure the images of one file: the lines of the
manifest that mean them, the file, and its companions. The key is JSON, the value the
files one after the other. Both can tell when they are no longer what was written.
"""

import hashlib
import json
import zlib
from dataclasses import dataclass

from mr_extract.failures import ImageFailure
from mr_extract.packed.hadoop_text import Damaged
from mr_extract.text.entry import Entry
from mr_extract.text.manifest import format_line, parse_line

AS_IS, FZ = "as-is", "fz"


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
