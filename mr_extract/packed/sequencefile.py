"""SequenceFiles of Hadoop: records of a key (Text) and a value (BytesWritable).

Version 6, not compressed. Before each record that is written stands the file's sync
marker, so that Hadoop may split the file anywhere and a damaged record costs no other.

The format is that of ``org.apache.hadoop.io.SequenceFile``: a header (``SEQ``, version, the
names of both classes, two flags of compression, metadata, 16 bytes of sync marker), then
records: length of key and value, length of the key, key, value. A length of -1 says that
the sync marker follows. Numbers are big-endian; a Text begins with its length as a number
of variable length (``WritableUtils.writeVLong``), a BytesWritable with four bytes of it.
"""

import hashlib
import struct
from dataclasses import dataclass, field

TEXT, BYTES = "org.apache.hadoop.io.Text", "org.apache.hadoop.io.BytesWritable"
MOST = (1 << 31) - (1 << 20)  # bytes of a record: an array of Java holds no more
_MAGIC, _VERSION = b"SEQ", 6
_NUMBER = struct.Struct(">i")
_ESCAPE = _NUMBER.pack(-1)
_SYNC_SIZE = 16
LOOK = 4096  # what is read of a record to find its key
_LONGEST_KEY = 1 << 26
_STRIDE = 1 << 20  # what is read at once to find a sync marker


class Damaged(ValueError):
    """The bytes are not those of a whole record, or of a header that can be read."""


@dataclass(frozen=True)
class Header:
    """What stands at the beginning of a SequenceFile.

    Parameters
    ----------
    sync : bytes
        The marker.
    end : int
        Byte at which the records begin.
    metadata : dict of str to str
    """

    sync: bytes
    end: int
    metadata: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """Where a record is, and its key.

    Parameters
    ----------
    offset, size : int
        Bytes of the file that `read_record` takes.
    key : bytes
    value : int
        Byte of the file at which the value begins, without its length.
    value_size : int
    """

    offset: int
    size: int
    key: bytes
    value: int
    value_size: int


@dataclass(frozen=True)
class Lost:
    """A part of the file that cannot be read.

    Parameters
    ----------
    start, stop : int
        Its first byte, and the byte behind its last.
    reason : str
    """

    start: int
    stop: int
    reason: str


class Writer:
    """Write a SequenceFile; the same calls give the same bytes.

    Parameters
    ----------
    file : binary file
    seed : bytes
        What the sync marker is made of, where Hadoop takes a random number. It should
        differ from file to file.
    metadata : dict of str to str, optional
    """

    def __init__(self, file, seed, metadata=None):
        self._file = file
        self._sync = hashlib.sha256(b"sync marker" + seed).digest()[:_SYNC_SIZE]
        pairs = sorted((metadata or {}).items())
        header = b"".join([
            _MAGIC, bytes([_VERSION]), _text(TEXT.encode()), _text(BYTES.encode()), b"\0\0",
            _NUMBER.pack(len(pairs)), *(_text(word.encode()) for pair in pairs for word in pair),
            self._sync,
        ])
        self._file.write(header)
        self.size = len(header)

    def add(self, key, value):
        """Write a record.

        Parameters
        ----------
        key : bytes
            Valid UTF-8, as Text is.
        value : sequence of bytes-like
            Written one after the other.

        Returns
        -------
        offset, size : int
            Where it is in the file, without the sync marker before it.

        Raises
        ------
        ValueError
            When the record is larger than Hadoop can read.
        """
        name = _text(key)
        length = sum(map(len, value))
        total = len(name) + _NUMBER.size + length
        if total > MOST:
            raise ValueError(f"a record of {total:,} bytes; Hadoop reads no more than {MOST:,}")
        self._file.write(_ESCAPE + self._sync)
        offset = self.size + len(_ESCAPE) + _SYNC_SIZE
        self._file.write(_NUMBER.pack(total) + _NUMBER.pack(len(name)) + name
                         + _NUMBER.pack(length))
        for piece in value:
            self._file.write(piece)
        size = 2 * _NUMBER.size + total
        self.size = offset + size
        return offset, size


def read_header(read):
    """Read the header of a SequenceFile.

    Parameters
    ----------
    read : callable
        Takes an offset and a size, and returns bytes; fewer at the end of the file.

    Returns
    -------
    Header

    Raises
    ------
    Damaged
        When the file is none, or not of this kind.
    """
    start = read(0, LOOK)
    if start[:3] != _MAGIC:
        raise Damaged("it is no SequenceFile")
    if start[3:4] != bytes([_VERSION]):
        raise Damaged(f"it is a SequenceFile of version {start[3]}, not {_VERSION}"
                      if len(start) > 3 else "the file ends inside its header")
    while True:
        try:
            return _header(start)
        except EOFError as error:
            more = read(0, 2 * len(start))
            if len(more) == len(start) or len(start) > 1 << 24:
                raise Damaged("the file ends inside its header") from error
            start = more


def _header(start):
    key, at = _take_text(start, 4)
    value, at = _take_text(start, at)
    flags, at = _take(start, at, 2)
    if (key, value, flags) != (TEXT.encode(), BYTES.encode(), b"\0\0"):
        if flags != b"\0\0":
            raise Damaged("it is a compressed SequenceFile")
        classes = b" and ".join((key, value)).decode(errors="replace")
        raise Damaged(f"its records are of {classes[:200]}, not of Text and BytesWritable")
    number, at = _take(start, at, _NUMBER.size)
    words = []
    for _ in range(2 * max(0, _NUMBER.unpack(number)[0])):
        word, at = _take_text(start, at)
        words.append(word.decode(errors="replace"))
    sync, at = _take(start, at, _SYNC_SIZE)
    return Header(sync, at, dict(zip(words[::2], words[1::2])))


def read_record(data):
    """Return the key and the value of a record.

    Parameters
    ----------
    data : bytes-like
        The whole record, without a sync marker.

    Returns
    -------
    key : bytes
    value : memoryview

    Raises
    ------
    Damaged
    """
    record = _parsed(0, bytes(data[:LOOK]), lambda offset, size: bytes(data[offset:offset + size]))
    if record.size != len(data):
        raise Damaged(f"{len(data)} of the {record.size} bytes of a record")
    return record.key, memoryview(data)[record.value:]


def scan(read):
    """Yield the records of a file in their order, and what is lost between them.

    Values are passed over: memory and what is read grow with the keys alone. A record whose
    lengths do not agree is lost, with all up to the next sync marker. A value that is other
    than it was, at the same length, is for the reader of values to find.

    Parameters
    ----------
    read : callable
        As for `read_header`.

    Yields
    ------
    Record or Lost

    Raises
    ------
    Damaged
        When the header cannot be read: nothing says then what the sync marker is.
    """
    header = read_header(read)
    offset = header.end
    while True:
        # The last byte of what was passed over comes along, to see whether it is there.
        start = read(offset - 1, 1 + LOOK)
        if len(start) < 2:
            return
        start = start[1:]
        try:
            if start[: len(_ESCAPE)] == _ESCAPE:
                marker = start[len(_ESCAPE) : len(_ESCAPE) + _SYNC_SIZE]
                if marker != header.sync:
                    raise Damaged("the sync marker is another")
                offset += len(_ESCAPE) + _SYNC_SIZE
                continue
            record = _parsed(offset, start, read)
            end = offset + record.size
            if len(read(end - 1, 1)) < 1:
                raise Damaged("the file ends inside a record")
        except Damaged as damage:
            stop = _next_sync(read, header.sync, offset + 1)
            yield Lost(offset, stop, str(damage))
            offset = stop
            continue
        yield record
        offset = end


def _parsed(offset, start, read):
    """Return the record at an offset, of which the first bytes are given."""
    if len(start) < 2 * _NUMBER.size:
        raise Damaged("the file ends inside a record")
    total, name_size = (_NUMBER.unpack_from(start, k)[0] for k in (0, _NUMBER.size))
    if not 0 < name_size <= total - _NUMBER.size:
        raise Damaged("the lengths of a record do not agree")
    head = 2 * _NUMBER.size + name_size + _NUMBER.size
    if head > len(start):
        if name_size > _LONGEST_KEY:
            raise Damaged("the lengths of a record do not agree")
        start = read(offset, head)
    try:
        key, at = _take_text(start, 2 * _NUMBER.size)
        length, at = _take(start, at, _NUMBER.size)
    except EOFError as error:
        raise Damaged("the file ends inside a record") from error
    if at != head or _NUMBER.unpack(length)[0] != total - name_size - _NUMBER.size:
        raise Damaged("the lengths of a record do not agree")
    return Record(offset, 2 * _NUMBER.size + total, key, offset + head, _NUMBER.unpack(length)[0])


def _next_sync(read, sync, offset):
    """Return where the next sync marker begins, or the end of the file."""
    wanted = _ESCAPE + sync
    while True:
        chunk = read(offset, _STRIDE)
        found = chunk.find(wanted)
        if found >= 0:
            return offset + found
        if len(chunk) < _STRIDE:
            return offset + len(chunk)
        offset += len(chunk) - len(wanted) + 1


def read_framed(stream):
    """Yield the keys and values that Hadoop streaming hands to a mapper.

    Parameters
    ----------
    stream : binary file
        Standard input of a mapper with ``stream.map.input=rawbytes`` and the input format
        ``SequenceFileInputFormat``. A Text comes as it is in the file, behind four bytes of
        its length; of a BytesWritable the bytes alone, behind theirs.

    Yields
    ------
    key, value : bytes

    Raises
    ------
    Damaged
        When the input is something else, or ends inside a record.
    """
    while start := stream.read(_NUMBER.size):
        try:
            text = _framed(stream, start, _LONGEST_KEY)
            key, end = _take_text(text, 0)
            if end != len(text):
                raise Damaged("the keys of the input are no Text as raw bytes")
            value = _framed(stream, stream.read(_NUMBER.size), MOST)
        except EOFError as error:
            raise Damaged("the input ends inside a record") from error
        yield key, value
        del value


def framed(key, value):
    """Return a key and a value as Hadoop streaming hands them over."""
    text = _text(key)
    return b"".join([_NUMBER.pack(len(text)), text, _NUMBER.pack(len(value)), value])


def _framed(stream, start, most):
    if len(start) < _NUMBER.size:
        raise EOFError
    size = _NUMBER.unpack(start)[0]
    if not 0 <= size <= most:
        raise Damaged("the input is not framed: is stream.map.input=rawbytes set?")
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _text(data):
    """Return a Text: its length, then its bytes."""
    size = len(data)
    if size <= 127:
        return bytes([size]) + data
    count = (size.bit_length() + 7) // 8
    return bytes([256 - 112 - count]) + size.to_bytes(count, "big") + data


def _take_text(data, at):
    """Return the bytes of the Text at a place, and where it ends."""
    first, at = _take(data, at, 1)
    size = first[0]
    if size > 127:
        count = 256 - 112 - size
        if not 1 <= count <= 4:
            raise Damaged("the length of a text makes no sense")
        digits, at = _take(data, at, count)
        size = int.from_bytes(digits, "big")
    return _take(data, at, size)


def _take(data, at, size):
    if at + size > len(data):
        raise EOFError
    return data[at : at + size], at + size
