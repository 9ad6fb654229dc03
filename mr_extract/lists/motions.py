"""Proper motions: where what a list has at one epoch is at another.

A motion goes along a straight line in space, of which the part across the line of sight is
known: so the direction at a date is that of a vector at the epoch and a multiple of another.
Parallaxes and radial velocities are not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from mr_extract.astrometry.inverse import degrees, unit_vectors
from mr_extract.remarks import say

if TYPE_CHECKING:
    from mr_extract.lists.columns import Table

_MAS = np.pi / (180 * 3600 * 1000)  # radians
_J2000 = 51544.5
_YEAR = 365.25
NO_DATE = "the list has proper motions and the image no date"
Days = TypeVar("Days", float, np.ndarray)


def year_of(mjd: Days) -> Days:
    """Return modified Julian dates as Julian years."""
    return 2000.0 + (mjd - _J2000) / _YEAR


@dataclass
class Motions:
    """Proper motions of the entries of a list.

    Parameters
    ----------
    pmra, pmdec : ndarray of float64, shape (n,)
        mas/yr (ICRS), the first times the cosine of the declination; nan is not known.
    epoch : ndarray of float64, shape (n,)
        Of the positions, in Julian years; nan is not known.
    """

    pmra: np.ndarray
    pmdec: np.ndarray
    epoch: np.ndarray

    def __post_init__(self) -> None:
        self.known = np.isfinite(self.pmra) & np.isfinite(self.pmdec) & np.isfinite(self.epoch)

    def of(self, which: np.ndarray) -> Motions:
        """Return the motions of some of the entries, by number from 0 on."""
        return Motions(self.pmra[which], self.pmdec[which], self.epoch[which])

    def drifts(self, ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
        """Return how unit vectors change.

        Parameters
        ----------
        ra, dec : ndarray of float64, shape (n,)
            Positions at the epochs in degrees (ICRS).

        Returns
        -------
        ndarray of float64, shape (3, n)
            Radians in a year; 0 where nothing is known.
        """
        a, d = np.radians(ra), np.radians(dec)
        east, north = (np.where(self.known, v, 0.0) * _MAS for v in (self.pmra, self.pmdec))
        return np.stack([
            -np.sin(a) * east - np.sin(d) * np.cos(a) * north,
            np.cos(a) * east - np.sin(d) * np.sin(a) * north,
            np.cos(d) * north,
        ])

    def years_to(self, mjd: float) -> np.ndarray:
        """Return the years from the epochs to a date, 0 where nothing is known."""
        return np.where(self.known, year_of(mjd) - self.epoch, 0.0)

    def moved(
        self, ra: np.ndarray, dec: np.ndarray, mjd: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return positions (degrees, ICRS) at a date; those without a motion as they are."""
        vectors = unit_vectors(ra, dec) + self.drifts(ra, dec) * self.years_to(mjd)
        there = degrees(vectors)
        return tuple(np.where(self.known, new, old)  # type: ignore[return-value]
                     for new, old in zip(there, (ra, dec)))


def motions_of(table: Table, pair: tuple[int, int], told: float = 0.0) -> Motions | None:
    """Return the proper motions of positions in a list, None where it has none.

    Parameters
    ----------
    table : mr_extract.lists.columns.Table
    pair : tuple of int
        Its columns of right ascension and declination.
    told : float
        Epoch of the positions in Julian years, where the list does not say it; 0 is not known.

    Raises
    ------
    ValueError
        For one motion without the other, or what is no motion or no epoch.
    """
    if pair == table.sky and table.motion is not None:
        motions = Motions(*(table.numbers(k) for k in table.motion))
        return _useful(Motions(motions.pmra, motions.pmdec, np.where(
            np.isfinite(motions.epoch), motions.epoch, told or np.nan)))
    east, north = (table.find(role) for role in ("pmra", "pmdec"))
    if (east is None and north is None) or table.galactic() == pair:
        return None
    if east is None or north is None:
        raise ValueError("of proper motions it has one, and not the other")
    return _useful(Motions(table.numbers(east, "mas/yr"), table.numbers(north, "mas/yr"),
                           _epochs(table, pair, told)))


def _useful(motions):
    """Return motions, None where no epoch is known, and say what does not move."""
    count = len(motions.epoch)
    if count and not np.isfinite(motions.epoch).any():
        say("unmoved-positions", "the list has proper motions and says no epoch (--list-epoch)")
        return None
    still = np.count_nonzero(~motions.known)
    if still:
        say("unmoved-positions", f"rows without a proper motion: {still} of {count}")
    return motions


def _epochs(table, pair, told):
    column, days = table.find("epoch"), table.find("mjd")
    if table.are_computed(pair):  # whatever the epoch of the other pair
        return np.full(len(table), 2000.0)
    if column is not None:
        return _years(table, column)
    if days is not None:
        return year_of(table.numbers(days))
    return np.full(len(table), table.epoch if np.isfinite(table.epoch) else told or np.nan)


def _years(table, column):
    values = table.numbers(column)
    if table.unit(column).strip().lower() in ("d", "day", "days"):
        values = year_of(values)
    odd = np.flatnonzero((values < 1700) | (values > 2300))
    if len(odd):
        raise ValueError(f"its row {odd[0] + 1} has the epoch {values[odd[0]]:g}, which is no "
                         "year; of days the unit must be d")
    return values
