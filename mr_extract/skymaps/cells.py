"""Grids that cut the sky into cells: each place is in one, and a patch is a cell with a margin.

A cell is given the pixels whose centres lie within the margin of it, and a few more. So whatever
lies in a cell has all pixels within the margin around it in the cell's patch.
"""

import re
from functools import lru_cache

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.portable.angles import arccos, arcsin
from mr_extract.skymaps.pixels import outermost, pixels_at, ring_of, unit_vectors
from mr_extract.skymaps.rings import rings_of
from mr_extract.skymaps.runs import expanded, merged, runs_of

_EQUAL_ANGLES = re.compile(r"ANGLES (\d+(?:\.\d+)?)")
_EQUAL_AREAS = re.compile(r"HEALPIX (\d+)")
_ALONG_SIDE = 32  # pixels along a side of a cell that stand for its border
_BETWEEN = 128  # NSIDE


class EqualAngles:
    """Cells of equal steps in longitude and latitude, row by row from the north.

    Parameters
    ----------
    size : float
        Degrees; 180 must be a multiple of it.

    Raises
    ------
    ValueError
        For another size.
    """

    def __init__(self, size: float) -> None:
        rows = round(180.0 / size) if size > 0 else 0
        if not 1 <= rows <= 1800 or abs(rows * size - 180.0) > 1e-9:
            raise ValueError("must be a part of 180 degrees, from 0.1 on")
        self.size, self.rows, self.across = 180.0 / rows, rows, 2 * rows
        self.number = self.rows * self.across

    @property
    def card(self) -> str:
        """What a patch says of its grid."""
        return f"ANGLES {self.size!r}"

    def name(self, cell: int) -> str:
        """Return colatitude and longitude of a cell's middle: ``045_025``."""
        row, column = divmod(cell, self.across)
        parts = ((k + 0.5) * self.size for k in (row, column))
        whole = float(self.size / 2).is_integer()
        return "_".join(f"{v:03.0f}" if whole else f"{v:07.3f}" for v in parts)

    def cells_of(self, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        """Return the cells in which places (degrees) lie; the upper and left border is its own."""
        row = np.floor((90.0 - latitude) / self.size).astype(np.int64)
        column = np.floor(longitude % 360.0 / self.size).astype(np.int64) % self.across
        return np.clip(row, 0, self.rows - 1) * self.across + column

    def core(self, cell: int, nside: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels whose centres lie in a cell, as RING runs; each is in one."""
        rings = rings_of(nside)
        row, column = divmod(cell, self.across)
        own = np.floor((90.0 - rings.latitude) / self.size).astype(np.int64)
        mine = np.flatnonzero(np.clip(own, 0, self.rows - 1) == row)
        return rings.columns(mine, column * self.size, (column + 1) * self.size)

    def runs(self, cell: int, nside: int, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels of a cell's patch as RING runs.

        Notes
        -----
        On a ring of latitude b the places within m of the cell lie no further beyond its
        meridians than a longitude d with cos d = (cos m - sin b sin c) / (cos b cos c): c is
        the latitude on the meridian that is nearest, at which sin c = sin b / cos m, or the
        end of the meridian where it ends before.
        """
        rings = rings_of(nside)
        row, column = divmod(cell, self.across)
        north, south = 90.0 - row * self.size, 90.0 - (row + 1) * self.size
        some = np.flatnonzero((rings.latitude >= south - margin - 1e-9)
                              & (rings.latitude <= north + margin + 1e-9))
        latitude = np.radians(rings.latitude[some])
        m = np.radians(margin)
        nearest = arcsin(np.clip(np.sin(latitude) / np.cos(m), -1.0, 1.0))
        nearest = np.clip(nearest, np.radians(south), np.radians(north))
        cosine = np.cos(m) - np.sin(latitude) * np.sin(nearest)
        product = np.cos(latitude) * np.cos(nearest)
        with np.errstate(divide="ignore", invalid="ignore"):
            beyond = np.degrees(arccos(np.clip(cosine / product, -1.0, 1.0)))
        # At a pole all longitudes are near.
        beyond = np.where(product < 1e-12, 180.0, np.nan_to_num(beyond)) + 1e-6
        middle, half = (column + 0.5) * self.size, self.size / 2.0
        inside = rings.arcs(some, middle - half - beyond, middle + half + beyond)
        return merged(*(np.concatenate(v) for v in zip(inside, self.core(cell, nside))))


class EqualAreas:
    """Cells of equal area: the pixels of a coarse HEALPix grid, NESTED.

    Parameters
    ----------
    nside : int
        Of the coarse grid, a power of two.
    """

    def __init__(self, nside: int) -> None:
        if not 1 <= nside <= 128 or nside & (nside - 1):
            raise ValueError("must be a power of two from 1 to 128")
        self.nside, self.number = nside, 12 * nside * nside

    @property
    def card(self) -> str:
        """What a patch says of its grid."""
        return f"HEALPIX {self.nside}"

    def name(self, cell: int) -> str:
        """Return the number of a cell with its grid: ``n8_0123``."""
        return f"n{self.nside}_{cell:0{len(str(self.number - 1))}d}"

    def cells_of(self, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        """Return the cells in which places (degrees) lie."""
        return pixels_at(longitude % 360.0, latitude, self.nside)

    def core(self, cell: int, nside: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels of a cell as RING runs; each is in one.

        Raises
        ------
        ImageFailure
            ``bad-map`` where the map is coarser than the grid.
        """
        if nside < self.nside:
            raise ImageFailure("bad-map", f"NSIDE {nside} cannot be cut into cells of NSIDE "
                                          f"{self.nside}")
        each = (nside // self.nside) ** 2
        children = np.arange(cell * each, (cell + 1) * each)
        return runs_of(np.sort(ring_of(children, nside)))

    def runs(self, cell: int, nside: int, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels of a cell's patch as RING runs.

        They are the children of all pixels of a grid in between that may have one within the
        margin of the border, for which the outermost pixels of a grid of its own stand.
        """
        between = max(self.nside, min(nside, _BETWEEN))
        chosen = np.zeros(12 * between**2, bool)
        each = (between // self.nside) ** 2
        chosen[cell * each : (cell + 1) * each] = True
        if margin > 0:
            points = outermost(cell, self.nside, _ALONG_SIDE)
            # No point of a pixel is further from its centre than 1.1 / NSIDE radians.
            reach = np.radians(margin) + 1.1 / self.nside / _ALONG_SIDE + 1.1 / between
            vectors = _centres(between)
            near = np.flatnonzero(np.cos(min(reach + 1.1 / self.nside, np.pi)) <= (
                vectors * unit_vectors(np.array([cell]), self.nside, True)).sum(axis=0))
            nearest = (vectors[:, near, None] * points[:, None, :]).sum(axis=0).max(axis=1)
            chosen[near[nearest >= np.cos(min(reach, np.pi))]] = True
        each = (nside // between) ** 2
        first = np.flatnonzero(chosen) * each
        return runs_of(np.sort(ring_of(expanded(first, first + each), nside)))


Grid = EqualAngles | EqualAreas


@lru_cache(2)
def _centres(nside):
    return unit_vectors(np.arange(12 * nside * nside), nside, True)


@lru_cache(8)
def grid_of(card: str) -> Grid:
    """Return the grid that a patch names.

    Raises
    ------
    ImageFailure
        ``bad-map`` where it is none.
    """
    try:
        if match := _EQUAL_ANGLES.fullmatch(card.strip()):
            return EqualAngles(float(match.group(1)))
        if match := _EQUAL_AREAS.fullmatch(card.strip()):
            return EqualAreas(int(match.group(1)))
    except ValueError as error:
        raise ImageFailure("bad-map", f"PATCHGRD = {card!r} {error}") from error
    raise ImageFailure("bad-map", f"PATCHGRD = {card!r} is no grid of patches")
