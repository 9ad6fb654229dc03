"""The closed list of what is said of an image that was measured, besides its numbers.

Nothing that a user gave is replaced, clipped, ignored or taken for missing without a word:
it is used, it is a failure (`mr_extract.failures`), or it is said here. Whoever reads or
measures says it where it happens, with `say`; whoever asked for the image listens with
`hearing` and puts it on the image's line, in the catalog or in the table of a notebook.
"""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

REMARKS = {
    "card-not-there": "the header has no card of the keyword that an option names",
    "repeated-card": "a header card is there twice with different values, and the first was used",
    "companion-absent": "an optional mask, map or detection image is not there, and none was used",
    "asinh-pixels": "the header says that pixels are asinh of the flux: they were made linear",
    "first-of-name": "several extensions have the name that was asked for: the first was taken",
    "trailing-bytes": "bytes behind the end of what was read were not looked at",
    "unusable-card": "a header card that was asked for holds no usable value, and was not used",
    "unasked-distortion": "there are coefficients of a distortion that CTYPE does not ask for",
    "not-used": "a part of what was given was not used",
    "no-sky-positions": "the header has no coordinates of the sky: sky positions are nan",
    "converted-positions": "positions of the list were converted to the coordinates of the map",
    "unmoved-positions": "positions of a list were not brought to the date of the image",
    "no-flux-unit": "what the pixels hold is not known in Jy: the columns in Jy are nan",
    "unknown-seeing": "a filter of the image's seeing was asked for, which could not be measured",
    "unknown-psf": "a PSF of the image's own stars was asked for, which could not be had",
    "rows-passed-over": "rows of a list hold no position, or stand behind #",
    "huge-pixels": "finite pixels too large to be true were taken for bad ones",
    "beyond-float32": "numbers in image units are beyond float32, and the columns are float64",
}

_LONGEST = 200  # characters of a detail
_said: ContextVar[dict[tuple[str, str], None] | None] = ContextVar("said", default=None)


class RemarkWarning(UserWarning):
    """What is said of an image while nobody listens."""


def say(kind: str, detail: object = "") -> None:
    """Say something of the image that is being read or measured.

    Parameters
    ----------
    kind : str
        A key of `REMARKS`.
    detail : str
        What was found, in a few words that are the same on every machine and for every
        order of work: no paths of tasks, no times.
    """
    if kind not in REMARKS:
        raise ValueError(f"unknown remark {kind!r}")
    detail = " ".join(str(detail).split())[:_LONGEST]
    said = _said.get()
    if said is None:
        warnings.warn(f"{kind}: {detail}" if detail else kind, RemarkWarning, stacklevel=2)
    else:
        said[kind, detail] = None


@contextmanager
def hearing() -> Iterator[dict[tuple[str, str], None]]:
    """Collect what is said within, in a dictionary whose keys are (kind, detail).

    What is made once and used for several images, as a file that is held, keeps what was
    said of it, and each of them has it from `repeat`.
    """
    said: dict[tuple[str, str], None] = {}
    token = _said.set(said)
    try:
        yield said
    finally:
        _said.reset(token)


def repeat(said: Iterable[tuple[str, str]], what: str = "") -> None:
    """Say again what was heard.

    Parameters
    ----------
    said : iterable of (str, str)
    what : str
        Of what it was said, such as ``weight``; empty for the image itself.
    """
    for kind, detail in said:
        say(kind, ": ".join(filter(None, (what, detail))))


@contextmanager
def about(what: str) -> Iterator[None]:
    """Have what is said within said of something beside the image, such as its ``weight``."""
    with hearing() as said:
        yield
    repeat(said, what)


def as_cell(said: Iterable[tuple[str, str]]) -> str:
    """Return what was said as text: ``kind:detail;kind``, in the order of the letters.

    Parameters
    ----------
    said : iterable of (str, str)
    """
    parts = sorted((kind, detail.replace("%", "%25").replace(";", "%3B"))
                   for kind, detail in said)
    return ";".join(f"{kind}:{detail}" if detail else kind for kind, detail in parts)


def parse_cell(text: str) -> list[tuple[str, str]]:
    """Return what `as_cell` has written, as a list of (kind, detail)."""
    parts = (part.partition(":") for part in text.split(";") if part)
    return [(kind, detail.replace("%3B", ";").replace("%25", "%")) for kind, _, detail in parts]
