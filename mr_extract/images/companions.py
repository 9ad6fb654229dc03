"""The mask, weight map and flag image that belong to an image, and what else is known of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.images.asinh import make_linear
from mr_extract.images.companion_values import read_values
from mr_extract.images.image import plane
from mr_extract.images.sdss.masks import (
    BAD_PLANES,
    BITS,
    bad_pixels,
    is_object_mask,
)
from mr_extract.images.section import Section
from mr_extract.remarks import say

if TYPE_CHECKING:
    from mr_extract.images.image import Image
    from mr_extract.settings.beside import Companions


def add_known(
    image: Image, buffer: bytes | memoryview | Section | None, settings: Companions
) -> None:
    """Give an image what the settings say is in its own file: linear pixels, a calibration.

    Parameters
    ----------
    image : mr_extract.images.Image
    buffer : bytes-like or mr_extract.images.section.Section or None
        Its file, unpacked, or the region of it; None where there is none, and nothing is
        calibrated.
    settings : mr_extract.settings.beside.Companions

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
            image.weight = buffer.cut(cast(np.ndarray, image.weight))
        else:
            calibrate_frame(image, cast("bytes | memoryview", buffer))
        if settings.weight_type == "none":
            image.weight, image.weight_kind = None, ""


def say_idle_settings(masked: bool, weighted: bool, settings: Companions) -> None:
    """Say which settings of masks and weight maps have nothing to do.

    Parameters
    ----------
    masked, weighted : bool
        A mask is there, a weight map is there, or whoever named none has been told.
    settings : mr_extract.settings.beside.Companions
    """
    for names, there, what in ((("mask_bits", "mask_type"), masked, "mask"),
                               (("weight_thresh",), weighted, "weight map")):
        for name in names:
            if not there and getattr(settings, name) != getattr(type(settings), name):
                say("not-used", f"{name}, as there is no {what}")


def add_mask(image: Image, values: np.ndarray, settings: Companions) -> None:
    """Mask the pixels of an image that a bad pixel mask names.

    Parameters
    ----------
    image : mr_extract.images.Image
        Its `mask` becomes another array.
    values : ndarray of any real type or bool, shape (height, width)
        As in the file.
    settings : mr_extract.settings.beside.Companions
        `mask_type` and `mask_bits`.

    Raises
    ------
    ImageFailure
        ``companion-mismatch`` for another shape, ``unsupported-pixels`` for bits of
        pixels that are not integers.
    """
    values = _fitting(image, values)
    if settings.mask_bits and values.dtype.kind == "b":
        say("not-used", "mask_bits: truth values have no bits")
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


def read_mask(
    image: Image, buffer: bytes | memoryview | Section, ext: int | str | None, settings: Companions
) -> None:
    """Mask the pixels of an image that a file names.

    Parameters
    ----------
    image : mr_extract.images.Image
    buffer, ext
        As for `read_values`. In an SDSS frame mask the bits are those of
        `mr_extract.images.sdss.masks.BITS`; without `mask_bits` its `BAD_PLANES` count.
        Its saturated pixels become `saturated`, too: the survey has put other values
        into them, so that no level tells.
    settings : mr_extract.settings.beside.Companions

    Raises
    ------
    ImageFailure
        As from `read_values` and `add_mask`.
    """
    if is_object_mask(buffer):
        if settings.mask_type == "good":
            say("not-used", "mask_type good: a frame mask of SDSS names pixels for what is bad")
        bits = settings.mask_bits or sum(BITS[name] for name in BAD_PLANES)
        settings = replace(settings, mask_bits=bits, mask_type="bad")
    values, invalid = read_values(buffer, image, ext)
    if is_object_mask(buffer):
        image.saturated = bad_pixels(values, ["SATUR"])
    add_mask(image, values, settings)
    if invalid is not None:
        image.mask = invalid if image.mask is None else image.mask | invalid


def set_weight(
    image: Image, values: np.ndarray, kind: str, invalid: np.ndarray | None = None
) -> None:
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


def set_flags(image: Image, values: np.ndarray) -> None:
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


def _fitting(image, values):
    values = np.asarray(values)
    if values.shape != image.data.shape:
        raise ImageFailure(
            "companion-mismatch", f"it has {_size(values)} pixels, the image {_size(image.data)}"
        )
    return values


def _size(values):
    return " x ".join(str(n) for n in reversed(values.shape))
