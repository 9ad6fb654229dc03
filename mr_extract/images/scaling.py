"""What the cards of a header make of stored pixels, and headers for readers that are stricter."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mr_extract.failures import ImageFailure
from mr_extract.images.card_numbers import number, say_repeated, whole_number
from mr_extract.images.cards import CARD, parse_cards, printable
from mr_extract.remarks import say

if TYPE_CHECKING:
    from mr_extract.images.cards import Cards

_CARDS = ("BSCALE", "BZERO", "BLANK", "ZBLANK", "ZSCALE", "ZZERO")
_SCALING = re.compile("(" + "|".join(_CARDS) + ")$")


def scaling(cards: Mapping) -> tuple[int | float, int | float, int | None]:
    """Return how stored pixels are turned into values.

    Parameters
    ----------
    cards : mapping

    Returns
    -------
    scale, zero : int or float
        BSCALE and BZERO.
    blank : int or None
        BLANK, or ZBLANK of compressed pixels.

    Raises
    ------
    ImageFailure
        ``corrupt`` where BSCALE or BZERO is no number: nobody knows the values then.
    """
    found = []
    for keyword, default in (("BSCALE", 1), ("BZERO", 0)):
        value = cards.get(keyword, default)
        if type(value) is not int:
            value = number(value)
            if value is None:
                raise ImageFailure("corrupt", f"{keyword} is {cards[keyword]!r}, which is no "
                                              "number")
        found.append(value)
        say_repeated(cards, keyword)
    keyword = "BLANK" if "BLANK" in cards else "ZBLANK"
    value = cards.get(keyword)
    blank = whole_number(value)
    if blank is None and value is not None:
        say("unusable-card", f"{keyword} = {value!r}")
    say_repeated(cards, keyword)
    for keyword in sorted(getattr(cards, "empty", ())):
        if keyword in _CARDS:
            say("unusable-card", f"{keyword} has no value")
    return (*found, blank)


def check_scaled_by_astropy(header: Mapping) -> None:
    """Refuse a unit whose pixels astropy scales otherwise than `scaling` says.

    Parameters
    ----------
    header : mapping
        Of a unit whose data astropy is asked for.

    Raises
    ------
    ImageFailure
        ``corrupt`` where BSCALE or BZERO is a text, or there twice with other values.
    """
    for keyword in ("BSCALE", "BZERO"):
        odd = keyword in getattr(header, "repeated", ())
        if odd or type(header.get(keyword, 1)) not in (int, float):
            what = "there twice" if odd else repr(header[keyword])
            raise ImageFailure("corrupt", f"{keyword} is {what}: give the path of the file in "
                                          "place of what astropy has read")


def with_numbers(
    text: str, keywords: re.Pattern[str], cards: Cards | None = None,
    convert: Callable[[str, Any], int | float | None] = lambda keyword, value: number(value),
) -> str:
    """Return a header's text for readers that take other cards and no text for numbers.

    Parameters
    ----------
    text : str
        Cards of 80 characters.
    keywords : re.Pattern
        Whose cards are looked at: a number takes the place of a text that holds one, and of
        several cards the one that counts is left.
    cards : mr_extract.images.cards.Cards, optional
        The same, parsed.
    convert : callable
        Takes keyword and value, and returns a number or None.

    Returns
    -------
    str
        As long as it was; the same object where nothing is to be done.
    """
    cards = parse_cards(text) if cards is None else cards
    changed: dict[str, str | None] = {
        keyword: None for keyword in cards.repeated if keywords.match(keyword)}
    for keyword, value in cards.items():
        if type(value) is not int and keywords.match(keyword):
            found = convert(keyword, value)
            if found is not None and type(found) is not type(value):
                changed[keyword] = f"{keyword:<8}= {found!r:>20}".ljust(CARD)
    if not changed:
        return text
    lines = [text[k : k + CARD] for k in range(0, len(text), CARD)]
    seen = set()
    for index, line in enumerate(lines):
        keyword = line[:8].split("=")[0].rstrip().upper()
        if keyword not in changed or not parse_cards(line):
            continue
        if keyword in seen:
            lines[index] = " " * CARD
        elif card := changed[keyword]:
            lines[index] = card
        seen.add(keyword)
    return "".join(lines)


def scaled_plainly(text: str) -> str:
    """Return a header's text with numbers for what scales the pixels, as `with_numbers`.

    It is printable ASCII, without which astropy reads no table of compressed tiles.

    Raises
    ------
    ImageFailure
        As `scaling`.
    """
    cards = parse_cards(text, _CARDS)
    scaling(cards)

    def convert(keyword, value):
        return whole_number(value) if keyword.endswith("BLANK") else number(value)

    return printable(with_numbers(text, _SCALING, cards, convert))
