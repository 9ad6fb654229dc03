"""Bytes of a FITS file, packed or not, to an image."""

from mr_extract.failures import ImageFailure
from mr_extract.images.plain import NotPlain, read_plain
from mr_extract.unpacking import unpack


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
    if bytes(buffer[:6]) != b"SIMPLE":
        raise ImageFailure("not-fits", f"the file begins with {bytes(buffer[:16])!r}")
    try:
        return read_plain(buffer, ext)
    except NotPlain:
        from mr_extract.images.general import read_general

        return read_general(buffer, ext)
