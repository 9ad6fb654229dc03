"""Keys and values as Hadoop streaming hands them to a mapper as raw bytes."""

from collections.abc import Iterator
from typing import BinaryIO

from mr_extract.packed.hadoop_text import NUMBER, Damaged, take_text, text
from mr_extract.packed.sequencefile import LONGEST_KEY, MOST


def read_framed(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
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
    while start := stream.read(NUMBER.size):
        try:
            key_text = _framed(stream, start, LONGEST_KEY)
            key, end = take_text(key_text, 0)
            if end != len(key_text):
                raise Damaged("the keys of the input are no Text as raw bytes")
            value = _framed(stream, stream.read(NUMBER.size), MOST)
        except EOFError as error:
            raise Damaged("the input ends inside a record") from error
        yield key, value
        del value


def framed(key: bytes, value: bytes) -> bytes:
    """Return a key and a value as Hadoop streaming hands them over."""
    name = text(key)
    return b"".join([NUMBER.pack(len(name)), name, NUMBER.pack(len(value)), value])


def _framed(stream, start, most):
    if len(start) < NUMBER.size:
        raise EOFError
    size = NUMBER.unpack(start)[0]
    if not 0 <= size <= most:
        raise Damaged("the input is not framed: is stream.map.input=rawbytes set?")
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data
