"""Settings of the job that makes objects of detections."""

import re
from dataclasses import dataclass

from mr_extract.settings.declaring import Section, not_negative, setting
from mr_extract.settings.linking import Linking
from mr_extract.settings.tree import Settings

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
# Bits of `mr_extract.columns.choice.FLAGS` that spoil a flux: border, apertures, saturation.
_SPOILED = 0x0002 | 0x0010 | 0x0020 | 0x0040 | 0x0100 | 0x0200


@dataclass(frozen=True)
class Motion(Section):
    """Objects that move."""

    motion: str = setting(
        "none", "follow: an object may move by the radius from one detection to the next; fit: "
        "the same, and pmra, pmdec are fitted", choices=("none", "follow", "fit"),
    )


@dataclass(frozen=True)
class Photometry(Section):
    """Which magnitudes statistics are made of."""

    mag: str = setting("mag_auto", "the magnitude; its error is the column with magerr for mag")
    bad_flags: int = setting(
        _SPOILED, "sum of the bits of flag with which a detection counts, and its magnitude not",
        not_negative,
    )
    pair_days: float = setting(
        0.05, "days within which measurements that follow each other are a pair for Stetson's J",
        not_negative,
    )


def _function(text: str) -> bool | str:
    return not text or bool(_NAME.fullmatch(text)) or "must be module:function"


@dataclass(frozen=True)
class LightCurves(Section):
    """What else is made of a light curve."""

    light_curve_function: str = setting(
        "", "module:function that takes mjd, mag, magerr and filters of an object and returns "
        "names and numbers, which become columns", _function,
    )


@dataclass(frozen=True)
class ObjectSettings(Settings):
    """What decides which detections are one object, and what is said of it."""

    linking: Linking = Linking()
    motion: Motion = Motion()
    photometry: Photometry = Photometry()
    light_curves: LightCurves = LightCurves()
