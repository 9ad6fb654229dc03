"""The Text of Hadoop: bytes of UTF-8 behind their length, a number of variable length."""

import struct

NUMBER = struct.Struct(">i")  # as Hadoop writes lengths everywhere else


class Damaged(ValueError):
    """The bytes are not those of a whole record, or of a header that can be read."""


def text(data: bytes) -> bytes:
    """Return a Text: its length, then its bytes."""
    size = len(data)
    if size <= 127:
        return bytes([size]) + data
    count = (size.bit_length() + 7) // 8
    return bytes([256 - 112 - count]) + size.to_bytes(count, "big") + data


def take_text(data: bytes, at: int) -> tuple[bytes, int]:
    """Return the bytes of the Text at a place, and where it ends."""
    first, at = take(data, at, 1)
    size = first[0]
    if size > 127:
        count = 256 - 112 - size
        if not 1 <= count <= 4:
            raise Damaged("the length of a text makes no sense")
        digits, at = take(data, at, count)
        size = int.from_bytes(digits, "big")
    return take(data, at, size)


def take(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    """Return bytes from a place on, and where they end; EOFError where they are not all there."""
    if at + size > len(data):
        raise EOFError
    return data[at : at + size], at + size
