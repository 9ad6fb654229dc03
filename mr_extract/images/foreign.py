"""What a file is that is no FITS file, and what to do about it."""

_LFS = b"version https://git-lfs"
_PICTURES = ((b"\x89PNG", "a PNG picture"), (b"\xff\xd8\xff", "a JPEG picture"),
             (b"PK\x03\x04", "a zip archive"), (b"\x89HDF", "an HDF5 file"),
             (b"%PDF", "a PDF document"))


def told(first: bytes) -> str:
    """Say what a file is by its first bytes, and what to do.

    Parameters
    ----------
    first : bytes
        Some hundred of them, or all there are.

    Returns
    -------
    str
    """
    if first.startswith(_LFS):
        return "it is a pointer of Git LFS, not the file: `git lfs pull` fetches it"
    text = first[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<error")):
        return ("it is a page of the web, such as servers give in place of a file: look at it, "
                "and fetch the file again")
    for magic, name in _PICTURES:
        if first.startswith(magic):
            return f"it is {name}"
    return f"the file begins with {first[:16]!r}"
