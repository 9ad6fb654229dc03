"""Coordinates that need other units of their file: tables of distortion, and of positions.

The distortion of HST's cameras is partly in lookup tables (CPDIS and D2IMDIS), and axes of
the kind -TAB have their positions in a table. astropy reads both when it is given the file.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astropy.io import fits

    from mr_extract.images.cards import Cards

_TABLES = re.compile(r"(CPDIS|CQDIS|D2IMDIS)\d$")


def needs_tables(cards: Mapping) -> bool:
    """Tell whether the coordinates of a header need other units of its file."""
    return any(_TABLES.match(keyword) for keyword in cards) or any(
        str(cards.get(f"CTYPE{k}", "")).rstrip().upper().endswith("-TAB") for k in (1, 2))


def with_tables(cards: Cards, whole: Callable[[], bytes]) -> None:
    """Give a header the units of its file, if its coordinates need them.

    Parameters
    ----------
    cards : mr_extract.images.cards.Cards
    whole : callable
        Returns all bytes of the file, unpacked.
    """
    if not needs_tables(cards):
        return
    opened: list[fits.HDUList] = []

    def units():
        from astropy.io import fits

        if not opened:
            opened.append(fits.open(io.BytesIO(whole()), memmap=False))
        return opened[0]

    cards.units = units
