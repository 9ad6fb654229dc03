"""Gain, saturation level and zero point of an image: what is used, and who said it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mr_extract.images.card_numbers import card_number, number, value_of
from mr_extract.remarks import say

if TYPE_CHECKING:
    from mr_extract.images.image import Image
    from mr_extract.settings.measuring import Measurement

#: The settings that name the card, and that hold the value where no header has one.
SETTINGS = {"gain": ("gain_key", "gain"), "saturation": ("satur_key", "satur_level"),
            "zero_point": ("zero_point_key", "zero_point")}


@dataclass(frozen=True)
class Levels:
    """What is set against the pixels of an image, in its units.

    Parameters
    ----------
    gain : float
        Electrons per image unit, 0 for no photon noise.
    saturation : float
        Image value of a saturated pixel.
    zero_point : float
        Magnitude of one image unit.
    elsewhere : frozenset of str
        Which of the three neither a header nor the settings said, but a calibration or the
        manifest.
    """

    gain: float
    saturation: float
    zero_point: float
    elsewhere: frozenset[str] = frozenset()


def known_levels(
    image: Image, settings: Measurement, zero_point: float | None = None
) -> Levels:
    """Return what calibration, header, primary header or settings say, in this order.

    Parameters
    ----------
    image : mr_extract.images.Image
    settings : mr_extract.settings.measuring.Measurement
    zero_point : float, optional
        Stands above all of them.

    Returns
    -------
    Levels
        A card that a calibration overrules with another number is said.
    """
    found = {name: _known(image, settings, name) for name in SETTINGS
             if name != "zero_point" or zero_point is None}
    elsewhere = {name for name in found if getattr(image, name) is not None}
    if zero_point is not None:
        found["zero_point"] = zero_point
        elsewhere.add("zero_point")
    return Levels(**found, elsewhere=frozenset(elsewhere))


def _known(image, settings, name):
    """Return what the calibration, the header, that of the file or the settings say."""
    key, default = SETTINGS[name]
    calibrated, keyword = getattr(image, name), getattr(settings, key).strip()
    if calibrated is not None:
        _say_overruled((image.header, image.primary), keyword, name, calibrated)
        return calibrated
    found, there = card_number((image.header, image.primary), keyword, name != "zero_point")
    if not there and keyword and keyword.upper() != getattr(type(settings), key):
        say("card-not-there", keyword)
    return getattr(settings, default) if found is None else found


def _say_overruled(headers, keyword, name, calibrated):
    """Say where a card has another number than is known, which stands above it."""
    for header in headers if keyword else ():
        value = value_of(header, keyword)
        if value is not None:
            if number(value) != calibrated:
                say("not-used", f"card {keyword} = {value}, as {name} is known: {calibrated:.9g}")
            return
