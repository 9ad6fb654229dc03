"""Files without the gzip or bzip2 around them; needs no numpy."""

import zlib
from contextlib import contextmanager

from mr_extract.failures import ImageFailure

GZIP, BZIP2 = b"\x1f\x8b", b"BZh"


def unpack(buffer):
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
            import bz2

            return bz2.decompress(bytes(buffer))
    return buffer


def unpacking_reader(file):
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
    if magic.startswith(GZIP):
        import gzip

        stream = gzip.GzipFile(fileobj=file)
    elif magic == BZIP2:
        import bz2

        stream = bz2.BZ2File(file)
    elif magic:
        stream = file
    else:
        raise ImageFailure("empty-file", "the file has no bytes")

    def read(offset, size):
        with named_failures(magic):
            stream.seek(offset)
            return stream.read(size)
    return read


@contextmanager
def named_failures(magic):
    """Turn what the libraries raise into named failures."""
    try:
        yield
    except EOFError as error:
        packing = "bzip2" if magic == BZIP2 else "gzip"
        reason = "" if magic == BZIP2 else f" ({error})"
        raise ImageFailure("truncated", f"the {packing} stream breaks off{reason}") from error
    except (OSError, ValueError, zlib.error) as error:
        if getattr(error, "errno", None):
            raise ImageFailure("fetch-failed", f"{type(error).__name__}: {error.strerror}"
                               ) from error
        if magic == BZIP2 and "end-of-stream" in str(error):
            raise ImageFailure("truncated", "the bzip2 stream breaks off") from error
        raise ImageFailure("corrupt", f"the file cannot be unpacked ({error})") from error


def _gunzip(buffer):
    import gzip

    try:
        from isal import igzip, igzip_lib  # several times faster, the same bytes
    except ImportError:
        return gzip.decompress(buffer)
    try:
        return igzip.decompress(buffer)
    except (OSError, EOFError, igzip_lib.IsalError):
        # What is wrong must not be said in words that depend on what is installed.
        return gzip.decompress(buffer)
