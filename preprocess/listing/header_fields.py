"""Header keywords as fields of a manifest's lines."""

import argparse
import re
from dataclasses import dataclass

from mr_extract.failures import ImageFailure
from mr_extract.images.card_numbers import number, value_of
from mr_extract.images.cards import parse_cards
from mr_extract.images.extensions import chosen_unit
from mr_extract.images.units import NotPlain, Unit, units_until
from mr_extract.storage.seekable import opened_in_parts
from mr_extract.text.manifest import checked
from mr_extract.unpacking import unpacking_reader


@dataclass(frozen=True)
class Wanted:
    """A keyword and the field that it becomes."""

    keyword: str
    field: str


def header_option(text: str) -> tuple[Wanted, ...]:
    """Read ``KEYWORD[=field],...``; without a name the field is the keyword in lower case."""
    wanted = []
    for part in text.split(","):
        keyword, _, field = (word.strip() for word in part.partition("="))
        keyword = keyword.upper().removeprefix("HIERARCH ")
        field = field or re.sub("[^a-z0-9]+", "_", keyword.lower())
        entry = checked("x.fits", ((field, "1"),))
        if not keyword or not re.fullmatch("[A-Za-z_][A-Za-z0-9_.-]*", field):
            raise argparse.ArgumentTypeError(f"{part.strip()!r} is not of the form KEYWORD=field")
        if entry.problem or field in ("ext", "bytes"):
            raise argparse.ArgumentTypeError(
                f"{field!r} cannot be a field for {keyword}: "
                f"{entry.problem or 'the list writes it itself'}; name another, {keyword}=name"
            )
        wanted.append(Wanted(keyword, field))
    return tuple(wanted)


def header_units(uri: str, ext: int | str | None) -> list[Unit]:
    """Read the headers of a file up to that of the image that is meant, and no data.

    Parameters
    ----------
    uri : str
    ext : int, str or None
        The first image for None.

    Returns
    -------
    list of mr_extract.images.units.Unit
        The last is the one that is meant, unless the file has but images of one axis.

    Raises
    ------
    ImageFailure
        When they cannot be read, or there is no such image.
    """
    with opened_in_parts(uri) as file:
        try:
            units = units_until(unpacking_reader(file), ext)
        except NotPlain as odd:
            raise ImageFailure("corrupt", f"its headers make no sense ({odd})") from odd
    chosen_unit(units, ext)
    return units


def header_fields(
    wanted: tuple[Wanted, ...], unit: Unit, primary: Unit
) -> tuple[tuple[str, str], ...]:
    """Return the fields of one image.

    Parameters
    ----------
    wanted : tuple of Wanted
    unit : Unit
        The image.
    primary : Unit
        Where a keyword is looked for that the image's header lacks.

    Returns
    -------
    tuple of (str, str)
        None of a keyword that is not there or has no value.
    """
    found = []
    headers = [parse_cards(one.header) for one in dict.fromkeys((unit, primary))]
    for one in wanted:
        for cards in headers:
            value = value_of(cards, one.keyword)
            if one.field == "zero_point" and number(value) is not None:
                value = number(value)  # without its unit
            text = _text(value)
            if text:
                found.append((one.field, text))
                break
    return tuple(found)


def _text(value) -> str:
    """Return a value as text that a line can hold; empty where there is none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "T" if value else "F"
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", str(value)).split())
