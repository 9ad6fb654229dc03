"""What a function of the user's is given of one image, by the names of its parameters."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mr_extract.failures import ImageFailure
from mr_extract.jobs.function.signature import Signature
from mr_extract.remarks import say
from mr_extract.text.fields import COMPANIONS

if TYPE_CHECKING:
    from mr_extract.jobs.task.line import Line

_PACKED = re.compile(r"\.(gz|bz2)$", re.IGNORECASE)
_BY_ASTROPY = {"hdul", "data", "header", "wcs"}
_WHOLE = {"path", "file", "hdul", "header", "wcs"}  # of a part of an image there are none


def with_arguments(line: Line, wanted: Signature, given: Mapping[str, Any], place: str,
                   call: Callable[[dict[str, Any]], Any]) -> Any:
    """Return what `call` makes of the arguments of a function.

    Parameters
    ----------
    line : mr_extract.jobs.task.line.Line
    wanted : Signature
    given : dict of str to object
        What all images share, by name.
    place : str
        A folder for a local copy.
    call : callable
        Takes them by name, while files are open.

    Raises
    ------
    ImageFailure
        As fetching and reading name it, ``broken-wcs``, and ``malformed-line`` where the line
        lacks a field.
    """
    asked = {*wanted.names}
    found = {**given, **_of_the_line(line, wanted, given)}
    if "image" in asked:
        found["image"] = line.image(keep_file=True)
    else:
        _say_unused(line)
    if not line.entry.is_whole:
        return call(_of_a_part(line, asked, found))
    content = line.file[0] if line.file is not None else line.content()
    line.lap("read")
    if "path" in asked:
        found["path"] = _copied(line, content, place)
    if "file" in asked:
        found["file"] = io.BytesIO(content)
    if not asked & _BY_ASTROPY:
        line.lap("arguments")
        return call(found)
    from mr_extract.images.through_astropy import opened

    def use(units):
        arguments = _with_units(line, asked, found, units)
        try:
            return call(arguments), None
        except BaseException as error:  # which says nothing of the file
            return None, error

    value, error = opened(content, use)
    if error is not None:
        raise error
    return value


def _of_the_line(line, wanted, given):
    entry = line.entry
    own = {"id": entry.id, "uri": entry.uri, "fields": dict(entry.fields)}
    found = {name: value for name, value in own.items() if name in wanted.names}
    for name in wanted.names:
        if name in own or name in given:
            continue
        text = entry.get(name)
        if text is not None and name not in _WHOLE | {"data", "image"}:
            found[name] = _as_asked(name, text, wanted)
        elif name not in wanted.optional and name not in _WHOLE | {"data", "image"}:
            raise ImageFailure("malformed-line", f"the function wants {name}, and the line has no "
                                                 f"field {name}")
    return found


def _as_asked(name, text, wanted):
    kind = wanted.numbers.get(name)
    try:
        return kind(text) if kind else text
    except ValueError:
        raise ImageFailure("malformed-line", f"the function wants a number of the field {name}, "
                                             f"which is {text!r}") from None


def _of_a_part(line, asked, found):
    if lacking := sorted(asked & _WHOLE):
        raise ImageFailure("function-failed", f"the function wants {', '.join(lacking)}, which a "
                                              "part of an image has not: it has data and image")
    if "data" in asked:
        found["data"] = (found.get("image") or line.image(keep_file=True)).data.copy()
    elif "image" not in asked:
        line.image(keep_file=True)  # of which the line says what it was
    line.lap("arguments")
    return found


def _copied(line, content, place):
    name = _PACKED.sub("", line.entry.uri.partition("?")[0].rpartition("/")[2]) or "image.fits"
    path = os.path.join(place, name)
    try:
        with open(path, "wb") as file:
            file.write(content)
    except OSError as error:
        raise ImageFailure("function-failed", f"a copy of the file could not be made: "
                                              f"{error.strerror}") from error
    return path


def _with_units(line, asked, found, units):
    if "hdul" in asked:
        found["hdul"] = units
    if asked & {"data", "header", "wcs"}:
        from mr_extract.images.extensions import chosen_unit
        from mr_extract.images.through_astropy import listed_units

        unit = units[chosen_unit(listed_units(units), line.entry.ext).number]
        line.images = sum(one.is_image and len(one.shape) > 1 for one in units)
        if "wcs" in asked:
            found["wcs"] = _coordinates(unit.header, units)
        if "header" in asked:
            found["header"] = unit.header
        if "data" in asked:
            found["data"] = unit.data
    line.lap("arguments")
    return found


def _coordinates(header, units):
    from astropy.wcs import WCS

    try:
        return WCS(header, fobj=units)
    except Exception as error:  # wcslib has many, and astropy raises nearly every class there is
        raise ImageFailure("broken-wcs", f"{type(error).__name__}: "
                           f"{' '.join(str(error).split())[:300]}") from error


def _say_unused(line):
    for name, value in line.entry.fields:
        if name in COMPANIONS and value:
            say("not-used", f"the field {name}, as the function does not ask for the image")
