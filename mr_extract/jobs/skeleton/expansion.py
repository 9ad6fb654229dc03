"""One line that means several images or planes of a file to one entry for each of them.

Only headers are read, so that the driver knows every image before a task starts.
Without a driver the mapper does the same, and comes to the same ids.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from math import prod

from mr_extract.failures import ImageFailure
from mr_extract.images.cubes import planes_of, single_plane, written
from mr_extract.images.extensions import chosen_unit
from mr_extract.images.units import NotPlain, Unit, list_units
from mr_extract.remarks import hearing
from mr_extract.storage.seekable import opened_in_parts
from mr_extract.text.entry import Entry
from mr_extract.text.fields import is_pattern
from mr_extract.unpacking import unpacking_reader

FIRST, ALL = "first", "all"
_AT_ONCE = 1024


def check_extensions(text: str) -> str:
    """Return what ``--extensions`` was given.

    Raises
    ------
    ValueError
        When it is neither ``first`` nor ``all`` nor a pattern between slashes.
    """
    if is_pattern(text):
        re.compile(text[1:-1])  # re.error is a ValueError only since Python 3.13
    elif text not in (FIRST, ALL):
        raise ValueError(f"{text!r} is none of first, all, /pattern/")
    return text


def expanded(entries: Iterable[Entry], extensions: str = FIRST, threads: int = 1,
             planes: str | None = None) -> Iterator[Entry]:
    """Yield entries, each that means several images or planes replaced by one for each.

    Parameters
    ----------
    entries : iterable of mr_extract.text.entry.Entry
        With ``ext`` a number or a name they pass as they are. ``*`` means every
        image, ``/pattern/`` every image whose EXTNAME matches it as a whole, upper
        and lower case being the same.
    extensions : str
        What an entry without ``ext`` means: ``first`` (it passes as it is), ``all``
        or a pattern.
    threads : int
        Files whose headers are read at the same time; with 1 no entry is taken
        before it is asked for.
    planes : str, optional
        What an entry without ``plane`` means, as `mr_extract.images.cubes` has it; by default
        the only plane of an image.

    Yields
    ------
    mr_extract.text.entry.Entry
        With ``ext`` the number of the unit, and ``plane`` the numbers of a plane; an ``id`` of
        its own gets them in brackets. An image of two axes that was not asked for planes by
        its own line has no ``plane``. A file of which this cannot be said stays one entry,
        with its `problem` and `kind`.
    """
    if threads == 1:
        for entry in entries:
            yield from _expand(entry, extensions, planes)
        return
    entries = iter(entries)
    with ThreadPoolExecutor(threads, "headers") as pool:
        while batch := list(islice(entries, _AT_ONCE)):
            futures = [
                pool.submit(_expand, entry, extensions, planes)
                if expands(entry, extensions, planes) else None for entry in batch
            ]
            for entry, future in zip(batch, futures):
                if future:
                    yield from future.result()
                else:
                    yield with_plane(entry, planes)


def image_units(uri: str, meant: str = "*") -> list[Unit]:
    """Return the units of a file that are meant.

    Parameters
    ----------
    uri : str
    meant : str
        ``*`` or ``/pattern/``.

    Returns
    -------
    list of mr_extract.images.units.Unit
        Images with at least two axes; also a unit in which the file breaks off, as
        images may be lost with it.

    Raises
    ------
    ImageFailure
        ``fetch-...``, ``not-fits``, ``truncated`` or ``corrupt`` when the headers cannot
        be read; as for `meant_images`.
    """
    return meant_images(file_units(uri), meant)


def file_units(uri: str) -> list[Unit]:
    """Return all units of a file, as `mr_extract.images.units.list_units` does.

    Of a remote file the headers alone are fetched; of a packed one all that stands
    before the last of them.

    Raises
    ------
    ImageFailure
        ``fetch-...``, ``not-fits``, ``truncated`` or ``corrupt``.
    """
    with opened_in_parts(uri) as file:
        try:
            with hearing():  # whoever measures an image says it
                return list_units(unpacking_reader(file))
        except NotPlain as odd:
            raise ImageFailure(
                "corrupt", f"its images cannot be listed ({odd}); name one with ext="
            ) from odd


def meant_images(units: Sequence[Unit], meant: str = "*") -> list[Unit]:
    """Return those of a file's units that are meant.

    Raises
    ------
    ImageFailure
        ``no-image``, ``not-two-dimensional`` or ``no-extension`` when none is.
    """
    images = [unit for unit in units if unit.is_plane or unit.cut]
    if not images and any(unit.is_image for unit in units):
        raise ImageFailure("not-two-dimensional",
                           f"none of {len(units)} units has two axes or more")
    if not images:
        raise ImageFailure("no-image", f"none of {len(units)} units holds an image")
    if meant == "*":
        return images
    pattern = re.compile(meant[1:-1], re.IGNORECASE)
    chosen = [unit for unit in images if unit.cut or pattern.fullmatch(unit.name)]
    if not chosen:
        names = ", ".join(dict.fromkeys(repr(unit.name) for unit in images))[:200]
        raise ImageFailure("no-extension", f"no EXTNAME of an image matches {meant}: {names}")
    return chosen


def meant_by(entry: Entry, extensions: str) -> str | None:
    """Return ``*`` or the pattern by which an entry means several images, else None."""
    if entry.problem:
        return None
    ext = entry.get("ext")
    if ext is None and extensions != FIRST:
        ext = "*" if extensions == ALL else extensions
    return ext if ext == "*" or is_pattern(ext) else None


def planes_by(entry: Entry, planes: str | None) -> str | None:
    """Return the text by which an entry means planes that headers must tell, else None."""
    text = entry.get("plane") or planes
    return text if text and not entry.problem and single_plane(text) is None else None


def expands(entry: Entry, extensions: str, planes: str | None) -> bool:
    """Tell whether an entry may mean several images."""
    if extensions == FIRST and not planes and not any(
        [name in ("ext", "plane") for name, _ in entry.fields]
    ):
        return False  # as of most lines, of which there may be millions
    return meant_by(entry, extensions) is not None or planes_by(entry, planes) is not None


def with_plane(entry: Entry, planes: str | None) -> Entry:
    """Return an entry with the one plane that ``--plane`` means, if it means one."""
    if not planes or entry.problem or entry.get("plane") or not single_plane(planes):
        return entry
    return Entry(entry.uri, (*entry.fields, ("plane", planes)))


def _expand(entry, extensions, planes):
    entry = with_plane(entry, planes)
    if not expands(entry, extensions, planes):
        return [entry]
    meant = meant_by(entry, extensions)
    try:
        with hearing():  # what must be said of the file is said by whoever measures it
            if meant is not None:
                units = image_units(entry.uri, meant)
            else:
                units = [chosen_unit(file_units(entry.uri), entry.ext)]
            found = []
            for unit in units:
                one = entry if meant is None else single(entry, unit.number)
                found += entries_of_planes(one, unit, planes)
            return found
    except ImageFailure as failure:
        return [replace(entry, problem=failure.message, kind=failure.kind)]


def entries_of_planes(entry: Entry, unit: Unit, planes: str | None) -> list[Entry]:
    """Return the entries of the planes of an image that an entry means.

    Parameters
    ----------
    entry : mr_extract.text.entry.Entry
    unit : mr_extract.images.units.Unit
        The image.
    planes : str
        As for `expanded`.

    Returns
    -------
    list of mr_extract.text.entry.Entry
        Their ``bytes`` are those of a plane. One that cannot be had is an entry with its
        `problem`, and others of the file are none the worse for it.
    """
    text = planes_by(entry, planes)
    if text is None or unit.cut:
        return [entry]
    try:
        found = planes_of(unit.shape, text)
    except ImageFailure as failure:
        return [replace(entry, problem=failure.message, kind=failure.kind)]
    if found == [()]:
        return [Entry(entry.uri, tuple(one for one in entry.fields if one[0] != "plane"))]
    return [_of_plane(entry, unit, written(plane)) for plane in found]


def _of_plane(entry, unit, plane):
    fields = []
    for name, value in entry.fields:
        if name == "bytes" and int(value):
            value = str(_bytes_of_plane(unit))
        if name != "plane":
            fields.append((name, f"{value}[plane={plane}]" if name == "id" else value))
    number = next((k + 1 for k, (name, _) in enumerate(fields) if name == "ext"), 0)
    fields.insert(number, ("plane", plane))
    return Entry(entry.uri, tuple(fields))


def _bytes_of_plane(unit):
    """Return the stored bytes of a plane, about."""
    return max(1, (unit.end - unit.data) // prod(unit.shape[:-2]))


def single(entry: Entry, number: int) -> Entry:
    """Return the entry of one unit of an entry's file."""
    fields = [("ext", str(number))]
    for name, value in entry.fields:
        if name != "ext":
            fields.append((name, f"{value}[{number}]" if name == "id" else value))
    return Entry(entry.uri, tuple(fields))
