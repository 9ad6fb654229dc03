"""The text contract of manifests: one image a line.

A line is a URI or path, then optional tab-separated ``key=value`` fields.
Blank lines and lines that begin with ``#`` are passed over. Every other line
becomes an `Entry`, also one that cannot be understood: it keeps its place and
ends as a named failure.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator

from mr_extract.images.region import looks_like_region
from mr_extract.text.brackets import is_file
from mr_extract.text.entry import Entry
from mr_extract.text.fields import field_name, problem_of

LONGEST = 65536  # bytes of a line

_FITS_NAME = re.compile(r"\.(fits|fit|fts)(\.(gz|bz2|fz))*$", re.IGNORECASE)
_BRACKETS = re.compile(r"(\[[^\[\]]+\])+$")
_PLANE = re.compile(r"(.+)\[plane=([^\[\]]+)\]")
_EXTENSION = re.compile(r"(.+)\[(/.+/|[^\[\]]+)\]")


def is_fits_name(path: str) -> bool:
    """Say whether a file name is that of a FITS image, compressed or not."""
    return _FITS_NAME.search(path) is not None


def is_image_name(path: str) -> bool:
    """Say whether a file name is that of a FITS image, perhaps with brackets behind it."""
    return is_fits_name(_BRACKETS.sub("", path))


def parse_line(line: bytes) -> Entry | None:
    r"""Read one line of a manifest.

    Parameters
    ----------
    line : bytes
        With or without its line end.

    Returns
    -------
    Entry or None
        None for a blank line or a comment.

    Examples
    --------
    >>> parse_line(b"night1/frame.fits\text=2\tfilter=r\n").id
    'night1/frame.fits[2]'
    """
    if len(line) > LONGEST:
        start = line[:200].decode("utf-8", "backslashreplace").strip()
        digest = hashlib.sha256(line.strip()).hexdigest()[:16]
        return Entry(f"malformed:{start}...{digest}", problem=f"the line has {len(line)} bytes")
    try:
        text = line.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        return _malformed(line.strip().decode("utf-8", "backslashreplace"),
                          "the line is not UTF-8")
    text = text.strip()
    if not text or text.startswith("#"):
        return None
    if "\0" in text:
        return _malformed(text, "the line holds a NUL character")
    uri, *rest = text.split("\t")
    fields = {}
    for part in rest:
        part = part.strip()
        if not part:
            continue
        name, equals, value = part.partition("=")
        name = field_name(name)
        if not equals or not name:
            return _malformed(text, f"{part!r} is not of the form key=value")
        if name in fields:
            return _malformed(text, f"the field {name} stands twice")
        fields[name] = value
    uri = uri.strip()
    if not uri:
        return _malformed(text, "the line has no path")
    return checked(uri, fields.items())


def checked(uri: str, fields: Iterable[tuple[str, str]] = ()) -> Entry:
    """Return the entry of a URI, which may end in ``[extension][plane=N][region]``, and fields.

    Parameters
    ----------
    uri : str
    fields : sequence of (str, str)

    Returns
    -------
    Entry
        With its `problem` named, if it has one. Brackets of a file of this machine that is
        called so are part of its name.
    """
    fields = tuple(fields)
    bracketed = _bracketed(uri)
    if bracketed and looks_like_region(bracketed.group(2)) and "region" not in dict(fields):
        uri, region = bracketed.groups()
        fields = (("region", region), *fields)
        bracketed = _bracketed(uri)
    plane = bracketed and _PLANE.fullmatch(uri)
    if plane and "plane" not in dict(fields):
        uri, text = plane.groups()
        fields = (("plane", text), *fields)
        bracketed = _bracketed(uri)
    if bracketed and "ext" not in dict(fields):
        uri, ext = bracketed.groups()
        fields = (("ext", ext), *fields)
    return Entry(uri, fields, problem_of(fields))


def _bracketed(uri):
    return None if not uri.endswith("]") or is_file(uri) else _EXTENSION.fullmatch(uri)


def _malformed(text, problem):
    if len(text) > 300:  # a file that is no manifest at all, perhaps
        text = f"{text[:200]}...{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return Entry(f"malformed:{text}", problem=problem)


def format_line(entry: Entry) -> str:
    """Return the line of an entry as text, without a line end."""
    return "\t".join([entry.uri, *[f"{name}={value}" for name, value in entry.fields]])


def read_entries(lines: Iterable[bytes]) -> Iterator[Entry]:
    """Yield the entries of the lines (bytes) of a manifest."""
    for line in lines:
        entry = parse_line(line)
        if entry is not None:
            yield entry
