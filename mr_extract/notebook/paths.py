"""Paths that a notebook gives, with an extension and a plane behind their name, perhaps."""

import os
import re
from typing import Any

from mr_extract.images.region import looks_like_region
from mr_extract.unpacking import unpack

_PLANE = re.compile(r"(.+)\[plane=([^\[\]]+)\]")
_EXTENSION = re.compile(r"(.+)\[([^\[\]]+)\]")


def is_path(value: Any) -> bool:
    """Tell a path from an array or an object."""
    return isinstance(value, (str, os.PathLike))


def names_extension(source: Any, ext: int | str | None) -> bool:
    """Say whether an extension of a path is asked for."""
    return is_path(source) and (ext is not None or _split(_split_plane(source)[0])[1] is not None)


def opened(path: str | os.PathLike) -> tuple[bytes, int | str | None, str | None]:
    """Return a file, unpacked, and the extension and plane that its path names, or None."""
    path, plane = _split_plane(path)
    path, ext = _split(path)
    if ext is not None:
        ext = ext.strip()
        if looks_like_region(ext):
            raise ValueError(f"[{ext}] is a region, which a manifest may name: here, give a slice "
                             "of the array")
        ext = int(ext) if ext.isdecimal() and len(ext) < 10 else ext
    with open(path, "rb") as file:
        return unpack(file.read()), ext, plane


def _split(path):
    """Return a path, and the extension that stands behind it, or None; a file wins."""
    path = os.fspath(path)
    match = _EXTENSION.fullmatch(path) if isinstance(path, str) else None
    return match.groups() if match and not os.path.exists(path) else (path, None)


def _split_plane(path):
    """Return a path, and the plane that stands behind it, or None; a file wins."""
    path = os.fspath(path)
    match = _PLANE.fullmatch(path) if isinstance(path, str) else None
    return match.groups() if match and not os.path.exists(path) else (path, None)
