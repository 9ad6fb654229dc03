"""Files without the gzip, bzip2 or compress around them; needs no numpy.

Bytes behind the last stream are not looked at, as gunzip and bunzip2 have it, but said;
zeros there are not worth a word, as tapes and blocks end in them.
"""

import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from mr_extract.failures import ImageFailure
from mr_extract.remarks import say

GZIP, BZIP2, LZW = b"\x1f\x8b", b"BZh", b"\x1f\x9d"
_PACKED_AT_ONCE, _AT_ONCE = 1 << 16, 1 << 20  # bytes


def unpack(buffer: bytes) -> bytes:
    """Return the bytes of a file without gzip or bzip2 around them.

    Raises
    ------
    ImageFailure
        ``empty-file``, ``truncated`` or ``corrupt``.
    """
    if len(buffer) == 0:
        raise ImageFailure("empty-file", "the file has no bytes")
    magic = bytes(buffer[:3])
    with named_failures(magic):
        if magic.startswith(GZIP):
            return _gunzip(buffer)
        if magic == BZIP2:
            return _Stream(io.BytesIO(buffer), magic).rest()
        if magic.startswith(LZW):
            return _of_compress(io.BytesIO(buffer)).read()
    return buffer


def unpacking_reader(file: BinaryIO) -> Callable[[int, int], bytes]:
    """Return a function that reads from a file what stands within its gzip or bzip2.

    Parameters
    ----------
    file : binary file
        Open for reading and seeking. An unpacked one is sought in, a packed one is
        unpacked as far as needed; to go back in it is to begin again.

    Returns
    -------
    callable
        ``read(offset, size) -> bytes``, fewer at the end of the file. It raises
        ImageFailure: ``empty-file``, ``truncated``, ``corrupt`` or ``fetch-failed``.
    """
    magic = file.read(3)
    file.seek(0)
    if magic.startswith(GZIP) or magic == BZIP2:
        stream: BinaryIO | _Stream = _Stream(file, magic)
    elif magic.startswith(LZW):
        stream = _of_compress(file)
    elif magic:
        stream = file
    else:
        raise ImageFailure("empty-file", "the file has no bytes")

    def read(offset, size):
        with named_failures(magic):
            stream.seek(offset)
            return stream.read(size)
    return read


def _of_compress(file):
    """Return what stands within the LZW of Unix compress, as a file."""
    try:
        from uncompresspy import LZWFile
    except ImportError:
        raise ImageFailure("not-fits", "it is packed with compress (.Z): unpack it with gunzip, "
                                       "or pip install 'mr_extract[compress]'") from None
    return LZWFile(file)


class _Stream:
    """What stands within the gzip or bzip2 of a file, which may be several streams."""

    def __init__(self, file, magic):
        self._file, self._magic = file, GZIP if magic.startswith(GZIP) else BZIP2
        self._begin()

    def _begin(self):
        self._file.seek(0)
        self._decoder = self._new_decoder()
        self._packed, self._ready, self._offset, self._ended = b"", b"", 0, False

    def _new_decoder(self):
        if self._magic == GZIP:
            return zlib.decompressobj(31)
        import bz2

        return bz2.BZ2Decompressor()

    def seek(self, offset):
        """Go to an offset of what is unpacked."""
        if offset < self._offset:
            self._begin()
        while offset > self._offset and self.read(min(offset - self._offset, _AT_ONCE)):
            pass

    def read(self, size):
        """Return so many bytes, fewer at the end."""
        pieces, left = [], size
        while left and (self._ready or self._fill()):
            piece, self._ready = self._ready[:left], self._ready[left:]
            pieces.append(piece)
            left -= len(piece)
        self._offset += size - left
        return b"".join(pieces)

    def rest(self):
        """Return all that is left."""
        pieces = []
        while piece := self.read(_AT_ONCE):
            pieces.append(piece)
        return b"".join(pieces)

    def _fill(self):
        """Unpack some more; return whether there is any."""
        while not self._ready and not self._ended:
            decoder = self._decoder
            if decoder.eof:
                self._next_stream(decoder.unused_data)
                continue
            # bzip2's keeps what it could not use yet, zlib's gives it back.
            full = not getattr(decoder, "needs_input", True)
            packed = b"" if full else self._packed or self._file.read(_PACKED_AT_ONCE)
            self._ready = decoder.decompress(packed, _AT_ONCE)
            if not full:
                self._packed = getattr(decoder, "unconsumed_tail", b"")
            if not (packed or full or self._ready or decoder.eof):
                raise EOFError("Compressed file ended before the end-of-stream marker was reached")
        return bool(self._ready)

    def _next_stream(self, packed):
        packed = packed.lstrip(b"\0")
        while len(packed) < len(self._magic) and (more := self._file.read(_PACKED_AT_ONCE)):
            packed = (packed + more).lstrip(b"\0")
        if packed.startswith(self._magic):
            self._packed, self._decoder = packed, self._new_decoder()
            return
        self._ended = True
        behind = len(packed)
        while behind and (more := self._file.read(_PACKED_AT_ONCE)):
            behind += len(more)
        if behind:
            packing = "gzip" if self._magic == GZIP else "bzip2"
            say("trailing-bytes", f"{behind} bytes behind the end of the {packing} stream")


@contextmanager
def named_failures(magic: bytes) -> Iterator[None]:
    """Turn what the libraries raise into named failures."""
    try:
        yield
    except EOFError as error:
        packing = "bzip2" if magic == BZIP2 else "gzip"
        reason = "" if magic == BZIP2 else f" ({error})"
        raise ImageFailure("truncated", f"the {packing} stream breaks off{reason}") from error
    except (OSError, ValueError, zlib.error) as error:
        if getattr(error, "errno", None):
            why = getattr(error, "strerror", None)
            raise ImageFailure("fetch-failed", f"{type(error).__name__}: {why}") from error
        raise ImageFailure("corrupt", f"the file cannot be unpacked ({error})") from error


def _gunzip(buffer):
    import gzip

    wrong = (OSError, EOFError, zlib.error)
    try:
        from isal import igzip, igzip_lib  # several times faster, the same bytes

        decompress, wrong = igzip.decompress, (*wrong, igzip_lib.IsalError)
    except ImportError:
        decompress = gzip.decompress
    try:
        return decompress(buffer)
    except wrong:
        # What is wrong must not be said in words that depend on what is installed.
        return _Stream(io.BytesIO(buffer), GZIP).rest()
