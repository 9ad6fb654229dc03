"""Files without the gzip or bzip2 around them; needs no numpy."""

import zlib

from mr_extract.failures import ImageFailure


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
    try:
        if magic[:2] == b"\x1f\x8b":
            return _gunzip(buffer)
        if magic == b"BZh":
            import bz2

            return bz2.decompress(bytes(buffer))
    except EOFError as error:
        raise ImageFailure("truncated", f"the gzip stream breaks off ({error})") from error
    except (OSError, ValueError, zlib.error) as error:
        if magic == b"BZh" and "end-of-stream" in str(error):
            raise ImageFailure("truncated", "the bzip2 stream breaks off") from error
        raise ImageFailure("corrupt", f"the file cannot be unpacked ({error})") from error
    return buffer


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
