"""Numbers out of header cards, however they are written.

What is no number is none: nothing is read as 0 that is not, and what cannot be used is said.
"""

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from numbers import Real
from typing import Any

from mr_extract.images.cards import CARD, parse_cards
from mr_extract.remarks import say

_BEGINS = re.compile(r"[\s']*([-+]?(?:\d+\.?\d*|\.\d+)(?:[EeDd][-+]?\d+)?)")
# What follows makes it a part of something else: 1,5 or 10:30 or 2.5 2.6 or 1.2.3 or 12h30m,
# or a number in which a byte is damaged (? stands for it in a header of compressed tiles).
_GOES_ON = re.compile(r"(?:[A-Za-z_.,:/]|[^\x20-\x3e\x40-\x7e]+)?\s*[-+]?\.?\d")
_PLAIN = re.compile(r"[A-Z0-9_-]{1,8}")
_SHORT_NAME = re.compile(r"([A-Za-z0-9_-]+) *= (.*)")
_LONG_NAME = re.compile(r"HIERARCH +([^=]+?) *= *(.*)")


def number(value: Any) -> int | float | None:
    """Return the number that a card's value is, or that its text begins with.

    Parameters
    ----------
    value : object
        ``'3.0 e/ADU'`` is 3.0, also with an exponent of D, as SExtractor has it. A text
        that goes on in digits, as ``'1,5'``, ``'10:30:00'`` or ``'2.5 2.6'``, is none; there
        SExtractor takes the first.

    Returns
    -------
    int, float or None
        None for what is no number, or not finite.
    """
    kind = type(value)
    if kind is int:
        return value
    if kind is str:
        match = _BEGINS.match(value)
        if not match or _GOES_ON.match(value, match.end()):
            return None
        text = match[1]
        try:
            return int(text)
        except ValueError:
            value = float(text.upper().replace("D", "E"))
    elif kind is bool or not isinstance(value, Real):
        return None
    elif kind is not float:  # one of numpy's
        value = value.item() if hasattr(value, "item") else float(value)
    return value if isfinite(value) else None


def whole_number(value: Any) -> int | None:
    """Return the whole number that a card's value is, None where it is none."""
    value = number(value)
    return int(value) if value is not None and value == int(value) else None


def value_of(header: Mapping, keyword: str) -> Any:
    """Return the value of a card, also of a long keyword and a string that is continued.

    Parameters
    ----------
    header : mapping
    keyword : str
        In any case; of a HIERARCH card with or without that word.

    Returns
    -------
    object
        None where there is no such card, or it has no value.
    """
    asked = " ".join(keyword.upper().split())
    keyword = asked.removeprefix("HIERARCH ")
    value = header.get(keyword)
    text = getattr(header, "text", None)
    if text is None:
        if value is None and hasattr(header, "items"):
            return next((found for name, found in header.items()
                         if str(name).upper().removeprefix("HIERARCH ") == keyword), None)
        return value
    continued = isinstance(value, str) and value.endswith("&")
    if _PLAIN.fullmatch(asked) and not continued:
        return value
    lines = [text[k : k + CARD] for k in range(0, len(text), CARD)]
    for index, line in enumerate(lines):
        named = _LONG_NAME.match(line) or _SHORT_NAME.match(line)
        if named and " ".join(named[1].upper().split()) == keyword:
            value = _alone(named[2])
            for line in lines[index + 1 :]:
                if not (isinstance(value, str) and value.endswith("&")
                        and line.startswith("CONTINUE")):
                    break
                value = value[:-1] + str(_alone(line[8:].strip()))
            return value
    return value


def usable(
    header: Mapping, keyword: str, positive: bool = False, of: str = ""
) -> tuple[int | float | None, bool]:
    """Return the number in a card, and say so where the card is there and holds none.

    Parameters
    ----------
    header : mapping
    keyword : str
        As for `value_of`.
    positive : bool
        Only a number greater than 0 is of use.
    of : str
        Whose header it is, where it is not the image's.

    Returns
    -------
    found : int, float or None
    there : bool
        There is such a card.
    """
    value = value_of(header, keyword)
    if value is None:
        there = keyword.upper() in getattr(header, "empty", ())
        if there:
            say("unusable-card", f"{keyword}{of} has no value")
        return None, there
    found = number(value)
    if found is None or (positive and not found > 0):
        say("unusable-card", f"{keyword}{of} = {_shown(value)}")
        return None, True
    say_repeated(header, keyword.upper(), of)
    return found, True


def say_repeated(header: Mapping, keyword: str, of: str = "") -> None:
    """Say where a card has a second of the same keyword and another value."""
    repeated = getattr(header, "repeated", {})
    if keyword in repeated:
        say("repeated-card", f"{keyword}{of} = {header[keyword]!r}, then {repeated[keyword]!r}")


def card_number(
    headers: Sequence[Mapping], keyword: str, positive: bool
) -> tuple[float | None, bool]:
    """Return the number of a header card that overrides a setting.

    Parameters
    ----------
    headers : sequence of mapping
        Of the image, and of its file if the image has a share in that.
    keyword : str
        Empty for none.
    positive : bool
        Only a number greater than 0 is of use, as for gain and saturation level.

    Returns
    -------
    found : float or None
    there : bool
        There is such a card. One that is of no use is said.
    """
    anywhere = False
    for header, of in zip(headers if keyword else (), ("", " of the primary header")):
        found, there = usable(header, keyword, positive, of)
        if found is not None:
            return float(found), True
        anywhere = anywhere or there
    return None, anywhere


def _alone(text):
    """Return the value that stands in a card behind its name."""
    return parse_cards(f"VALUE   = {text:70}").get("VALUE", "")


def _shown(value):
    return repr(value) if isinstance(value, str) else str(value)
