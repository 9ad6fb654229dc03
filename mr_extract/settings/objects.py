"""Settings of the job that makes objects of detections."""

from dataclasses import dataclass

from mr_extract.settings.declaring import Section, not_negative, setting
from mr_extract.settings.linking import Linking
from mr_extract.settings.tree import Settings

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


@dataclass(frozen=True)
class ObjectSettings(Settings):
    """What decides which detections are one object, and what is said of it."""

    linking: Linking = Linking()
    motion: Motion = Motion()
    photometry: Photometry = Photometry()
