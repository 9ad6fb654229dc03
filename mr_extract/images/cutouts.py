"""A part of an image as a file of its own, with coordinates that hold from its first pixel on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from mr_extract.images.card_numbers import number
from mr_extract.images.cards import BLOCK, CARD, Cards, parse_cards

if TYPE_CHECKING:
    from mr_extract.images.image import Image

_STRUCTURE = re.compile(
    r"(SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|GROUPS|BSCALE|BZERO|BLANK|ZBLANK|"
    r"CHECKSUM|DATASUM|ZHECKSUM|ZDATASUM|INHERIT|END) *(=|$)"
)
_REFERENCE = re.compile(r"(CRPIX|LTV)([12])([A-Z]?)$")


def shifted(cards: Sequence[str], origin: tuple[int, int]) -> list[str]:
    """Return cards that say of a part of an image where it is.

    Parameters
    ----------
    cards : sequence of str
        Of the image, 80 characters each.
    origin : tuple of int
        x and y of the part's first pixel in the image.

    Returns
    -------
    list of str
        CRPIX, also of alternate coordinates, counts from the part's first pixel; LTV says
        where it was, as IRAF does: x of the part is x of the image + LTV1. The others stay
        as they are: distortions count from CRPIX.
    """
    if origin == (0, 0):
        return list(cards)
    values = parse_cards("".join([*cards, "END".ljust(CARD)]))
    result, there = [], set()
    for card in cards:
        match = _REFERENCE.match(card[:8].rstrip())
        value = number(values.get(match.group())) if match else None
        if match and match.group() in values:
            there.add(match.group())
        if match and value is not None:
            card = _card(match.group(), value - origin[int(match.group(2)) - 1])
        result.append(card)
    for k in (1, 2):
        if f"CRPIX{k}" not in there and f"CTYPE{k}" in values:
            result.append(_card(f"CRPIX{k}", -origin[k - 1]))  # it is 0 where it is not said
        if f"LTV{k}" not in there:
            result.append(_card(f"LTV{k}", -origin[k - 1]))
    return result


def _card(keyword, value):
    return f"{keyword:<8}= {float(value)!r:>20}".ljust(CARD)


def cut_file(image: Image) -> bytes:
    """Return a FITS file of a part of an image.

    Parameters
    ----------
    image : mr_extract.images.Image
        From `mr_extract.images.section.Section`. Its masked pixels become nan.

    Returns
    -------
    bytes
        A primary of 32-bit floats, or of 64 bits where these do not reach, with the cards
        of the image, shifted, and those that it takes from the primary of its file.
    """
    height, width = image.data.shape
    data = image.pixels()
    data = data.astype(data.dtype.newbyteorder(">"))
    if image.mask is not None:
        data[image.mask] = np.nan
    own = list(_logical(cast(Cards, image.header).text))
    known = {cards[0][:8] for cards in own}
    more = [cards for cards in _logical(getattr(image.primary, "text", ""))
            if cards[0][:8] not in known and cards[0][8:10] == "= "]
    cards = [card for logical in (*own, *more) for card in logical]
    text = "".join([
        *(f"{keyword:<8}= {value:>20}".ljust(CARD) for keyword, value in (
            ("SIMPLE", "T"), ("BITPIX", -8 * data.itemsize), ("NAXIS", 2), ("NAXIS1", width),
            ("NAXIS2", height))),
        *shifted(cards, image.origin), "END".ljust(CARD),
    ])
    header = text.encode("ascii", "replace")
    body = data.tobytes()
    return b"".join([header, b" " * (-len(header) % BLOCK), body, b"\0" * (-len(body) % BLOCK)])


def _logical(text):
    """Yield the cards of a header that are not of its structure, each with its continuation."""
    cards = [text[k : k + CARD].ljust(CARD) for k in range(0, len(text), CARD)]
    group = []
    for card in cards:
        if card.startswith("CONTINUE") and group:
            group.append(card)
            continue
        if group and not _STRUCTURE.match(group[0]):
            yield group
        group = [card]
    if group and not _STRUCTURE.match(group[0]):
        yield group
