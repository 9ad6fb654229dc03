"""One line that means several images of a file to one entry for each of them.

Only headers are read, so that the driver knows every image before a task starts.
Without a driver the mapper does the same, and comes to the same ids.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

from mr_extract.failures import ImageFailure
from mr_extract.images.units import NotPlain, list_units
from mr_extract.remarks import hearing
from mr_extract.storage.seekable import opened_in_parts
from mr_extract.text.manifest import Entry, is_pattern
from mr_extract.unpacking import unpacking_reader

FIRST, ALL = "first", "all"
_AT_ONCE = 1024


def check_extensions(text):
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


def expanded(entries, extensions=FIRST, threads=1):
    """Yield entries, each that means several images replaced by one for each image.

    Parameters
    ----------
    entries : iterable of mr_extract.text.manifest.Entry
        With ``ext`` a number or a name they pass as they are. ``*`` means every
        image, ``/pattern/`` every image whose EXTNAME matches it as a whole, upper
        and lower case being the same.
    extensions : str
        What an entry without ``ext`` means: ``first`` (it passes as it is), ``all``
        or a pattern.
    threads : int
        Files whose headers are read at the same time; with 1 no entry is taken
        before it is asked for.

    Yields
    ------
    mr_extract.text.manifest.Entry
        With ``ext`` the number of the unit; an ``id`` of its own gets it in brackets. A
        file of which this cannot be said stays one entry, with its `problem` and `kind`.
    """
    if threads == 1:
        for entry in entries:
            yield from _expand(entry, extensions)
        return
    entries = iter(entries)
    with ThreadPoolExecutor(threads, "headers") as pool:
        while batch := list(islice(entries, _AT_ONCE)):
            futures = [
                pool.submit(_expand, entry, extensions) if meant_by(entry, extensions) else None
                for entry in batch
            ]
            for entry, future in zip(batch, futures):
                yield from future.result() if future else (entry,)


def image_units(uri, meant="*"):
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


def file_units(uri):
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


def meant_images(units, meant="*"):
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


def meant_by(entry, extensions):
    """Return ``*`` or the pattern by which an entry means several images, else None."""
    if entry.problem:
        return None
    ext = entry.get("ext")
    if ext is None and extensions != FIRST:
        ext = "*" if extensions == ALL else extensions
    return ext if ext == "*" or is_pattern(ext) else None


def _expand(entry, extensions):
    meant = meant_by(entry, extensions)
    if meant is None:
        return [entry]
    try:
        with hearing():  # what must be said of the file is said by whoever measures it
            return [single(entry, unit.number) for unit in image_units(entry.uri, meant)]
    except ImageFailure as failure:
        return [replace(entry, problem=failure.message, kind=failure.kind)]


def single(entry, number):
    """Return the entry of one unit of an entry's file."""
    fields = [("ext", str(number))]
    for name, value in entry.fields:
        if name != "ext":
            fields.append((name, f"{value}[{number}]" if name == "id" else value))
    return Entry(entry.uri, tuple(fields))

