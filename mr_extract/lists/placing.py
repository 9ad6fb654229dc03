"""Which entries of a list an image has, and at which of its pixels.

A place belongs to the tile in whose core its pixel lies. Pixels are counted in the whole
image and settled on a grid that is the same for all tiles: so a place on the seam of two is
that of one of them, the upper or right one.
Where a list has proper motions its places are those of the image's date.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mr_extract.detection.ownership import own
from mr_extract.images.region import Region
from mr_extract.lists.footprint import Placed, in_footprint, settled, unit_vectors
from mr_extract.lists.motions import NO_DATE, Motions
from mr_extract.remarks import say


@dataclass
class Places:
    """Positions made ready to be asked by many images.

    Parameters
    ----------
    sky : bool
        Whether they are ICRS degrees or 0-based pixels.
    first, second : ndarray of float64, shape (n,)
        Right ascension, of any number of turns, and declination, or x and y. Those that
        are not finite, and declinations beyond 90 degrees, are no positions.
    motions : mr_extract.lists.motions.Motions, optional
        By which those on the sky are brought to the date of an image.
    """

    sky: bool
    first: np.ndarray
    second: np.ndarray
    motions: Motions | None = None

    def __post_init__(self) -> None:
        self.there = np.isfinite(self.first) & np.isfinite(self.second)
        if self.sky:
            self.there &= np.abs(self.second) <= 90.0
            first, second = (np.where(self.there, v, np.nan) for v in (self.first, self.second))
            self._vectors = unit_vectors(first, second)
            if self.motions is not None:
                self._drifts = self.motions.drifts(first, second)

    def at(self, which: np.ndarray, mjd: float | None) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions of some of the places at a date, as `first` and `second` are."""
        if self.motions is None or mjd is None:
            return self.first[which], self.second[which]
        return self.motions.of(which).moved(self.first[which], self.second[which], mjd)

    def on_pixels(
        self,
        header: Mapping,
        shape: tuple[int, int],
        origin: tuple[int, int] = (0, 0),
        core: Region | None = None,
        mjd: float | None = None,
    ) -> Placed:
        """Return the places on an image: their numbers from 0 on, ascending, and pixels.

        Parameters
        ----------
        header : mapping
        shape : tuple of int
            Height and width.
        origin, core
            As of `mr_extract.images.Image`. Pixels of the list are those of the whole
            image; with a core, the places are those whose pixel lies in it.
        mjd : float, optional
            Date of the image. Without one, places that move are taken where the list has them,
            which is said.

        Returns
        -------
        which : ndarray of int64, shape (m,), or None
            None where positions are on the sky and the header has none. Each place is
            there once.
        x, y : ndarray of float64, shape (m,)
            0-based.

        Raises
        ------
        ImageFailure
            ``broken-wcs``.
        """
        which, x, y = self._all(header, shape, origin, 1.0, mjd)
        if which is None:
            return which, x, y
        (x0, y0), (height, width) = origin, shape
        whole = (v + first for v, first in zip((x, y), origin))
        column, row = (np.floor((settled(v) if self.sky else v) + 0.5) for v in whole)
        mine = (column >= x0) & (column < x0 + width) & (row >= y0) & (row < y0 + height)
        if core is not None:
            mine &= own(column, row, core, (0, 0))
        mine = np.flatnonzero(mine)
        mine = mine[np.unique(which[mine], return_index=True)[1]]
        return which[mine], x[mine], y[mine]

    def near_pixels(
        self,
        header: Mapping,
        shape: tuple[int, int],
        origin: tuple[int, int] = (0, 0),
        reach: float = 0.0,
        mjd: float | None = None,
    ) -> Placed:
        """Return the places on an image or no more than some pixels outside of it.

        Parameters
        ----------
        header, shape, origin
            As for `on_pixels`.
        reach : float
            Pixels.
        mjd
            As for `on_pixels`.

        Returns
        -------
        which, x, y
            As of `on_pixels`; one that a map shows twice is there twice.

        Raises
        ------
        ImageFailure
            ``broken-wcs``.
        """
        return self._all(header, shape, origin, reach, mjd)

    def _all(self, header, shape, origin, reach, mjd):
        if self.sky:
            return in_footprint(header, shape, self._vectors_at(mjd), reach)
        (x0, y0), (height, width) = origin, shape
        x, y = self.first - x0, self.second - y0
        near = ((x >= -0.5 - reach) & (x <= width - 0.5 + reach)
                & (y >= -0.5 - reach) & (y <= height - 0.5 + reach))
        which = np.flatnonzero(near)
        return which, x[which], y[which]

    def _vectors_at(self, mjd):
        if self.motions is None:
            return self._vectors
        if mjd is None:
            say("unmoved-positions", NO_DATE)
            return self._vectors
        vectors = self._vectors + self._drifts * self.motions.years_to(mjd)
        return vectors / np.sqrt((vectors**2).sum(axis=0))

    def say_beyond_poles(self) -> None:
        """Say how many declinations are none."""
        beyond = np.flatnonzero(np.abs(self.second) > 90.0) if self.sky else np.zeros(0, int)
        if len(beyond):
            say("rows-passed-over", f"declinations beyond 90 degrees: {len(beyond)} of "
                                    f"{len(self.second)}, the first is in row {beyond[0] + 1}")
