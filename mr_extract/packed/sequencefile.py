"""SequenceFiles of Hadoop: records of a key (Text) and a value (BytesWritable).

Version 6, not compressed. Before each record that is written stands the file's sync
marker, so that Hadoop may split the file anywhere and a damaged record costs no other.

The format is that of ``org.apache.hadoop.io.SequenceFile``: a header (``SEQ``, version, the
names of both classes, two flags of compression, metadata, 16 bytes of sync marker), then
records: length of key and value, length of the key, key, value. A length of -1 says that
the sync marker follows. Numbers are big-endian; a Text begins with its length as a number
of variable length (``WritableUtils.writeVLong``), a BytesWritable with four bytes of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mr_extract.packed.hadoop_text import NUMBER, Damaged, take, take_text

TEXT, BYTES = "org.apache.hadoop.io.Text", "org.apache.hadoop.io.BytesWritable"
MOST = (1 << 31) - (1 << 20)  # bytes of a record: an array of Java holds no more
MAGIC, VERSION = b"SEQ", 6
ESCAPE = NUMBER.pack(-1)
SYNC_SIZE = 16
LOOK = 4096  # what is read of a record to find its key
LONGEST_KEY = 1 << 26
_STRIDE = 1 << 20  # what is read at once to find a sync marker
Read = Callable[[int, int], bytes]  # of an offset and a size; fewer bytes at a file's end


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


def read_header(read: Read) -> Header:
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
    if start[:3] != MAGIC:
        raise Damaged("it is no SequenceFile")
    if start[3:4] != bytes([VERSION]):
        raise Damaged(f"it is a SequenceFile of version {start[3]}, not {VERSION}"
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
    key, at = take_text(start, 4)
    value, at = take_text(start, at)
    flags, at = take(start, at, 2)
    if (key, value, flags) != (TEXT.encode(), BYTES.encode(), b"\0\0"):
        if flags != b"\0\0":
            raise Damaged("it is a compressed SequenceFile")
        classes = b" and ".join((key, value)).decode(errors="replace")
        raise Damaged(f"its records are of {classes[:200]}, not of Text and BytesWritable")
    number, at = take(start, at, NUMBER.size)
    words = []
    for _ in range(2 * max(0, NUMBER.unpack(number)[0])):
        word, at = take_text(start, at)
        words.append(word.decode(errors="replace"))
    sync, at = take(start, at, SYNC_SIZE)
    return Header(sync, at, dict(zip(words[::2], words[1::2])))


def read_record(data: bytes) -> tuple[bytes, memoryview]:
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


def scan(read: Read) -> Iterator[Record | Lost]:
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
            if start[: len(ESCAPE)] == ESCAPE:
                marker = start[len(ESCAPE) : len(ESCAPE) + SYNC_SIZE]
                if marker != header.sync:
                    raise Damaged("the sync marker is another")
                offset += len(ESCAPE) + SYNC_SIZE
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
    if len(start) < 2 * NUMBER.size:
        raise Damaged("the file ends inside a record")
    total, name_size = (NUMBER.unpack_from(start, k)[0] for k in (0, NUMBER.size))
    if not 0 < name_size <= total - NUMBER.size:
        raise Damaged("the lengths of a record do not agree")
    head = 2 * NUMBER.size + name_size + NUMBER.size
    if head > len(start):
        if name_size > LONGEST_KEY:
            raise Damaged("the lengths of a record do not agree")
        start = read(offset, head)
    try:
        key, at = take_text(start, 2 * NUMBER.size)
        length, at = take(start, at, NUMBER.size)
    except EOFError as error:
        raise Damaged("the file ends inside a record") from error
    if at != head or NUMBER.unpack(length)[0] != total - name_size - NUMBER.size:
        raise Damaged("the lengths of a record do not agree")
    return Record(offset, 2 * NUMBER.size + total, key, offset + head, NUMBER.unpack(length)[0])


def _next_sync(read, sync, offset):
    """Return where the next sync marker begins, or the end of the file."""
    wanted = ESCAPE + sync
    while True:
        chunk = read(offset, _STRIDE)
        found = chunk.find(wanted)
        if found >= 0:
            return offset + found
        if len(chunk) < _STRIDE:
            return offset + len(chunk)
        offset += len(chunk) - len(wanted) + 1
