"""Bytes of a FITS file, packed or not, to an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mr_extract.images.cards import Cards, read_cards
from mr_extract.images.coordinate_tables import with_tables
from mr_extract.images.extensions import chosen_unit
from mr_extract.images.listed import listed
from mr_extract.images.plain import read_unit
from mr_extract.images.section import Section
from mr_extract.images.units import NotPlain
from mr_extract.remarks import say
from mr_extract.unpacking import unpack

if TYPE_CHECKING:
    from mr_extract.images.image import Image


def read_image(buffer: bytes, ext: int | str | None = None) -> Image:
    """Read one image of a FITS file.

    What the file is is told by its first bytes, not by its name.

    Parameters
    ----------
    buffer : bytes-like
        The whole file: FITS, or FITS in gzip or bzip2.
    ext : int or str, optional
        Number (the primary is 0) or EXTNAME of the header and data unit; by
        default the first that holds an image.

    Returns
    -------
    Image

    Raises
    ------
    ImageFailure
        ``empty-file``, ``not-fits``, ``truncated``, ``corrupt``, ``no-image``,
        ``no-extension``, ``not-two-dimensional`` or ``unsupported-pixels``.
    """
    return read_unpacked(unpack(buffer), ext)


def read_unpacked(buffer: bytes | memoryview | Section, ext: int | str | None = None) -> Image:
    """Read one image of a FITS file that has no gzip or bzip2 around it.

    Parameters, result and failures are those of `read_image`; the file may also be a
    `mr_extract.images.section.Section`. What other units hold is not looked at, only how
    long they are.
    """
    if isinstance(buffer, Section):
        image = buffer.image(ext)
        _say_of_blank(image)
        return image
    try:
        file = listed(buffer)
        unit = chosen_unit(file.units, ext)
        if unit.compressed:
            from mr_extract.images.read_compressed import read_tiled

            image = read_tiled(buffer, unit, file.images)
            if unit.name:
                cast(Cards, image.header)["EXTNAME"] = unit.name  # of two cards the true one
        else:
            image = read_unit(buffer, unit, file.images)
        image.siblings = file.siblings
    except NotPlain:
        from mr_extract.images.general import read_general

        image = read_general(buffer, ext)
    # The convention of INHERIT, by which an extension may also decline.
    if image.hdu and image.header.get("INHERIT") is not False:
        image.primary = read_cards(buffer, 0)[0]
    with_tables(cast(Cards, image.header), lambda: bytes(buffer))
    _say_of_blank(image)
    return image


def _say_of_blank(image):
    """Say of real pixels that BLANK, which the standard has for integers, would have meant some."""
    blank, bitpix = image.header.get("BLANK"), image.header.get("BITPIX")
    if type(blank) in (int, float) and type(bitpix) is int and bitpix < 0:
        count = int((image.data == blank).sum())
        if count:
            say("not-used", f"BLANK = {blank:g} of real numbers, which {count} pixels have")

