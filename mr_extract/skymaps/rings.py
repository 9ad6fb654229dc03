"""The rings of a HEALPix map: which of its pixels lie between two longitudes, or in a disc.

Centres of pixels lie on rings of one latitude, evenly, so that what is asked of a map is
arithmetic on some thousand rings and not on its pixels. Formulas: Gorski et al. 2005, ApJ 622,
759, section 5.
"""

from functools import lru_cache

import numpy as np

from mr_extract.portable.angles import arcsin

_SLACK = 1e-6  # of a pixel: who asks for a disc tests the distances once more


class Rings:
    """The rings of a map, from the north on.

    Parameters
    ----------
    nside : int

    Attributes
    ----------
    first, count : ndarray of int64, shape (4 nside - 1,)
        Number (RING) of the first pixel of a ring, and how many it has.
    shift : ndarray of float64
        Longitude of the first centre, in pixels of the ring: 0 or 1/2.
    latitude : ndarray of float64
        Of the centres, degrees.
    level, height : ndarray of float64
        Its cosine and sine.
    """

    def __init__(self, nside: int) -> None:
        ring = np.arange(1, 4 * nside)
        from_pole = np.minimum(ring, 4 * nside - ring)
        cap, south = from_pole < nside, ring > 2 * nside
        self.nside = nside
        self.count = 4 * np.minimum(from_pole, nside)
        self.first = np.concatenate([[0], np.cumsum(self.count)[:-1]])
        self.shift = np.where(cap | ((ring + nside) % 2 == 0), 0.5, 0.0)
        # From the half angle: the cosine of a colatitude near the pole has lost its digits.
        colatitude = 2.0 * arcsin(np.minimum(from_pole, nside) / (np.sqrt(6.0) * nside))
        belt = arcsin(np.clip((4.0 - 2.0 * from_pole / nside) / 3.0, -1.0, 1.0))
        north = np.degrees(np.where(cap, np.pi / 2.0 - colatitude, belt))
        self.latitude = np.where(south, -north, north)
        self.level, self.height = (f(np.radians(self.latitude)) for f in (np.cos, np.sin))

    def __len__(self) -> int:
        return len(self.count)

    def arcs(
        self, rings: np.ndarray, low: np.ndarray, high: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels whose centres lie between two longitudes, as runs.

        Parameters
        ----------
        rings : ndarray of int64, shape (n,)
            Numbers of rings from 0 on.
        low, high : ndarray of float64, shape (n,)
            Degrees; 360 and more apart is all of the ring.

        Returns
        -------
        starts, stops : ndarray of int64
            In the order of RING.
        """
        count, shift = self.count[rings], self.shift[rings]
        begin = np.ceil(low * count / 360.0 - shift - _SLACK).astype(np.int64)
        end = np.floor(high * count / 360.0 - shift + _SLACK).astype(np.int64) + 1
        return self._runs(rings, begin, end)

    def columns(
        self, rings: np.ndarray, low: float, high: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return, as `arcs`, the pixels between two longitudes, `low` included and `high` not.

        Neighbours that share a longitude have no pixel in common and leave none out.
        """
        count, shift = self.count[rings], self.shift[rings]
        begin, end = (np.ceil(v * count / 360.0 - shift).astype(np.int64) for v in (low, high))
        return self._runs(rings, begin, end)

    def disc(
        self, longitude: float, latitude: float, radius: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return runs that hold all pixels within a distance of a place, and hardly more.

        Parameters
        ----------
        longitude, latitude, radius : float
            Degrees.
        """
        # The ring beside the disc may be in it by rounding.
        low = np.searchsorted(-self.latitude, -(latitude + radius) - 1e-9)
        high = np.searchsorted(-self.latitude, -(latitude - radius) + 1e-9)
        rings = np.arange(low, high)
        apart = np.radians(self.latitude[rings] - latitude) / 2.0
        across = np.cos(np.radians(self.latitude[rings])) * np.cos(np.radians(latitude))
        with np.errstate(divide="ignore", invalid="ignore"):
            square = (np.sin(np.radians(radius) / 2.0) ** 2 - np.sin(apart) ** 2) / across
        half = 2.0 * np.degrees(arcsin(np.sqrt(np.clip(np.nan_to_num(square, nan=1.0), 0, 1))))
        return self.arcs(rings, longitude - half, longitude + half)

    def _runs(self, rings, begin, end):
        count, first = self.count[rings], self.first[rings]
        some = end > begin
        count, first, begin = count[some], first[some], begin[some]
        length = np.minimum(end[some] - begin, count)
        begin = np.where(length == count, 0, begin % count)
        over = np.maximum(begin + length - count, 0)  # what begins anew at longitude 0
        starts = np.stack([first, first + begin], axis=1).ravel()
        stops = np.stack([first + over, first + begin + length - over], axis=1).ravel()
        some = stops > starts
        return starts[some], stops[some]


@lru_cache(4)
def rings_of(nside: int) -> Rings:
    """Return the rings of maps of one resolution."""
    return Rings(nside)
