"""Tile-compressed images, read without regard to the rest of their file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from mr_extract.images.cards import cards_of
from mr_extract.images.plain import converted, scaled_far
from mr_extract.images.region import Region
from mr_extract.images.scaling import scaled_plainly
from mr_extract.images.through_astropy import opened, pixels_of, read_number

if TYPE_CHECKING:
    from mr_extract.images.cards import Cards
    from mr_extract.images.image import Image
    from mr_extract.images.section import Section
    from mr_extract.images.units import Unit

EMPTY_PRIMARY = "".join(
    f"{keyword:8}= {value:>20}".ljust(80)
    for keyword, value in (("SIMPLE", "T"), ("BITPIX", "8"), ("NAXIS", "0"), ("EXTEND", "T"))
).ljust(2800).encode() + b"END".ljust(80)


def read_tiled(buffer: bytes | memoryview, unit: Unit, images: int = 1) -> Image:
    """Read a tile-compressed image without regard to the rest of its file.

    Parameters
    ----------
    buffer : bytes-like
        The whole file.
    unit : mr_extract.images.units.Unit
    images : int
        Number of images in the file.

    Returns
    -------
    Image

    Raises
    ------
    ImageFailure
        As for `mr_extract.images.general.read_general`.
    """
    image = read_number(1, alone(buffer, unit))
    return replace(image, hdu=unit.number, images=images)


def tile_values(buffer: bytes | memoryview, unit: Unit) -> np.ndarray:
    """Return the pixels of a tile-compressed image in their own type.

    Parameters and failures are those of `read_tiled`.
    """
    return opened(alone(buffer, unit), lambda units: np.array(units[1].data))


def tile_sections(
    section: Section, unit: Unit, cards: Cards
) -> tuple[
    Cards, Callable[[np.ndarray, Mapping], tuple[np.ndarray, np.ndarray | None, int]],
    Iterator[tuple[int, np.ndarray]],
]:
    """Return the region of a tile-compressed image in its own type, band by band.

    Parameters
    ----------
    section : mr_extract.images.section.Section
    unit : mr_extract.images.units.Unit
    cards : mr_extract.images.cards.Cards
        Of the table.

    Returns
    -------
    header : mr_extract.images.cards.Cards
        Of the image.
    convert : callable
        Takes the pixels of all bands and `header`; returns data, mask and exponent.
    bands : iterable of (int, ndarray of shape (rows, width))
        The first row within the region, and pixels.

    Raises
    ------
    ImageFailure
        As for `mr_extract.images.general.read_general`.
    """
    from mr_extract.images.compressed import TileTable

    table = TileTable(section, unit, cards)
    region = cast(Region, section.region)  # the table has asked where the plane is
    header = opened(EMPTY_PRIMARY + table.file([]), lambda units: cards_of(units[1].header))
    stored = scaled_far(header)

    def rows(first, last, tiles):
        place = (*section.index(unit.shape), slice(first, last), slice(region.x0, region.x1))
        return opened(EMPTY_PRIMARY + table.file(tiles),
                      lambda units: np.array(units[1].section[place]), stored)

    bands = ((first - region.y0, rows(first, *more)) for first, *more in table.bands(region))
    return header, converted if stored else pixels_of, bands


def alone(buffer: bytes | memoryview, unit: Unit) -> bytes:
    """Return a file of one unit, its number 1."""
    header = scaled_plainly(unit.header).encode("latin-1")
    return b"".join([EMPTY_PRIMARY, header, memoryview(buffer)[unit.data : unit.end]])
