"""The mask, weight map and flag image that belong to an image, and what else is known of it."""

from dataclasses import replace

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.images.asinh import is_asinh, linear, make_linear
from mr_extract.images.cards import read_cards
from mr_extract.images.extensions import meant_unit
from mr_extract.images.image import plane, plane_shape
from mr_extract.images.plain import integers, pixel_type
from mr_extract.images.read import read_unpacked
from mr_extract.images.sdss.masks import (
    BAD_PLANES,
    BITS,
    bad_pixels,
    is_object_mask,
    read_object_mask,
)
from mr_extract.images.section import Section
from mr_extract.images.units import NotPlain, list_units, reader_of


def add_known(image, buffer, settings):
    """Give an image what the settings say is in its own file: linear pixels, a calibration.

    Parameters
    ----------
    image : mr_extract.images.Image
    buffer : bytes-like or mr_extract.images.section.Section or None
        Its file, unpacked, or the region of it; None where there is none, and nothing is
        calibrated.
    settings : mr_extract.config.Companions

    Raises
    ------
    ImageFailure
        As `mr_extract.images.sdss.frames.calibrate_frame`.
    """
    make_linear(image, settings.asinh)
    if settings.calibrated == "sdss-frame":
        from mr_extract.images.sdss.frames import calibrate_frame

        if isinstance(buffer, Section):
            calibrate_frame(image, buffer.whole())
            image.weight = buffer.cut(image.weight)
        else:
            calibrate_frame(image, buffer)
        if settings.weight_type == "none":
            image.weight, image.weight_kind = None, ""


def add_mask(image, values, settings):
    """Mask the pixels of an image that a bad pixel mask names.

    Parameters
    ----------
    image : mr_extract.images.Image
        Its `mask` becomes another array.
    values : ndarray of any real type or bool, shape (height, width)
        As in the file.
    settings : mr_extract.config.Companions
        `mask_type` and `mask_bits`.

    Raises
    ------
    ImageFailure
        ``companion-mismatch`` for another shape, ``unsupported-pixels`` for bits of
        pixels that are not integers.
    """
    values = _fitting(image, values)
    if settings.mask_bits and values.dtype.kind != "b":
        if values.dtype.kind not in "iu":
            raise ImageFailure("unsupported-pixels",
                               f"pixels of type {values.dtype.name} have no bits (mask_bits)")
        marked = (values.astype(np.int64, copy=False) & settings.mask_bits) != 0
    else:
        marked = values != 0
    bad = ~marked if settings.mask_type == "good" else marked
    if values.dtype.kind == "f":
        bad |= np.isnan(values)
    if bad.any():
        image.mask = bad if image.mask is None else image.mask | bad


def read_mask(image, buffer, ext, settings):
    """Mask the pixels of an image that a file names.

    Parameters
    ----------
    image : mr_extract.images.Image
    buffer, ext
        As for `read_values`. In an SDSS frame mask the bits are those of
        `mr_extract.images.sdss.masks.BITS`; without `mask_bits` its `BAD_PLANES` count.
        Its saturated pixels become `saturated`, too: the survey has put other values
        into them, so that no level tells.
    settings : mr_extract.config.Companions

    Raises
    ------
    ImageFailure
        As from `read_values` and `add_mask`.
    """
    if is_object_mask(buffer):
        bits = settings.mask_bits or sum(BITS[name] for name in BAD_PLANES)
        settings = replace(settings, mask_bits=bits, mask_type="bad")
    values, invalid = read_values(buffer, image, ext)
    if is_object_mask(buffer):
        image.saturated = bad_pixels(values, ["SATUR"])
    add_mask(image, values, settings)
    if invalid is not None:
        image.mask = invalid if image.mask is None else image.mask | invalid


def set_weight(image, values, kind, invalid=None):
    """Give an image its weight map.

    Parameters
    ----------
    image : mr_extract.images.Image
    values : ndarray of any real type, shape (height, width)
    kind : str
        ``weight``, ``variance`` or ``rms``.
    invalid : ndarray of bool, shape (height, width), optional
        Where the map has no value.

    Raises
    ------
    ImageFailure
        ``companion-mismatch`` for another shape, ``no-valid-pixels`` for a map without
        a usable pixel, ``unsupported-pixels`` as named.
    """
    values, blank, image.weight_exponent = plane(_fitting(image, values))
    for none in (invalid, blank):
        if none is not None and none.any():
            values = values.copy()
            values[none] = 0.0  # of no use, whatever the kind
    if not (values > 0).any():
        raise ImageFailure("no-valid-pixels", "no pixel is greater than 0")
    image.weight, image.weight_kind = values, kind


def set_flags(image, values):
    """Give an image its flag image.

    Parameters
    ----------
    image : mr_extract.images.Image
    values : ndarray of integers, shape (height, width)
        Bit 31 of unsigned ones becomes the sign.

    Raises
    ------
    ImageFailure
        ``companion-mismatch`` for another shape, ``unsupported-pixels`` for what is
        not whole or has more than 32 bits.
    """
    values = _fitting(image, values)
    if values.dtype.kind not in "iub":
        raise ImageFailure("unsupported-pixels",
                           f"pixels of type {values.dtype.name} are no flags")
    if values.dtype.itemsize > 4 and values.size and (
        values.min() < -(2**31) or values.max() >= 2**32
    ):
        raise ImageFailure("unsupported-pixels", "a flag has more than 32 bits")
    image.flags = values.astype(np.int64).astype(np.uint32).view(np.int32)


def read_map(buffer, image, ext, settings):
    """Read a weight map, whose pixels become linear where they are asinh of its values.

    Parameters
    ----------
    buffer, image, ext
        As for `read_values`.
    settings : mr_extract.config.Companions
        `asinh`.

    Returns
    -------
    values, invalid
        As from `read_values`.
    """
    return linear_map(*_read(buffer, image, ext), settings)


def linear_map(values, invalid, cards, settings):
    """Return a weight map without asinh, if its cards say so.

    Parameters
    ----------
    values : ndarray of any real type
    invalid : ndarray of bool or None
    cards : mapping
        Of the map's own header.
    settings : mr_extract.config.Companions
        `asinh`.

    Returns
    -------
    values, invalid
        As from `read_values`.
    """
    if not is_asinh(cards):
        return values, invalid
    data = np.array(values, np.float64)  # of integers, too
    blank = ~np.isfinite(data)
    data[blank] = 0.0
    return linear(data, blank if invalid is None else blank | invalid, cards, settings.asinh)


def read_values(buffer, image, ext=None):
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
    return _read(buffer, image, ext)[:2]


def _read(buffer, image, ext):
    """Return values, invalid, and the cards of the unit that was read."""
    if isinstance(buffer, Section):
        if is_object_mask(buffer):
            return buffer.cut(read_object_mask(buffer.whole(), image.full_shape)), None, {}
        return buffer.values(image, ext)
    if is_object_mask(buffer):
        return read_object_mask(buffer, image.data.shape), None, {}
    try:
        units = list_units(reader_of(buffer))
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


def units_of(buffer):
    """Return the units of a file or of a region of it, whatever its headers are like."""
    try:
        return buffer.units() if isinstance(buffer, Section) else list_units(reader_of(buffer))
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
    from mr_extract.images.general import tile_values

    if not isinstance(cards.get("ZBITPIX"), int) or cards["ZBITPIX"] < 0:
        return None
    values = tile_values(buffer, unit)
    return values.reshape(plane_shape(values.shape)) if values.dtype.kind in "iu" else None


def _fitting(image, values):
    values = np.asarray(values)
    if values.shape != image.data.shape:
        raise ImageFailure(
            "companion-mismatch", f"it has {_size(values)} pixels, the image {_size(image.data)}"
        )
    return values


def _size(values):
    return " x ".join(str(n) for n in reversed(values.shape))
