"""FITS header cards, read without astropy.

Only what nearly all headers of survey frames are made of: fixed or free
format values of keywords of up to eight characters. `text` holds the whole
header for astropy, which reads everything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astropy.io import fits

_CARD = re.compile(
    r"([A-Za-z0-9_-]{1,8}) *= +(?:'((?:[^']|'')*)'|([TF])(?= *(?:/|$))|([^ /']+)) *(?:/.*)?$"
)
_TEXT = re.compile(r" *'((?:[^']|'')*)'")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BEYOND = re.compile(r"[^\x20-\x7e]")
_COMMENTARY = ("", "COMMENT", "HISTORY", "CONTINUE")
BLOCK = 2880
CARD = 80
_MOST_BLOCKS = 4096


class Cards(dict):
    """The values of a header by keyword; of a keyword that is repeated, the first.

    So does SExtractor; CFITSIO and wcslib take the last of some. Keywords are in upper case.

    A value that cannot be parsed is there as the string that it is.

    Attributes
    ----------
    text : str
        The cards as they stand in the file, 80 characters each, with END.
    origin : tuple of int
        x and y, in the image of which the cards speak, of the first pixel that is here.
    units : callable or None
        Returns the units of the file (astropy.io.fits.HDUList), where coordinates need
        others than this one.
    empty : set of str
        Keywords whose cards have no value; they are not among the keys.
    repeated : dict of str to object
        Of keywords that are repeated with another value, that value.
    """

    text = ""
    origin = (0, 0)
    units: Callable[[], fits.HDUList] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.empty: set[str] = set()
        self.repeated: dict[str, Any] = {}


def header_text(
    read: Callable[[int, int], bytes], offset: int, first: bytes = b""
) -> tuple[str, int]:
    """Return the text of the header that begins at `offset`, and where its data begin.

    Parameters
    ----------
    read : callable
        Takes an offset and a size, and returns bytes; fewer at the end of the file.
    offset : int
    first : bytes
        The first block, where it has been read already.

    Returns
    -------
    text : str
        In whole blocks.
    end : int

    Raises
    ------
    EOFError
        When the file ends before an END card.
    """
    pieces: list[bytes] = []
    while len(pieces) <= _MOST_BLOCKS:
        block = first if first and not pieces else read(offset, BLOCK)
        if len(block) < BLOCK:
            raise EOFError("the file ends inside a header")
        offset += BLOCK
        pieces.append(block)
        if b"END" in block and any(
            block[k : k + CARD].rstrip() == b"END" for k in range(0, BLOCK, CARD)
        ):
            return b"".join(pieces).decode("latin-1"), offset
    raise EOFError("no END card within 11 MB")


def parse_cards(text: str, only: Sequence[str] | None = None) -> Cards:
    """Return the cards of a header's text.

    Parameters
    ----------
    text : str
        In blocks, with END.
    only : sequence of str, optional
        Read only keywords that are these, or one of these with a number.

    Returns
    -------
    Cards
    """
    cards = Cards()
    for k in range(0, len(text), CARD):
        if (only and text[k : k + 8].rstrip("0123456789 ").upper() not in only
                and text[k : k + 3] != "END"):
            continue
        card = text[k : k + CARD].rstrip()
        if card == "END":
            cards.text = text[: k + CARD]
            break
        match = _CARD.match(card)
        if match:
            keyword, string, logical, number = match.groups()
            keyword, value = keyword.upper(), _value(string, logical, number)
        elif card[8:9] == "=" and (keyword := card[:8].rstrip().upper()) not in _COMMENTARY:
            value = _odd_value(card[9:])
            if value is None:
                cards.empty.add(keyword)
                continue
        else:
            continue
        if keyword not in cards:
            cards[keyword] = value
        elif cards[keyword] != value and keyword not in _COMMENTARY:
            cards.repeated.setdefault(keyword, value)
    cards.empty.difference_update(cards)
    return cards


def read_cards(buffer: bytes | memoryview, offset: int) -> tuple[Cards, int]:
    """Read the header that begins at `offset`.

    Parameters
    ----------
    buffer : bytes-like
        The file.
    offset : int
        Where the header begins, a multiple of 2880.

    Returns
    -------
    cards : Cards
    end : int
        Where the data begin.

    Raises
    ------
    EOFError
        When the buffer ends before an END card.
    """
    view = memoryview(buffer)
    text, end = header_text(lambda start, size: bytes(view[start : start + size]), offset)
    return parse_cards(text), end


def cards_of(header: Mapping | fits.Header) -> Mapping:
    """Return the cards of a header that astropy has read.

    Astropy's own raises when a card is asked for whose value it cannot parse.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Any other mapping is returned as it is.

    Returns
    -------
    Cards
    """
    if not hasattr(header, "tostring"):
        return header
    return read_cards(header.tostring().encode("latin-1", "replace"), 0)[0]


def printable(text: str) -> str:
    """Return a header's text for readers that take printable ASCII alone.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        As long as it was: blanks for control characters, ``?`` for what is beyond ASCII;
        the same object where there is nothing of them.
    """
    if text.isascii() and text.isprintable():
        return text
    return _BEYOND.sub("?", _CONTROL.sub(" ", text))


def _odd_value(text):
    """Return the value of a card that breaks the rules, None where there is none."""
    quoted = _TEXT.match(text)
    if quoted:  # with something behind it
        return _value(quoted[1], None, None)
    if not text.split("/")[0].strip():
        return None
    match = _CARD.match("K = " + text.strip())
    return _value(*match.groups()[1:]) if match else text.strip()


def _value(string, logical, number):
    if string is not None:
        return string.replace("''", "'").rstrip()
    if logical is not None:
        return logical == "T"
    if "_" in number:  # which Python allows within digits
        return number
    try:
        return int(number)
    except ValueError:
        pass
    try:
        return float(number.replace("D", "E").replace("d", "e"))
    except ValueError:
        return number
