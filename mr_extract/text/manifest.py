"""The text contract of manifests: one image a line.

A line is a URI or path, then optional tab-separated ``key=value`` fields.
Blank lines and lines that begin with ``#`` are passed over. Every other line
becomes an `Entry`, also one that cannot be understood: it keeps its place and
ends as a named failure.
"""

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from math import isfinite
from typing import TypeGuard

from mr_extract import addresses
from mr_extract.images.cubes import parse_planes, single_plane
from mr_extract.images.region import Region, looks_like_region, parse_region
from mr_extract.text.brackets import is_file

# Fields that change how the image is measured. The others are carried through
# to the accounting line of the image.
_MAPS = ("mask", "weight", "rms", "variance", "flags")
COMPANIONS = (*_MAPS, "calibration", "detect", *(f"detect_{name}" for name in _MAPS[:-1]),
              "positions")
REGIONS = ("region", "tile_core", "tile_origin")
PART = ("plane", *REGIONS)
USED = ("ext", "id", "bytes", "zero_point", "packed", *PART, *COMPANIONS)
# Names by which the accounting line says what was measured.
FACTS = ("sources", "rows", "background", "width", "height", "pixels", "hdu", "sha256",
         "version", "config", "images_in_file", "failed_sources", "failed_rows",
         "mask_sha256", "weight_sha256", "flags_sha256", "calibration_sha256", "detect_sha256",
         "detect_mask_sha256", "detect_weight_sha256", "targets_sha256", "assoc_sha256",
         "targets", "outside", "matched", "of_other_tiles", "detections", "elsewhere",
         "unplaced", "members", "no_epoch", "remarks")
RESERVED = ("flat",)

LONGEST = 65536  # bytes of a line

_FITS_NAME = re.compile(r"\.(fits|fit|fts)(\.(gz|bz2|fz))*$", re.IGNORECASE)
_BRACKETS = re.compile(r"(\[[^\[\]]+\])+$")
_PLANE = re.compile(r"(.+)\[plane=([^\[\]]+)\]")
_EXTENSION = re.compile(r"(.+)\[(/.+/|[^\[\]]+)\]")
_ORIGIN = re.compile(r"(\d{1,9}),(\d{1,9})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
# `#` would cut a row for readers with a comment option, a quote would swallow
# tabs; control characters and Unicode's line ends break lines.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029#\"]")


@dataclass(frozen=True, slots=True)  # slots: a driver may hold millions
class Entry:
    """One line of a manifest.

    Parameters
    ----------
    uri : str
        Where the image is.
    fields : tuple of (str, str)
        The ``key=value`` fields in their order.
    problem : str
        Why the line cannot be used, empty for a good one.
    kind : str
        The kind of failure that the problem is.
    """

    uri: str
    fields: tuple = ()
    problem: str = ""
    kind: str = "malformed-line"

    def get(self, name: str) -> str | None:
        """Return the value of a field, None for one that is not there."""
        for known, value in self.fields:
            if known == name:
                return value
        return None

    @property
    def id(self) -> str:
        """Identity in the catalog: the field ``id``, or URI, extension, plane and region.

        Of an address without what opens it, so that it can be published, and stays the same
        when the address is signed again.
        """
        # An empty one is a problem, and is reported under the path.
        given = self.get("id")
        return escaped(addresses.shown(given or self.uri) + ("" if given else self.part))

    @property
    def part(self) -> str:
        """What stands behind the URI: ``[2][plane=3][0:4096,0:4096]``."""
        named = (("", self.get("ext")), ("plane=", self.get("plane")), ("", self.get("region")))
        return "".join(f"[{name}{text}]" for name, text in named if text is not None)

    @property
    def plane(self) -> tuple[int, ...] | None:
        """The numbers of the plane that is meant, None where none is named, or several."""
        text = self.get("plane")
        return None if text is None else single_plane(text)

    @property
    def is_whole(self) -> bool:
        """It means all pixels of its image, and not a region or a plane."""
        return self.get("region") is None and self.get("plane") is None

    @property
    def region(self) -> Region | None:
        """The region of the image that is meant, None for all of it."""
        text = self.get("region")
        return None if text is None else parse_region(text)

    @property
    def core(self) -> Region | None:
        """The region whose sources are this line's, None for all that it finds."""
        text = self.get("tile_core")
        return None if text is None else parse_region(text)

    @property
    def origin(self) -> tuple[int, int]:
        """Where the first pixel of the file is in the image that it was cut from, as (x, y)."""
        x, y = map(int, (self.get("tile_origin") or "0,0").split(","))
        return x, y

    @property
    def ext(self) -> int | str | None:
        """The extension asked for: a number, a name, ``*``, ``/pattern/`` or None."""
        ext = self.get("ext")
        return int(ext) if ext is not None and ext.isdecimal() and len(ext) < 10 else ext

    def companion(self, *names: str) -> tuple[str, str] | None:
        """Return the one of the named fields that stands, as (name, value), or None."""
        return next((field for field in self.fields if field[0] in names), None)

    @property
    def carried(self) -> tuple[tuple[str, str], ...]:
        """The fields that only travel along, as (name, value) pairs in order of name."""
        return tuple(sorted((k, escaped(addresses.shown_within(v)))
                            for k, v in self.fields if k not in USED))

    @property
    def meaning(self) -> tuple[str, tuple[tuple[str, str], ...], str]:
        """All that makes it this line and no other: two with one id must agree in it."""
        fields = sorted(field for field in self.fields if field[0] not in ("id", "bytes"))
        return self.uri, tuple(fields), self.problem


def is_fits_name(path: str) -> bool:
    """Say whether a file name is that of a FITS image, compressed or not."""
    return _FITS_NAME.search(path) is not None


def is_image_name(path: str) -> bool:
    """Say whether a file name is that of a FITS image, perhaps with brackets behind it."""
    return is_fits_name(_BRACKETS.sub("", path))


def is_pattern(ext: str | None) -> TypeGuard[str]:
    """Say whether an extension is a pattern between slashes."""
    return ext is not None and len(ext) > 2 and ext[0] == ext[-1] == "/"


def escaped(text: str) -> str:
    """Return the text with what would break a row of the catalog as %XX."""
    return _UNSAFE.sub(lambda m: "".join(f"%{byte:02X}" for byte in m.group().encode()), text)


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
        text = line.decode("utf-8-sig")
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
        name = _field_name(name)
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
    return Entry(uri, fields, _problem(fields))


def _bracketed(uri):
    return None if not uri.endswith("]") or is_file(uri) else _EXTENSION.fullmatch(uri)


def _malformed(text, problem):
    if len(text) > 300:  # a file that is no manifest at all, perhaps
        text = f"{text[:200]}...{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return Entry(f"malformed:{text}", problem=problem)


def _problem(fields):
    strange, unfit = _problems_of_names(tuple(name for name, _ in fields))
    return strange or _problem_of_values(dict(fields), unfit)


# Manifests have few names of fields and many lines, so what is said of names is kept.
@lru_cache(1024)
def _field_name(text):
    """Return a name of a field, the same object for all lines; empty for what is none."""
    return sys.intern(text) if _NAME.fullmatch(text) else ""


@lru_cache(1024)
def _problems_of_names(names):
    """Return what is wrong with the names themselves, and what with them in a catalog."""
    for name in RESERVED:
        if name in names:
            return f"the field {name} is reserved and not supported yet", ""
    for name in names:
        near = _meant(name)
        if near:
            return f"the field {name} is not known; is {near} meant?", ""
    for name in names:
        if name in FACTS:
            return "", f"the catalog has a value {name} of its own; name the field otherwise"
    weights = [name for name in names if name in ("weight", "rms", "variance")]
    if len(weights) > 1:
        return "", f"the fields {weights[0]} and {weights[1]} exclude each other"
    return "", ""


def _problem_of_values(values, unfit):
    if values.get("id") == "":
        return "the field id is empty"
    ext = values.get("ext")
    if is_pattern(ext):
        try:
            re.compile(ext[1:-1])
        except re.error as error:
            return f"the pattern {ext} cannot be understood: {error}"
    if ext is not None and looks_like_region(ext):
        return f"the extension {ext} is written as a region is; region= takes it"
    if problem := _region_problem(*(values.get(name) for name in REGIONS)):
        return problem
    try:
        parse_planes(values.get("plane", "all"))
    except ValueError as error:
        return f"the field plane: {error}"
    size = values.get("bytes", "0")
    if not (size.isdecimal() and len(size) < 20):
        return "the field bytes is not a whole number"
    if unfit:
        return unfit
    try:
        if "zero_point" in values and not isfinite(float(values["zero_point"])):
            raise ValueError
    except ValueError:
        return "the field zero_point is not a number"
    return ""


def _region_problem(region, core, origin):
    """Return what is wrong with the fields that say which pixels are meant, or an empty text."""
    parsed = {}
    for name, text in zip(REGIONS, (region, core)):
        try:
            parsed[name] = None if text is None else parse_region(text)
        except ValueError as error:
            return f"the field {name}: {error}"
    if origin is not None and not _ORIGIN.fullmatch(origin):
        return f"the field tile_origin: {origin!r} is not of the form x,y (from 0)"
    if region is not None and origin is not None:
        return "the fields region and tile_origin exclude each other"
    if None not in parsed.values() and not parsed["tile_core"].within(parsed["region"]):
        return f"the tile_core {core} is not within the region {region}"
    return ""


def _plain(text):
    return text.lower().replace("_", "").replace("-", "").replace(".", "")


_KNOWN = {_plain(field): field for field in (*USED, *RESERVED)}


def _meant(name):
    """Return the known field that a name is a slip of, or None."""
    if name in _KNOWN.values():
        return None
    near = get_close_matches(_plain(name), _KNOWN, 1, 0.85)
    return _KNOWN[near[0]] if near else None


def format_line(entry: Entry) -> str:
    """Return the line of an entry as text, without a line end."""
    return "\t".join([entry.uri, *(f"{name}={value}" for name, value in entry.fields)])


def read_entries(lines: Iterable[bytes]) -> Iterator[Entry]:
    """Yield the entries of the lines (bytes) of a manifest."""
    for line in lines:
        entry = parse_line(line)
        if entry is not None:
            yield entry
