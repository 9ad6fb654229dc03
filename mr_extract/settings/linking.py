"""Settings of jobs that make one of several detections."""

from dataclasses import dataclass

from mr_extract.settings.declaring import Section, not_negative, positive, setting
from mr_extract.settings.tree import Settings

CRITERIA = ("unflagged", "edge", "snr")


@dataclass(frozen=True)
class Linking(Section):
    """Which detections are of one object."""

    link_radius: float = setting(
        1.0, "arcseconds within which detections are of one object", positive
    )
    link_sigma: float = setting(
        0.0, "they are also within so many times the error of their distance, of which "
        "erra_world tells; 0 for no such limit", not_negative,
    )


def _criteria(names: tuple[str, ...]) -> bool | str:
    wrong = [name for name in names if name not in CRITERIA]
    return bool(names) and not wrong or f"needs names of {', '.join(CRITERIA)}"


@dataclass(frozen=True)
class Choosing(Section):
    """Which of several measurements of a source is kept."""

    best: tuple = setting(
        CRITERIA, "what makes a measurement the best, the first thing first: no bit of flag, the "
        "distance from the edges of its image, the signal to noise; of equal ones the first by "
        "image id and number", _criteria,
    )
    snr_of: str = setting("flux_auto", "the flux whose signal to noise is meant")


@dataclass(frozen=True)
class UniqueSettings(Settings):
    """What decides which detections are one source, and which of them is kept."""

    linking: Linking = Linking()
    choosing: Choosing = Choosing()
