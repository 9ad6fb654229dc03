"""A map, or a patch of one, in memory: which of its pixels are near a place."""

from dataclasses import dataclass

import numpy as np

from mr_extract.around.samples import Samples, samples_at
from mr_extract.failures import ImageFailure
from mr_extract.skymaps.cells import Grid, grid_of
from mr_extract.skymaps.files import MapFile
from mr_extract.skymaps.patch import check_sum
from mr_extract.skymaps.pixels import nested_of, unit_vectors
from mr_extract.skymaps.rings import rings_of
from mr_extract.skymaps.runs import expanded, runs_of
from mr_extract.skymaps.table import MapTable, values_of

_COARSE = 512  # NSIDE


@dataclass
class SkyMap:
    """One field of a map.

    Parameters
    ----------
    nside : int
    nested : bool
    frame : str
        ``galactic``, ``icrs`` or ``ecliptic``.
    unit : str
    values : ndarray of float64, shape (n,)
        nan for pixels that were not seen.
    pixels : ndarray of int64, shape (n,), or None
        Their numbers, ascending; None where all are there.
    grid, cell : object, int
        Of the patch that it is; None for a map of its own.
    margin : float
        Degrees beyond the cell in which all pixels are there, infinite without a cell.
    """

    nside: int
    nested: bool
    frame: str
    unit: str
    values: np.ndarray
    pixels: np.ndarray | None = None
    grid: Grid | None = None
    cell: int = 0
    margin: float = np.inf

    @property
    def area(self) -> float:
        """Solid angle of a pixel in steradians."""
        return np.pi / (3.0 * self.nside**2)

    def mine(self, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        """Return which of some places in its frame (degrees) are its own: numbers, ascending."""
        if self.grid is None:
            return np.arange(len(longitude))
        return np.flatnonzero(self.grid.cells_of(longitude, latitude) == self.cell)

    def near(self, longitude: float, latitude: float, reach: float) -> Samples:
        """Return the pixels whose centres are within a distance of a place.

        Parameters
        ----------
        longitude, latitude : float
            Degrees in the frame of the map.
        reach : float
            Arcminutes.
        """
        runs = rings_of(self.nside).disc(longitude, latitude, reach / 60.0)
        ring = expanded(*runs)
        samples, within = samples_at(unit_vectors(ring, self.nside, False),
                                     longitude, latitude, reach)
        numbers = ring[within]
        samples.values = self._at(nested_of(numbers, self.nside) if self.nested else numbers)
        samples.area = self.area
        return samples

    def _at(self, numbers):
        if self.pixels is None:
            return self.values[numbers]
        if not len(self.pixels):
            return np.full(len(numbers), np.nan)
        places = np.minimum(np.searchsorted(self.pixels, numbers), len(self.pixels) - 1)
        return np.where(self.pixels[places] == numbers, self.values[places], np.nan)


def sky_map(file: MapFile, name: str = "") -> SkyMap:
    """Return one field of a map or patch.

    Parameters
    ----------
    file : mr_extract.skymaps.files.MapFile
    name : str
        Of the field, or its number; empty for the first.

    Raises
    ------
    ImageFailure
        ``bad-map``, or ``corrupt`` where pixels are damaged.
    """
    check_sum(file)
    table, header = file.table, file.header
    field = table.field(name)
    values = values_of(field, file.rows[field.name].reshape(-1), file.bad)
    numbers = file.numbers()
    if numbers is not None:
        order = np.argsort(numbers, kind="stable")
        numbers, values = numbers[order], values[order]
        if (np.diff(numbers) == 0).any():
            raise ImageFailure("bad-map", "a pixel is there twice")
    found = SkyMap(table.nside, table.nested, table.frame, field.unit, values, numbers)
    if "PATCHGRD" in header:
        found.grid = grid_of(str(header["PATCHGRD"]))
        found.cell, found.margin = _of_patch(header, found.grid)
    return found


def patch_runs(
    grid: Grid, cell: int, table: MapTable, margin: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels of a patch as runs in the order of a map.

    Notes
    -----
    Of a NESTED map they are the pixels of a coarser one, whole, so that not each is turned from
    one order to the other: a few more at the border, as no point of a pixel is further from its
    centre than 1.1 / NSIDE radians.
    """
    if not table.nested:
        return grid.runs(cell, table.nside, margin)
    coarse = min(table.nside, _COARSE)
    more = np.degrees(1.1 / coarse) if coarse < table.nside else 0.0
    runs = expanded(*grid.runs(cell, coarse, margin + more))
    starts, stops = runs_of(np.sort(nested_of(runs, coarse)))
    each = (table.nside // coarse) ** 2
    return starts * each, stops * each


def _of_patch(header, grid):
    cell, margin = header.get("PATCHNUM"), header.get("MARGIN")
    if type(cell) is not int or not 0 <= cell < grid.number:
        raise ImageFailure("bad-map", f"PATCHNUM = {cell!r} is no cell of its grid")
    if type(margin) not in (int, float) or not margin >= 0:
        raise ImageFailure("bad-map", f"MARGIN = {margin!r} is no number of degrees")
    return cell, float(margin)
