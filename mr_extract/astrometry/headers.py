"""Headers of sky coordinates made fit for wcslib, and what is said of them."""

import re

from mr_extract.failures import ImageFailure
from mr_extract.images.card_numbers import number, say_repeated
from mr_extract.images.cards import CARD, cards_of, parse_cards, printable
from mr_extract.images.scaling import with_numbers
from mr_extract.remarks import say

# Cards of a WCS whose values must be numbers.
NUMBER = re.compile(r"(CRVAL|CRPIX|CDELT|CROTA)\d+$|(CD|PC|PV)\d+_\d+$|(A|B)_(\d_\d|ORDER)$|"
                     r"(LON|LAT)POLE$")
EQUINOX = re.compile(r"(EQUINOX|EPOCH)$")
_NAMES = re.compile(r"(CTYPE|CUNIT)\d+$|RADE(CSYS|SYS)$|WAT\d_\d+$")
NUMBER_OR_NAME = re.compile("|".join(one.pattern for one in (NUMBER, EQUINOX, _NAMES)))
_SIP = re.compile(r"(A|B|AP|BP)_(\d_\d|ORDER|DMAX)$")
_WAT = re.compile(r"WAT([12])_(\d{3})$")
_CUT = 68  # characters of a text that fit into a card


def broken(reason):
    """Return the failure of a WCS that cannot be used."""
    return ImageFailure("broken-wcs", f"{reason}; choose columns without sky positions to go on")


def say_odd(header):
    """Say which cards have no value, or a second one."""
    if _unasked(header):
        say("unasked-distortion", "SIP applied, CTYPE has no -SIP")
    for keyword in sorted(getattr(header, "empty", ())):
        if NUMBER.match(keyword):
            say("unusable-card", f"{keyword} has no value")
    for keyword in getattr(header, "repeated", ()):
        if NUMBER_OR_NAME.match(keyword):
            say_repeated(header, keyword)


def _unasked(header):
    """Tell whether there are SIP coefficients that CTYPE does not speak of."""
    if not ("A_ORDER" in header or "B_ORDER" in header):
        return False
    return not any(str(header.get(f"CTYPE{k}", "")).strip().upper().endswith("-SIP")
                   for k in (1, 2))


def as_ctype_says(header):
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
    if not _unasked(cards):
        return header
    say("unasked-distortion", "SIP not applied, CTYPE has no -SIP")
    text = getattr(cards, "text", "")
    if not text:
        return {key: value for key, value in cards.items() if not _SIP.match(key)}
    found = parse_cards("".join(line for line in lines_of(text)
                                if not _SIP.match(line[:8].rstrip())))
    found.origin = cards.origin
    return found


def lines_of(text):
    """Return the cards of a header's text."""
    return [text[k : k + CARD] for k in range(0, len(text), CARD)]


def wcs_number(keyword, value):
    """Return the number of a card, None where it is none."""
    if EQUINOX.match(keyword) and isinstance(value, str):
        value = value.strip().upper().lstrip("JB")
    return None if _NAMES.match(keyword) else number(value)


def fit_for_wcslib(header, cards):
    """Return what wcslib can read of a header, for astropy.

    Parameters
    ----------
    header : mr_extract.images.cards.Cards
        With its text.
    cards : dict of str to str
        Values that take the place of others.

    Returns
    -------
    astropy.io.fits.Header
    """
    from astropy.io import fits

    text = printable(with_numbers(header.text, NUMBER_OR_NAME, header, wcs_number))
    if any(_WAT.match(key) for key in header):
        text = _with_surfaces(text, header)
    found = fits.Header.fromstring(text)
    found.update(cards)
    return found


def _with_surfaces(text, header):
    """Return a text whose WAT cards are cut where no blank can be lost."""
    lines = [line for line in lines_of(text) if not _WAT.match(line[:8].rstrip().upper())]
    for axis in (1, 2):
        whole, number = surface(header, axis), 0
        while whole:
            piece = whole[:_CUT].rstrip() or whole[:_CUT]
            number += 1
            lines.insert(-1, f"WAT{axis}_{number:03d}= '{piece}'".ljust(CARD))
            whole = whole[len(piece):]
    return "".join(lines)


def surface(header, axis):
    """Return the text of IRAF's coefficients of an axis.

    IRAF cuts it every 68 characters, and a blank at the end of a card is not kept by FITS: a
    card that is too short by that has lost it.
    """
    names = sorted(k for k in header if re.match(rf"WAT{axis}_\d{{3}}$", k))
    pieces = [str(header[name]) for name in names]
    return "".join(piece.ljust(_CUT) if len(piece) >= _CUT - 2 else piece
                   for piece in pieces[:-1]) + "".join(pieces[-1:])


def has_surfaces(header):
    """Tell whether IRAF's coefficients are there for both axes, from first to last card."""
    for axis in (1, 2):
        names = sorted(k for k in header if re.match(rf"WAT{axis}_\d{{3}}$", k))
        text = surface(header, axis)
        whole = names == [f"WAT{axis}_{k:03d}" for k in range(1, len(names) + 1)]
        if not whole or "cor" not in text or text.count('"') != 2:
            return False
    return True


def is_scamp(header):
    """Tell whether PVi_j of a TAN header are coefficients of a polynomial."""
    # On the first axis alone they would be what the standard takes them for.
    return "A_ORDER" not in header and all(
        any(re.match(rf"PV{axis}_\d+$", k) for k in header) for axis in (1, 2))
