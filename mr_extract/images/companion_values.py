"""The values of a mask, weight map or flag image that belongs to an image, out of its file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.images.asinh import is_asinh, linear, say_of_one
from mr_extract.images.cards import read_cards
from mr_extract.images.extensions import meant_unit
from mr_extract.images.image import plane_shape
from mr_extract.images.listed import listed
from mr_extract.images.plain import integers, pixel_type
from mr_extract.images.read import read_unpacked
from mr_extract.images.scaling import scaling
from mr_extract.images.sdss.masks import is_object_mask, read_object_mask
from mr_extract.images.section import Section
from mr_extract.images.units import NotPlain
from mr_extract.remarks import say

if TYPE_CHECKING:
    from mr_extract.images.image import Image
    from mr_extract.images.units import Unit
    from mr_extract.settings.beside import Companions


def read_map(
    buffer: bytes | memoryview | Section, image: Image, ext: int | str | None, settings: Companions
) -> tuple[np.ndarray, np.ndarray | None]:
    """Read a weight map, whose pixels become linear where they are asinh of its values.

    Parameters
    ----------
    buffer, image, ext
        As for `read_values`.
    settings : mr_extract.settings.beside.Companions
        `asinh`.

    Returns
    -------
    values, invalid
        As from `read_values`.
    """
    values, invalid, cards = _said(*_read(buffer, image, ext))
    return linear_map(values, invalid, cards, settings)


def linear_map(
    values: np.ndarray, invalid: np.ndarray | None, cards: Mapping, settings: Companions
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return a weight map without asinh, if its cards say so.

    Parameters
    ----------
    values : ndarray of any real type
    invalid : ndarray of bool or None
    cards : mapping
        Of the map's own header.
    settings : mr_extract.settings.beside.Companions
        `asinh`.

    Returns
    -------
    values, invalid
        As from `read_values`.
    """
    if not is_asinh(cards):
        say_of_one(cards)
        return values, invalid
    data = np.array(values, np.float64)  # of integers, too
    blank = ~np.isfinite(data)
    data[blank] = 0.0
    return linear(data, blank if invalid is None else blank | invalid, cards, settings.asinh)


def read_values(
    buffer: bytes | memoryview | Section, image: Image, ext: int | str | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Read the plane of a companion that belongs to an image.

    Parameters
    ----------
    buffer : bytes-like or mr_extract.images.section.Section
        The companion's file, unpacked, or the region of it that the image is of.
    image : mr_extract.images.Image
    ext : int, str or None
        Number or EXTNAME; of equal names the one with the EXTVER of the image, or that
        stands among them where the image stands among those of its name. None for the
        extension that has the EXTNAME of the image, else its number, else the only image.

    Returns
    -------
    values : ndarray, shape (height, width)
        Integers as they stand in the file, to the last bit; others float32, or float64
        where they are too large or small for it. Of an SDSS frame mask the bits of its
        planes.
    invalid : ndarray of bool or None
        True where a value is blank or not finite.

    Raises
    ------
    ImageFailure
        As of `mr_extract.images.read_image`; ``no-extension`` where no extension of
        the companion is that of the image.
    """
    return _said(*_read(buffer, image, ext))[:2]


def _said(values, invalid, cards):
    """Say where integers are BLANK, which are values like others in masks and flags."""
    if values.dtype.kind in "iu" and cards:
        _, zero, blank = scaling(cards)
        blanks = 0 if blank is None else np.count_nonzero(values == blank + int(zero))
        if blanks:
            say("not-used", f"BLANK = {blank}, which {blanks} pixels have: a value like others")
    return values, invalid, cards


def _read(buffer, image, ext):
    """Return values, invalid, and the cards of the unit that was read."""
    if isinstance(buffer, Section):
        if is_object_mask(buffer):
            return buffer.cut(read_object_mask(
                buffer.whole(), image.full_shape or image.data.shape)), None, {}
        return buffer.values(image, ext)
    if is_object_mask(buffer):
        return read_object_mask(buffer, image.data.shape), None, {}
    try:
        units = listed(buffer).units
    except NotPlain:
        read = read_unpacked(buffer, meant_unit(units_of(buffer), image, ext))
        return read.pixels(), read.mask, read.header
    number = meant_unit(units, image, ext)
    unit = units[number] if number < len(units) else None
    if unit is not None and unit.is_image and not unit.cut:
        cards = read_cards(buffer, unit.start)[0]
        values = _integers(buffer, unit, cards)
        if values is not None:
            return values, None, cards
    read = read_unpacked(buffer, number)
    return read.pixels(), read.mask, read.header


def units_of(buffer: bytes | memoryview | Section) -> list[Unit]:
    """Return the units of a file or of a region of it, whatever its headers are like."""
    try:
        return buffer.units() if isinstance(buffer, Section) else listed(buffer).units
    except NotPlain:
        from mr_extract.images.general import general_units

        return general_units(buffer.whole() if isinstance(buffer, Section) else buffer)


def _integers(buffer, unit, cards):
    """Return the pixels of a unit, None where they are not plain integers."""
    if unit.compressed:
        return _tiled_integers(buffer, unit, cards)
    dtype = pixel_type(cards)
    if integers(np.zeros(0, dtype), cards) is None:
        return None
    height, width = plane_shape(unit.shape)
    values = np.frombuffer(buffer, dtype, height * width, unit.data)
    return integers(values.reshape(height, width), cards)


def _tiled_integers(buffer, unit, cards):
    from mr_extract.images.read_compressed import tile_values

    if not isinstance(cards.get("ZBITPIX"), int) or cards["ZBITPIX"] < 0:
        return None
    values = tile_values(buffer, unit)
    return values.reshape(plane_shape(values.shape)) if values.dtype.kind in "iu" else None
