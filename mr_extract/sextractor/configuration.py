"""A SExtractor configuration to settings."""

from difflib import get_close_matches

from mr_extract.config import Config
from mr_extract.sextractor.files import found_beside, read_kernel, read_parameters
from mr_extract.sextractor.keywords import KEYWORDS
from mr_extract.sextractor.meanings import CHECK_IMAGES
from mr_extract.sextractor.parameters import is_parameter, split
from mr_extract.sextractor.syntax import read_lines
from mr_extract.sextractor.values import Values


def settings_from(path, chosen=None):
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
        In one line with file, line and keyword: for a keyword that is none, a value
        that is none, and one that would have an effect that is not to be had here.
    """
    chosen = dict(chosen or {})
    lines = {line.keyword: line for line in read_lines(path)}
    for line in lines.values():
        if line.keyword not in KEYWORDS:
            near = get_close_matches(line.keyword, KEYWORDS, 1)
            hint = f"; is {near[0]} meant?" if near else ""
            raise ValueError(f"{path}, line {line.number}: SExtractor has no keyword "
                             f"{line.keyword}{hint}")

    def place(keyword):
        if keyword in lines:
            return f"{path}, line {lines[keyword].number}: {keyword}"
        return f"{path}: {keyword} (not set, {KEYWORDS[keyword].default} in SExtractor)"

    values = Values(given=set(lines))
    for name, keyword in KEYWORDS.items():
        words = lines[name].values if name in lines else tuple(keyword.default.split())
        values.all[name] = _read(keyword, words, place(name))
    found = {"names": "sextractor", **_files(values, path, chosen, place)}
    columns = chosen.get("columns", found.get("columns", ()))
    values.asked = {split(name)[0] for name in columns if is_parameter(name)}
    for name, keyword in KEYWORDS.items():
        values.keyword = name
        reason = keyword.refuse(values) if keyword.refuse else ""
        if reason:
            raise ValueError(f"{place(name)}: {reason}")
        meaning = keyword.to(values) if keyword.to else {}
        for setting, value in meaning.items():
            if setting not in chosen:
                _check(setting, value, place(name))
        found |= meaning
    return found | chosen


def check_images_of(path):
    """Return the kinds of check images that a configuration asks for, by our names.

    `settings_from` refuses those that are not made here.
    """
    lines = [line for line in read_lines(path) if line.keyword == "CHECKIMAGE_TYPE"]
    words = lines[-1].values if lines else ()
    return tuple(dict.fromkeys(
        CHECK_IMAGES[word.upper()] for word in words if word.upper() in CHECK_IMAGES
    ))


def _read(keyword, words, place):
    least, most = keyword.count
    if not least <= len(words) <= most:
        what = "a value" if least == 1 else f"{least} values"
        raise ValueError(f"{place}: " + (f"needs {what}" if len(words) < least
                                         else f"has more than {most} values"))
    read = []
    for word in words:
        try:
            read.append(keyword.kind.read(word))
        except (ValueError, KeyError):
            raise ValueError(f"{place}: {word!r} is not {keyword.kind.what}") from None
    return tuple(read)


def _files(values, path, chosen, place):
    """Return the settings that stand in files which the configuration names."""
    found = {}
    readers = {"PARAMETERS_NAME": ("columns", read_parameters),
               "FILTER_NAME": ("filter_kernel", read_kernel)}
    for keyword, (setting, read) in readers.items():
        if setting in chosen or (keyword == "FILTER_NAME" and not values.all["FILTER"][0]):
            continue
        try:
            found[setting] = read(found_beside(values.all[keyword][0], path))
            if setting == "filter_kernel":
                _check_kernel(found[setting])
        except ValueError as error:
            raise ValueError(f"{place(keyword)}: {error}") from error
    return found


def _check_kernel(rows):
    # sep divides by the sum of absolute weights, SExtractor by the sum.
    if any(weight < 0 for row in rows for weight in row):
        raise ValueError("a filter with negative weights is normalised otherwise here")
    _check("filter_kernel", rows, "")


def _check(setting, value, place):
    try:
        Config().updated(**{setting: value})
    except ValueError as error:
        text = str(error).removeprefix(f"{setting} ")
        raise ValueError(f"{place}: {text}" if place else text) from error
