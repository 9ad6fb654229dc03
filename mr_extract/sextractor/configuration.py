"""A SExtractor configuration to settings."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from mr_extract.settings.config import Config
from mr_extract.sextractor.asked_parameters import is_parameter, split
from mr_extract.sextractor.files import found_beside, read_kernel, read_parameters
from mr_extract.sextractor.keywords import KEYWORDS
from mr_extract.sextractor.meanings import CHECK_IMAGES
from mr_extract.sextractor.refused import Refused, refuse_all
from mr_extract.sextractor.syntax import read_lines
from mr_extract.sextractor.values import Values


def settings_from(path: str, chosen: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Read a configuration.

    Parameters
    ----------
    path : str
        A ``.sex`` file.
    chosen : dict of str to object, optional
        Settings that stand above the file: the files that they replace are not read.

    Returns
    -------
    dict of str to object
        Settings by name, for `Config.updated`: all that the file says or leaves to
        SExtractor's defaults, and those of `chosen`.

    Raises
    ------
    ValueError
        When it cannot be read.
    Refused
        With a reason for each keyword that is none, value that is none, and value that
        would have an effect that is not to be had here; it names file, line and keyword.
    """
    chosen = dict(chosen or {})
    lines = {line.keyword: line for line in read_lines(path)}
    values = Values(given=set(lines))
    wrong = {}  # keyword to reason: of each the first is said

    def place(name):
        if name in lines:
            return f"{path}, line {lines[name].number}: {name}"
        return f"{path}: {name} (not set, {KEYWORDS[name].default} in SExtractor)"

    for name in [name for name in lines if name not in KEYWORDS]:
        near = get_close_matches(name, KEYWORDS, 1)
        hint = f"; is {near[0]} meant?" if near else ""
        wrong[name] = f"{path}, line {lines[name].number}: SExtractor has no keyword {name}{hint}"
    for name, keyword in KEYWORDS.items():
        values.all[name] = _read(keyword, keyword.default.split())
        try:
            if name in lines:
                values.all[name] = _read(keyword, lines[name].values, lines[name].problem)
        except ValueError as error:
            wrong[name] = f"{place(name)}: {error}"
    found = {"names": "sextractor", **_files(values, path, chosen, place, wrong)}
    columns = chosen.get("columns", found.get("columns", ()))
    values.chosen = set(chosen)
    values.asked = {split(name)[0] for name in columns if is_parameter(name)}
    for name in [name for name in KEYWORDS if name not in wrong]:
        try:
            found |= _meaning(KEYWORDS[name], values, chosen)
        except ValueError as error:
            wrong[name] = f"{place(name)}: {error}"
    # In the order of the file, then what it leaves out.
    refuse_all([wrong[name] for name in dict.fromkeys((*lines, *wrong)) if name in wrong])
    return found | chosen


def check_images_of(path: str) -> tuple[str, ...]:
    """Return the kinds of check images that a configuration asks for, by our names.

    `settings_from` refuses those that are not made here.
    """
    lines = [line for line in read_lines(path) if line.keyword == "CHECKIMAGE_TYPE"]
    words = lines[-1].values if lines else ()
    return tuple(dict.fromkeys(
        CHECK_IMAGES[word.upper()] for word in words if word.upper() in CHECK_IMAGES
    ))


def _read(keyword, words, problem=""):
    least, most = keyword.count
    if problem:
        raise ValueError(problem)
    if not least <= len(words) <= most:
        what = "a value" if least == 1 else f"{least} values"
        raise ValueError(f"needs {what}" if len(words) < least else f"has more than {most} values")
    read = []
    for word in words:
        try:
            read.append(keyword.kind.read(word))
        except (ValueError, KeyError):
            raise ValueError(f"{word!r} is not {keyword.kind.what}") from None
    return tuple(read)


def _meaning(keyword, values, chosen):
    """Return the settings that a keyword means; ValueError where there are none."""
    values.keyword = keyword.name
    meaning = keyword.to(values) if keyword.to else {}
    if meaning and all(setting in chosen for setting in meaning):
        return {}  # whatever it says, options stand above it
    reason = keyword.refuse(values) if keyword.refuse else ""
    if reason:
        raise ValueError(reason)
    for setting, value in meaning.items():
        if setting not in chosen:
            _check(setting, value)
    return meaning


def _files(values, path, chosen, place, wrong):
    """Return the settings that stand in files which the configuration names."""
    found = {}
    readers = {"PARAMETERS_NAME": ("columns", read_parameters),
               "FILTER_NAME": ("filter_kernel", read_kernel)}
    for keyword, (setting, read) in readers.items():
        if setting in chosen or keyword in wrong or (
                keyword == "FILTER_NAME" and not values.all["FILTER"][0]):
            continue
        try:
            found[setting] = read(found_beside(values.all[keyword][0], path))
            if setting == "filter_kernel":
                _check(setting, found[setting])
        except Refused as error:
            wrong[keyword] = str(error)  # which names its own file and lines
        except ValueError as error:
            wrong[keyword] = f"{place(keyword)}: {error}"
    return found


def _check(setting, value):
    try:
        Config().updated(**{setting: value})
    except ValueError as error:
        raise ValueError(str(error).removeprefix(f"{setting} ")) from error
