"""What the unit of a column says: angles to degrees, lengths to pixels, motions to mas/yr."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_DEGREES = ("", "deg", "degree", "degrees")
_PIXELS = ("", "pix", "pixel", "pixels", "px")


def to_degrees(values: np.ndarray, unit: str) -> np.ndarray:
    """Return angles in degrees.

    Parameters
    ----------
    values : ndarray of float64
    unit : str
        As astropy spells units; none is degrees.

    Raises
    ------
    ValueError
        With the unit, when it is no angle.
    """
    if unit.strip().lower() in _DEGREES:
        return values
    found = _parsed(unit)
    if found is None or not found.is_equivalent("deg"):
        hint = " (hourangle is)" if unit.strip().lower() in ("h", "hr", "hour", "hours") else ""
        raise ValueError(f"{unit}, which is no angle{hint}")
    return found.to("deg", values)


def to_pixels(values: np.ndarray, unit: str) -> np.ndarray:
    """Return lengths in pixels.

    Parameters
    ----------
    values : ndarray of float64
    unit : str
        None is pixels.

    Raises
    ------
    ValueError
        With the unit, when it is another.
    """
    if unit.strip().lower() not in _PIXELS:
        raise ValueError(f"{unit}, not in pixels")
    return values


def to_yearly(values: np.ndarray, unit: str) -> np.ndarray:
    """Return proper motions in mas/yr.

    Parameters
    ----------
    values : ndarray of float64
    unit : str
        None is mas/yr.

    Raises
    ------
    ValueError
        With the unit, when it is none of an angle in a time.
    """
    if unit.replace(" ", "").lower() in ("", "mas/yr", "mas.yr-1", "mas.yr**-1", "masyr-1"):
        return values
    found = _parsed(unit)
    if found is None or not found.is_equivalent("mas/yr"):
        raise ValueError(f"{unit}, which is no angle in a time")
    return found.to("mas/yr", values)


def _parsed(unit):
    from astropy.units import Unit  # for what is not plain

    for spelled in (unit, unit.lower()):
        try:
            return Unit(spelled)
        except (ValueError, TypeError):
            continue
    return None
