"""Cells of a column of text: numbers, and angles in parts as ``10:00:00`` or ``10h00m00s``."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

import numpy as np

MISSING = frozenset(("", "nan", "null", "none", "na", "n/a", "--", "indef"))
_HOURS = ("h:m:s", "hourangle", "h", "hr", "hour", "hours")
_DEGREES = ("d:m:s", "deg", "degree", "degrees")
# Two or three parts; with a letter one is enough.
_PARTS = re.compile(
    r"[+-]?\d+(?:\s*:\s*|\s+)\d+(?:(?:\s*:\s*|\s+)\d+)?(?:\.\d*)?|"
    r"[+-]?\d+(?:\.\d*)?\s*[hHdD°](?:\s*\d+(?:\.\d*)?\s*[mM'′](?:\s*\d+(?:\.\d*)?\s*[sS\"″])?)?")


def is_in_parts(text: str) -> bool:
    """Tell whether a text is an angle in parts, such as ``10:00:00`` or ``10h00m00s``."""
    return _PARTS.fullmatch(text.strip()) is not None


def are_in_parts(texts: Sequence[str]) -> bool:
    """Tell whether the first text that is not missing is an angle in parts."""
    first = next((text for text in texts if text.lower() not in MISSING), "")
    return is_in_parts(first)


def numbers_in(texts: Sequence[str], called: str) -> np.ndarray:
    """Return texts as float64; nan where they are missing.

    Parameters
    ----------
    texts : sequence of str, of length n
    called : str
        What a message calls them.

    Raises
    ------
    ValueError
        For one that is no number.
    """
    numbers = np.empty(len(texts))
    for row, text in enumerate(texts):
        try:
            numbers[row] = float(text)
        except ValueError:
            if text.lower() not in MISSING:
                hint = " (those before it are)" if is_in_parts(text) and row else ""
                raise ValueError(f"its row {row + 1} has {text!r} in {called}, which is no "
                                 f"number{hint}") from None
            numbers[row] = np.nan
    return numbers


def degrees_in(texts: Sequence[str], called: str, unit: str, hours: bool) -> np.ndarray:
    """Return angles in parts as degrees, float64; nan where they are missing.

    Parameters
    ----------
    texts : sequence of str, of length n
        Letters say what a text is in.
    called : str
        What a message calls them.
    unit : str
        Of those without letters.
    hours : bool
        What those without letters are in where there is no unit: hours, or degrees.

    Raises
    ------
    ValueError
        For one that is no angle, such as with 70 minutes, or not in parts; for a unit in which
        angles have none.
    """
    from astropy.coordinates import Angle

    known = unit.strip(' "').lower()  # VizieR has quotes
    if known and known not in (*_HOURS, *_DEGREES):
        raise ValueError(f"its {called} has angles in parts, which are in hours or degrees and "
                         f"not in {unit}")
    meant = "hourangle" if known in _HOURS or (hours and not known) else "deg"
    found = np.full(len(texts), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # 60 minutes are a warning of astropy's
        for row, text in enumerate(texts):
            if text.lower() in MISSING:
                continue
            if not is_in_parts(text):
                raise ValueError(f"its row {row + 1} has {text!r} in {called}, which is no angle "
                                 "in parts, as those before it are")
            try:
                found[row] = Angle(text.strip().lower(), meant).deg
            except (ValueError, Warning) as error:
                said = " ".join(str(error).split())[:120]
                raise ValueError(f"its row {row + 1} has {text!r} in {called}, which is no angle: "
                                 f"{said}") from error
    return found
