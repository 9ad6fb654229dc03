"""Masks, weights and flags that a notebook gives with an image."""

import os
from typing import Any

import numpy as np

from mr_extract.images.cards import cards_of
from mr_extract.images.companion_values import linear_map, read_map, read_values
from mr_extract.images.companions import (
    add_mask,
    read_mask,
    say_idle_settings,
    set_flags,
    set_weight,
)
from mr_extract.images.image import Image
from mr_extract.images.psf_model import PsfModel, read_psf
from mr_extract.images.section import Section
from mr_extract.images.units import reader_of
from mr_extract.notebook.astropy_objects import values_of
from mr_extract.notebook.images import beside
from mr_extract.notebook.paths import is_path, opened
from mr_extract.remarks import about, say
from mr_extract.settings.beside import WEIGHT_KINDS, Companions
from mr_extract.unpacking import unpack


def add_companions(
    image: Image, mask: Any, weight: Any, flags: Any, psf: Any, rules: Companions
) -> None:
    """Give an image what was given with it: arrays, or paths with perhaps an ``[extension]``.

    Parameters
    ----------
    image : mr_extract.images.Image
    mask, weight, flags : array, HDU, NDData, path or None
        As for `mr_extract.notebook.astropy_objects.values_of`; masked pixels are bad, have
        no weight and no flags.
    psf : mr_extract.images.psf_model.PsfModel, path or None
    rules : mr_extract.settings.beside.Companions

    Raises
    ------
    ValueError
        For an array of another shape, and where rules are left that name files.
    ImageFailure
        For a file that is no companion of the image.
    """
    if rules.mask_image or rules.weight_image or rules.flag_image or rules.calibration_file or (
            rules.psf_image):
        raise ValueError("rules that name files are for manifests: give mask, weight and flags "
                         "as arrays or paths, psf as a path, zero_point and gain as numbers")
    if psf is not None:
        image.psf = _model(psf)
    say_idle_settings(mask is not None, weight is not None or image.weight is not None, rules)
    kind = WEIGHT_KINDS.get(rules.weight_type)
    missing = {}

    def plane(values):
        return None if values is None else beside(values, image)
    if is_path(mask):
        with about("mask"):
            buffer, ext = _companion(mask, image)
            read_mask(image, buffer, ext, rules)
        mask = None
    elif mask is not None:
        mask, missing["mask"] = map(plane, values_of(mask)[:2])
    if is_path(weight):
        with about("weight"):
            buffer, ext = _companion(weight, image)
            weight, missing["weight"] = read_map(buffer, image, ext, rules)
    elif weight is not None:
        cards = cards_of(getattr(weight, "header", {}))
        weight, missing["weight"], own = values_of(weight)
        weight, missing["weight"] = plane(weight), plane(missing["weight"])
        with about("weight"):
            weight, missing["weight"] = linear_map(weight, missing["weight"], cards, rules)
        kind = kind and (own or kind)
    if is_path(flags):
        with about("flags"):
            buffer, ext = _companion(flags, image)
            flags = read_values(buffer, image, ext)[0]
    elif flags is not None:
        flags, missing["flags"] = map(plane, values_of(flags)[:2])
    for name, values in (("mask", mask), ("weight", weight), ("flags", flags)):
        if values is not None and np.shape(values) != image.data.shape:
            raise ValueError(f"{name} of shape {np.shape(values)} for image of "
                             f"{image.data.shape}")
    if mask is not None:
        add_mask(image, mask, rules)
        if missing["mask"] is not None:
            image.mask = missing["mask"] if image.mask is None else image.mask | missing["mask"]
    if weight is not None and kind:
        set_weight(image, weight, kind, missing["weight"])
    elif weight is not None:
        say("not-used", "weight: the setting weight_type is none")
    if flags is not None:
        set_flags(image, flags)
        gone = missing.get("flags")
        if gone is not None and image.flags is not None:
            image.flags[gone] = 0
            say("not-used", f"flags: those of {gone.sum()} masked pixels count as 0")


def _model(psf):
    if isinstance(psf, PsfModel):
        return psf
    if not is_path(psf):
        raise ValueError(f"psf takes the path of a .psf file, not an object of type "
                         f"{type(psf).__name__}")
    with about("psf"), open(psf, "rb") as file:
        return read_psf(unpack(file.read()))


def _companion(path, image):
    """Return the file of a companion, or the plane of it that is the image's, and extension."""
    buffer, ext, plane = opened(path)
    if plane is not None:
        raise ValueError(f"{os.fspath(path)} names a plane: a companion has that of the image")
    return (buffer if image.plane is None else Section(reader_of(buffer))), ext
