"""The stored pixels of a region of a file, a band of rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, cast

import numpy as np

from mr_extract.images.cubes import number_of
from mr_extract.images.parts import AT_ONCE
from mr_extract.images.plain import integers, pixel_type
from mr_extract.images.region import Region

if TYPE_CHECKING:
    from mr_extract.images.cards import Cards
    from mr_extract.images.section import Section
    from mr_extract.images.units import Unit


def rows_of(section: Section, unit: Unit, cards: Cards) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the rows of a region of an image that is not compressed.

    Parameters
    ----------
    section : mr_extract.images.section.Section
        What is read enters its checksum.
    unit : mr_extract.images.units.Unit
    cards : mr_extract.images.cards.Cards
        Of the unit.

    Yields
    ------
    int, ndarray of shape (rows, width)
        The first row within the region, and pixels as they are stored.
    """
    dtype = pixel_type(cards)
    rows, width = unit.shape[-2:]
    index = section.index(unit.shape)
    region = cast(Region, section.region)  # the section has asked where the plane is
    height, across = region.shape
    stride, wanted = width * dtype.itemsize, across * dtype.itemsize
    before = number_of(unit.shape, index) * rows + region.y0
    start = unit.data + before * stride + region.x0 * dtype.itemsize
    through = stride - wanted <= section.gap
    rows = max(1, AT_ONCE // (stride if through else wanted))
    for first in range(0, height, rows):
        count = min(rows, height - first)
        if through:
            span = section.part(start + first * stride, (count - 1) * stride + wanted)
            raw = np.lib.stride_tricks.as_strided(
                np.frombuffer(span, np.uint8), (count, wanted), (stride, 1), writeable=False
            ).tobytes()
        else:
            raw = b"".join(section.part(start + row * stride, wanted)
                           for row in range(first, first + count))
        section.used(raw)
        yield first, np.frombuffer(raw, dtype).reshape(count, across)


def gathered(bands: Iterable[tuple[int, np.ndarray]], shape: tuple[int, int]) -> np.ndarray:
    """Return the pixels of all bands of a region of some shape, as they are stored."""
    raw = None
    for first, values in bands:
        values = values.reshape(values.shape[-2:])
        raw = np.empty(shape, values.dtype) if raw is None else raw
        raw[first : first + len(values)] = values
    return cast(np.ndarray, raw)  # a region has a row


def whole_numbers(section: Section, unit: Unit) -> np.ndarray | None:
    """Return the pixels of a region as they are stored, None where they are not integers.

    Parameters
    ----------
    section : mr_extract.images.section.Section
    unit : mr_extract.images.units.Unit
        Compressed or not.
    """
    cards = section.cards(unit)
    if unit.compressed:
        from mr_extract.images.read_compressed import tile_sections

        if not isinstance(cards.get("ZBITPIX"), int) or cards["ZBITPIX"] < 0:
            return None
        *_, bands = tile_sections(section, unit, section.counted_cards(unit))
        values = np.concatenate([band for _, band in bands])
        return values if values.dtype.kind in "iu" else None
    if integers(np.zeros(0, pixel_type(cards)), cards) is None:
        return None
    return np.concatenate([cast(np.ndarray, integers(raw, cards))
                           for _, raw in rows_of(section, unit, section.counted_cards(unit))])
