"""Whether the lines of one file can be measured, as far as its first bytes tell."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.images.cards import BLOCK
from mr_extract.images.cubes import planes_of
from mr_extract.images.extensions import chosen_unit
from mr_extract.images.units import Unit
from mr_extract.jobs.skeleton.expansion import file_units, meant_images
from mr_extract.text.entry import Entry
from mr_extract.text.fields import COMPANIONS, is_pattern
from mr_extract.text.naming import parse_place
from preprocess.listing.header_fields import header_units

#: Id, kind (of mr_extract.failures) and message.
Problem = tuple[str, str, str]

_HELD = 1 << 14  # companions of which is remembered whether they are there: some serve many lines
_MAGIC = 6


class ImageCheck:
    """Check lines of files.

    Parameters
    ----------
    headers : bool
        Headers are read, too.
    """

    def __init__(self, headers: bool) -> None:
        self._headers = headers
        self._companion: Callable[[str], ImageFailure | None] = lru_cache(_HELD)(_failure_of)

    def problems(self, entries: Sequence[Entry]) -> list[Problem]:
        """Check entries that are of one file.

        Parameters
        ----------
        entries : sequence of mr_extract.text.entry.Entry
            Of one URI; a malformed one is alone.

        Returns
        -------
        list of (str, str, str)
            Id, kind and message of each problem.
        """
        if entries[0].problem:
            return [(entry.id, entry.kind, entry.problem) for entry in entries]
        try:
            size, packed = _opened(entries[0].uri)
        except ImageFailure as failure:
            found = [(entry.id, failure.kind, failure.message) for entry in entries]
        else:
            found = [problem for entry in entries for problem in _size_problem(entry, size)]
            if self._headers:
                found += _header_problems(entries, None if packed else size)
        for entry in entries:
            found += self._companion_problems(entry)
        return found

    def _companion_problems(self, entry: Entry) -> list[Problem]:
        found = []
        for name, value in entry.fields:
            place = parse_place(value) if name in COMPANIONS and value else None
            if place is not None and place.uri and (failure := self._companion(place.uri)):
                found.append((entry.id, failure.kind, f"{name} {place.uri}: {failure.message}"))
        return found


def _opened(uri: str) -> tuple[int | None, bool]:
    """Return the size of a file, and whether it is packed, if it can be read and may be FITS."""
    size = storage.stat(uri).size
    start = storage.read_range(uri, 0, _MAGIC)[0] if size != 0 else b""
    if not start:
        raise ImageFailure("empty-file", "the file has no bytes")
    packed = start[:2] == b"\x1f\x8b" or start[:3] == b"BZh"
    if not packed and start != b"SIMPLE":
        raise ImageFailure("not-fits", f"the file begins with {start!r}")
    return size, packed


def _failure_of(uri: str) -> ImageFailure | None:
    """Return what is wrong with a companion."""
    try:
        if storage.stat(uri).size == 0:
            raise ImageFailure("empty-file", "the file has no bytes")
        storage.read_range(uri, 0, 1)
    except ImageFailure as failure:
        return failure
    return None


def _size_problem(entry: Entry, size: int | None) -> list[Problem]:
    promised = entry.get("bytes")
    if not promised or size is None or int(promised) == size or not entry.is_whole:
        return []
    return [(entry.id, "fetch-changed", f"it has {size} bytes, the manifest says {promised}")]


def _header_problems(entries: Sequence[Entry], size: int | None) -> list[Problem]:
    """Return what headers tell; with a size also of an image that is not all there."""
    found = []
    units: list[Unit] = []
    for entry in entries:
        meant = entry.get("ext")
        many = meant if meant == "*" or is_pattern(meant) else None
        inner = _inner_extensions(entry)
        try:
            if many or inner or len(entries) > 1:
                units = units or file_units(entry.uri)
                chosen = meant_images(units, many) if many else [chosen_unit(units, entry.ext)]
            else:
                chosen = header_units(entry.uri, entry.ext)[-1:]
            plane = entry.get("plane")
            for unit in chosen:
                if plane and not unit.cut:
                    planes_of(unit.shape, plane)
            for ext in inner:
                chosen.append(chosen_unit(units, ext))
        except ImageFailure as failure:
            found.append((entry.id, failure.kind, failure.message))
            continue
        region = entry.region
        for unit in chosen:
            if region and unit.is_plane and (problem := region.outside(unit.shape[-2:])):
                found.append((entry.id, "bad-region", problem))
        cut = [unit for unit in chosen if unit.cut or (size and unit.end - BLOCK >= size)]
        if cut:
            found.append((entry.id, "truncated", f"the file ends inside unit {cut[0].number}"))
    return found


def _inner_extensions(entry: Entry) -> list[int | str | None]:
    """Return the extensions of the image's own file that are its companions."""
    places = [parse_place(value) for name, value in entry.fields if name in COMPANIONS and value]
    return [place.ext for place in places if not place.uri]
