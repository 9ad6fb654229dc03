"""Bytes of a FITS file, packed or not, to an image."""

import zlib

from mr_extract.failures import ImageFailure
from mr_extract.images.plain import NotPlain, read_plain


def read_image(buffer, ext=None):
    """Read one image of a FITS file.

    What the file is is told by its first bytes, not by its name.

    Parameters
    ----------
    buffer : bytes-like
        The whole file: FITS, or FITS in gzip or bzip2.
    ext : int or str, optional
        Number (the primary is 0) or EXTNAME of the header and data unit; by
        default the first that holds an image.

    Returns
    -------
    Image

    Raises
    ------
    ImageFailure
        ``empty-file``, ``not-fits``, ``truncated``, ``corrupt``, ``no-image``,
        ``no-extension``, ``not-two-dimensional`` or ``unsupported-pixels``.
    """
    buffer = unpack(buffer)
    if bytes(buffer[:2]) == b"\x1f\x9d":
        raise ImageFailure("not-fits", "it is packed with compress (.Z); unpack it with gunzip")
    if bytes(buffer[:9]) != b"SIMPLE  =" and bytes(buffer[:6]) != b"SIMPLE":
        raise ImageFailure("not-fits", f"the file begins with {bytes(buffer[:16])!r}")
    try:
        return read_plain(buffer, ext)
    except NotPlain:
        from mr_extract.images.general import read_general

        return read_general(buffer, ext)


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
