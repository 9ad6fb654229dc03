"""Rows of a tile-compressed image from the tiles that they touch, a band at a time.

Of each band astropy is given a small file: the table as it is, as the number of a tile is
the seed of its dither, with those tiles alone in the heap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.images.cubes import number_of
from mr_extract.images.scaling import scaled_plainly

if TYPE_CHECKING:
    from mr_extract.images.cards import Cards
    from mr_extract.images.region import Region
    from mr_extract.images.section import Section
    from mr_extract.images.units import Unit

_MOST_PIXELS = 1 << 22  # of a band, with what its tiles hold besides the region
_FORMAT = re.compile(r"(\d*)([LXBIJKAEDCMPQ])([LXBIJKAEDCM]?)")
_BYTES = {"L": 1, "B": 1, "A": 1, "I": 2, "J": 4, "E": 4, "K": 8, "D": 8, "C": 8, "M": 16}
_HOLDS_PIXELS = ("COMPRESSED_DATA", "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA")


class TileTable:
    """The table of a tile-compressed image.

    Parameters
    ----------
    section : mr_extract.images.section.Section
    unit : mr_extract.images.units.Unit
    cards : mr_extract.images.cards.Cards
        Of the table.

    Raises
    ------
    ImageFailure
        ``corrupt`` for a table that makes no sense, ``truncated`` when it is not all there.
    """

    def __init__(self, section: Section, unit: Unit, cards: Cards) -> None:
        self._section, self._unit, self._cards = section, unit, cards
        self._width, self._rows = (_count(cards, f"NAXIS{k}") for k in (1, 2))
        raw = section.part(unit.data, self._width * self._rows)
        self._table = np.frombuffer(raw, np.uint8).reshape(self._rows, self._width)
        self._heap = unit.data + _count(cards, "THEAP", self._width * self._rows)
        self._columns = list(_descriptors(cards, self._width))
        axes = range(len(unit.shape), 0, -1)
        tile = tuple(max(1, _count(cards, f"ZTILE{k}", unit.shape[-1] if k == 1 else 1))
                     for k in axes)
        counts = tuple(-(-length // one) for length, one in zip(unit.shape, tile))
        self.tile, self._across, self._deep = tile[-2:], counts[-1], prod(tile[:-2])
        # Tiles of the planes before that which is meant.
        self._before = counts[-1] * counts[-2] * number_of(
            counts, [k // one for k, one in zip(section.index(unit.shape), tile)])
        if prod(counts) != self._rows:
            raise ImageFailure("corrupt", f"the table of tiles has {self._rows} rows")

    def bands(self, region: Region) -> Iterator[tuple[int, int, list[int]]]:
        """Yield regions that make up one, each of not too many pixels and whole rows of tiles."""
        down, across = self.tile
        left, right = region.x0 // across, -(-region.x1 // across)
        step = down * max(1, _MOST_PIXELS // (down * across * self._deep * (right - left)))
        first = region.y0
        while first < region.y1:
            last = min(region.y1, (first // down) * down + step)
            numbers = [self._before + row * self._across + column
                       for row in range(first // down, -(-last // down))
                       for column in range(left, right)]
            yield first, last, numbers
            first = last

    def file(self, numbers: Sequence[int]) -> bytes:
        """Return a unit of a FITS file with the header, all rows, and some tiles.

        Parameters
        ----------
        numbers : sequence of int
            The tiles, from 0.

        Returns
        -------
        bytes
        """
        places, table = [], np.zeros_like(self._table)
        table[numbers] = self._table[numbers]
        chosen, size = [], 0
        for start, kind, item in self._columns:
            words = self._table[numbers, start : start + 2 * np.dtype(kind).itemsize].copy()
            words = words.view(kind).astype(np.int64)
            if len(words) and words.min() < 0:
                raise ImageFailure("corrupt", "a tile lies before the heap")
            chosen.append((start, kind, words[:, 0], words[:, 1], words[:, 0] * item))
        for row in range(len(numbers)):
            for start, kind, counts, offsets, sizes in chosen:
                if sizes[row]:
                    places.append((self._heap + int(offsets[row]), int(sizes[row])))
                    pair = np.array([counts[row], size], kind).view(np.uint8)
                    table[numbers[row], start : start + len(pair)] = pair
                    size += int(sizes[row])
        if any(offset + n > self._unit.end for offset, n in places):
            raise ImageFailure("corrupt", "a tile lies beyond the heap")
        heap = b"".join(self._section.parts(places))
        text = _with(scaled_plainly(self._cards.text), PCOUNT=size, THEAP=table.size)
        text = text.encode("latin-1")
        data = table.tobytes() + heap
        return b"".join([text, b" " * (-len(text) % 2880), data, b"\0" * (-len(data) % 2880)])


def _descriptors(cards, width):
    """Yield first byte, type of the two words, and bytes of an element of tiles' columns."""
    start = 0
    for k in range(1, _count(cards, "TFIELDS") + 1):
        match = _FORMAT.match(str(cards.get(f"TFORM{k}", "")).strip())
        if not match:
            raise ImageFailure("corrupt", f"TFORM{k} is {cards.get(f'TFORM{k}')!r}")
        repeat, kind, element = match.groups()
        repeat = int(repeat or 1)
        if kind in "PQ":
            size = (8 if kind == "P" else 16) * repeat
            if repeat and str(cards.get(f"TTYPE{k}", "")).strip().upper() in _HOLDS_PIXELS:
                yield start, ">i4" if kind == "P" else ">i8", _BYTES.get(element, 1)
        else:
            size = -(-repeat // 8) if kind == "X" else repeat * _BYTES[kind]
        start += size
    if start != width:
        raise ImageFailure("corrupt", f"the columns of tiles have {start} bytes, a row {width}")


def _count(cards, keyword, default=None):
    value = cards.get(keyword, default)
    if type(value) is not int or value < 0:
        raise ImageFailure("corrupt", f"{keyword} is {value!r}")
    return value


def _with(text, **values):
    """Return the cards of a header with other numbers where those keywords are."""
    cards = [text[k : k + 80] for k in range(0, len(text), 80)]
    for keyword, value in values.items():
        card = f"{keyword:<8}= {value:>20}".ljust(80)
        cards = [card if old[:8].rstrip() == keyword else old for old in cards]
    return "".join(cards)
