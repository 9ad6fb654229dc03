"""Catalogued sources: their names and places, in the coordinates that a map has."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mr_extract.astrometry.frames import converted
from mr_extract.lists.columns import ON_SKY, Table
from mr_extract.lists.motions import NO_DATE, Motions, motions_of
from mr_extract.lists.reading import identities
from mr_extract.remarks import say


@dataclass
class Sources:
    """Sources of a catalogue.

    Parameters
    ----------
    names : list of str
    numbers : ndarray of int64, shape (n,)
        Their rows in the catalogue, from 1 on.
    longitude, latitude : ndarray of float64, shape (n,)
        Degrees.
    frame : str
        ``icrs``, ``galactic`` or ``ecliptic``.
    motions : mr_extract.lists.motions.Motions or None
        Of sources in ICRS.
    """

    names: list
    numbers: np.ndarray
    longitude: np.ndarray
    latitude: np.ndarray
    frame: str
    motions: Motions | None = None
    _known: dict = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.names)

    def at(self, mjd: float | None) -> Sources:
        """Return the sources where they are at a date; without one, which is said, as they are."""
        if self.motions is None:
            return self
        if mjd is None:
            say("unmoved-positions", NO_DATE)
            return self
        moved = self.motions.moved(self.longitude, self.latitude, mjd)
        return Sources(self.names, self.numbers, *moved, self.frame)

    def places(self, frame: str) -> tuple[np.ndarray, np.ndarray]:
        """Return longitudes and latitudes in a frame; what is converted is said."""
        if frame != self.frame:
            say("converted-positions", f"{self.frame} to {frame}")
        return self.quietly(frame)

    def quietly(self, frame: str) -> tuple[np.ndarray, np.ndarray]:
        """Return longitudes and latitudes in a frame."""
        if frame not in self._known:
            self._known[frame] = converted(self.longitude, self.latitude, self.frame, frame)
        return self._known[frame]


def sources_from(
    table: Table, columns: tuple[str, ...] = ("auto",), frame: str = "auto", epoch: float = 0.0
) -> Sources:
    """Return the sources that a table gives; rows without a position are said.

    Parameters
    ----------
    table : mr_extract.lists.columns.Table
    columns : tuple of str
        Names of longitude and latitude and, perhaps, of the source's name; or ``auto``.
    frame : str
        Of `Sources`, or ``auto``: galactic where the columns are called so.
    epoch : float
        As for `mr_extract.lists.reading.moving_positions`.

    Raises
    ------
    ValueError
        Where the table has no such columns, or no position.
    """
    pair, frame = _columns_of(table, columns, frame)
    units = ON_SKY if frame == "icrs" else ("degrees", "degrees")
    longitude, latitude = (table.numbers(k, unit) for k, unit in zip(pair, units))
    motions = motions_of(table, pair, epoch) if frame == "icrs" else None
    names = table.texts(table.column(columns[2])) if len(columns) == 3 else identities(table)
    with np.errstate(invalid="ignore"):
        there = np.isfinite(longitude) & (np.abs(latitude) <= 90.0)
    rows = np.flatnonzero(there)
    if len(there) and not len(rows):
        raise ValueError("none of its rows has a position in degrees")
    if len(rows) < len(there):
        first = int(np.flatnonzero(~there)[0]) + 1
        say("rows-passed-over", f"rows without a position: {len(there) - len(rows)} of "
                                f"{len(there)}, the first is row {first}")
    return Sources([names[k] for k in rows.tolist()], rows + 1, longitude[rows] % 360.0,
                   latitude[rows], frame, None if motions is None else motions.of(rows))


def _columns_of(table, columns, frame):
    if columns != ("auto",):
        pair = tuple(table.column(name) for name in columns[:2])
        if frame == "auto":
            galactic = table.galactic() == pair
            if not galactic and not table.are_on_sky(pair):
                raise ValueError(f"the names {columns[0]}, {columns[1]} do not tell coordinates: "
                                 "--source-coord does")
            frame = "galactic" if galactic else "icrs"
        return pair, frame
    on_sky = table.on_sky() if frame in ("auto", "icrs") else None
    if on_sky is not None:
        return on_sky, "icrs"
    galactic = table.galactic() if frame in ("auto", "galactic") else None
    if galactic is not None:
        return galactic, "galactic"
    have = f": it has {', '.join(table.names)}" if table.names else ", and they have no names"
    raise ValueError("it has no columns ra and dec, nor GLON and GLAT" + have
                     if frame == "auto" else f"it has no columns of {frame} coordinates{have}")
