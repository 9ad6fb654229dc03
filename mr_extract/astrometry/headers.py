"""Headers of sky coordinates made fit for wcslib, and what is said of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from mr_extract.failures import ImageFailure
from mr_extract.images.card_numbers import number, say_repeated
from mr_extract.images.cards import CARD, Cards, cards_of, parse_cards, printable
from mr_extract.images.scaling import with_numbers
from mr_extract.remarks import say

if TYPE_CHECKING:
    from astropy.io import fits

# Cards of a WCS whose values must be numbers.
NUMBER = re.compile(r"(CRVAL|CRPIX|CDELT|CROTA)\d+$|(CD|PC|PV)\d+_\d+$|(A|B)_(\d_\d|ORDER)$|"
                     r"(LON|LAT)POLE$")
EQUINOX = re.compile(r"(EQUINOX|EPOCH)$")
_NAMES = re.compile(r"(CTYPE|CUNIT)\d+$|RADE(CSYS|SYS)$|WAT\d_\d+$")
NUMBER_OR_NAME = re.compile("|".join(one.pattern for one in (NUMBER, EQUINOX, _NAMES)))
_SIP = re.compile(r"(A|B|AP|BP)_(\d_\d|ORDER|DMAX)$")
_WAT = re.compile(r"WAT([12])_(\d{3})$")
_MIXED = re.compile(r"(CD|PC)[12]_[3-9]$|PC00[12]00[3-9]$")
_FURTHER = re.compile(r"(CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CNAME|CROTA)[3-9]$|(PV|PS)[3-9]_\d+$|"
                      r"(CD|PC)([3-9]_\d|\d_[3-9])$|PC(00[3-9]\d{3}|\d{3}00[3-9])$")
_PADDING = "\0\t\n\r "
_CUT = 68  # characters of a text that fit into a card
_FIRST = 8  # numbers before the coefficients


def broken(reason: str) -> ImageFailure:
    """Return the failure of a WCS that cannot be used."""
    return ImageFailure("broken-wcs", f"{reason}; choose columns without sky positions to go on")


def named(value: object) -> str:
    """Return a name in capitals, without blanks and the padding of strings of C around it."""
    return str(value).strip(_PADDING).upper()


def refuse_odd_bytes(header: Mapping, keywords: Iterable[str]) -> None:
    """Raise the failure ``broken-wcs`` where a name in one of these cards is damaged.

    Bytes beyond printable ASCII, for which ? stands in a header of compressed tiles, make
    another name of it, or none, and nobody knows which one was meant.
    """
    for keyword in keywords:
        value = header.get(keyword, "")
        if isinstance(value, str):
            known = value.strip(_PADDING)
            if "?" in known or printable(known) is not known:
                raise broken(f"the WCS has {keyword} = {value!r}, in which bytes are damaged")


def say_odd(header: Mapping) -> None:
    """Say which cards have no value, or a second one."""
    if is_unasked(header):
        say("unasked-distortion", "SIP applied, CTYPE has no -SIP")
    for keyword in sorted(getattr(header, "empty", ())):
        if NUMBER.match(keyword):
            say("unusable-card", f"{keyword} has no value")
    for keyword in getattr(header, "repeated", ()):
        if NUMBER_OR_NAME.match(keyword):
            say_repeated(header, keyword)


def is_unasked(header: Mapping) -> bool:
    """Tell whether there are SIP coefficients that CTYPE does not speak of."""
    if not ("A_ORDER" in header or "B_ORDER" in header):
        return False
    return not any(named(header.get(f"CTYPE{k}", "")).endswith("-SIP")
                   for k in (1, 2))


def as_ctype_says(header: Mapping) -> Mapping:
    """Return a header without the distortion that its CTYPE does not ask for.

    Parameters
    ----------
    header : mapping

    Returns
    -------
    mapping
        The same, where CTYPE asks for all that is there. Else SIP's coefficients are gone,
        which is said.
    """
    cards = cards_of(header)
    if not is_unasked(cards):
        return header
    say("unasked-distortion", "SIP not applied, CTYPE has no -SIP")
    if not isinstance(cards, Cards) or not cards.text:
        return {key: value for key, value in cards.items() if not _SIP.match(key)}
    found = parse_cards("".join(line for line in lines_of(cards.text)
                                if not _SIP.match(line[:8].rstrip())))
    found.origin, found.units = cards.origin, cards.units
    return found


def mixed_card(header: Mapping) -> str | None:
    """Return the keyword by which positions depend on a further axis; None where they do not."""
    return next((key for key in header if _MIXED.match(key) and number(header[key]) != 0), None)


def further_cards(header: Mapping) -> list[str]:
    """Return the keywords of a header that speak of its third axis, or a further one.

    Without them the first two have the positions that they have with them, where no
    `mixed_card` is there: a spectral axis then needs no table, no unit and no scale, and
    distortions, which astropy has for two axes alone, can be applied.
    """
    return [key for key in header if _FURTHER.match(key)]


def lines_of(text: str) -> list[str]:
    """Return the cards of a header's text."""
    return [text[k : k + CARD] for k in range(0, len(text), CARD)]


def wcs_number(keyword: str, value: object) -> float | None:
    """Return the number of a card, None where it is none."""
    if EQUINOX.match(keyword) and isinstance(value, str):
        value = named(value).lstrip("JB")
    return None if _NAMES.match(keyword) else number(value)


def fit_for_wcslib(header: Cards, cards: Mapping[str, str | int],
                   without: Collection[str] = ()) -> fits.Header:
    """Return what wcslib can read of a header, for astropy.

    Parameters
    ----------
    header : mr_extract.images.cards.Cards
        With its text.
    cards : dict of str to (str or int)
        Values that take the place of others.
    without : sequence of str
        Keywords that are left out.

    Returns
    -------
    astropy.io.fits.Header
    """
    from astropy.io import fits

    text = printable(with_numbers(header.text, NUMBER_OR_NAME, header, wcs_number))
    if without := set(without):
        text = "".join(line for line in lines_of(text)
                       if line[:8].rstrip().upper() not in without)
    if all(surface(header, axis) for axis in (1, 2)):
        text = _with_surfaces(text, header)
    found = fits.Header.fromstring(text)
    found.update(cards)
    return found


def _with_surfaces(text, header):
    """Return a text whose WAT cards are as wcslib reads them.

    It wants full cards without a blank at the end, single blanks between numbers, none around
    ``=``, and no coefficient of 0. Of anything else it makes an error, or other numbers.
    """
    lines = [line for line in lines_of(text) if not _WAT.match(line[:8].rstrip().upper())]
    for axis in (1, 2):
        before, numbers, _ = surface(header, axis).split('"')
        before, numbers = before.lower(), numbers.upper().replace("D", "E").split()
        whole = ""
        for word in re.sub(r"\s*=\s*", "=", before.strip()).split():
            whole += f"{word} " if (len(whole) + len(word)) % _CUT != _CUT - 1 else f" {word} "
        whole = whole.rstrip() + '"'
        for k, word in enumerate(numbers):
            if k >= _FIRST and number(word) == 0:
                word = "1E-300"
            if (len(whole) + len(word)) % _CUT == _CUT - 1:
                sign = word[: word[0] in "+-"]
                word = f"{sign}0{word[len(sign):]}"
            whole += f"{word} "
        whole += '"'
        lines[-1:-1] = [f"WAT{axis}_{k // _CUT + 1:03d}= '{whole[k : k + _CUT]}'".ljust(CARD)
                        for k in range(0, len(whole), _CUT)]
    return "".join(lines)


def surface(header: Mapping, axis: int) -> str | None:
    """Return the text of IRAF's coefficients of an axis, None if some of it is not there.

    IRAF cuts it every 68 characters, and FITS does not keep the blanks at the end of a card:
    one that is shorter has lost them. Others may have cut it shorter, evenly or not; the
    count of the coefficients tells.
    """
    names = sorted(k for k in header if re.match(rf"WAT{axis}_\d{{3}}$", k))
    if names != [f"WAT{axis}_{k:03d}" for k in range(1, len(names) + 1)]:
        return None
    pieces = [str(header[name]).rstrip(_PADDING) for name in names]
    for width in (_CUT, max(map(len, pieces), default=0), 0):
        text = "".join(piece.ljust(width) for piece in pieces)
        if _is_whole(text):
            return text
    return None


def _is_whole(text):
    """Tell whether a text of IRAF has all numbers that it says it has."""
    parts = text.split('"')
    if len(parts) != 3 or not re.match(r"\s*wtype\s*=\s*(tnx|zpx)\s.*cor\s*=\s*$", parts[0], re.I):
        return False
    numbers = [number(one) for one in parts[1].split()]
    if len(numbers) < _FIRST or None in numbers:
        return False
    nx, ny, cross = (int(one) for one in numbers[1:4])
    low = min(nx, ny)
    terms = {0: nx + ny - 1, 1: nx * ny, 2: nx * ny - low * (low - 1) // 2}
    return len(numbers) - _FIRST == terms.get(cross)


def is_scamp(header: Mapping) -> bool:
    """Tell whether PVi_j of a TAN header are coefficients of a polynomial."""
    # On the first axis alone they would be what the standard takes them for.
    return "A_ORDER" not in header and all(
        any(re.match(rf"PV{axis}_\d+$", k) for k in header) for axis in (1, 2))
