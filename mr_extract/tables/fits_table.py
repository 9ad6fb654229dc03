"""The first table of a FITS file; astropy reads, some rows at a time."""

from collections.abc import Iterator, Sequence

import numpy as np

from mr_extract.tables.opening import ROWS
from mr_extract.tables.pieces import Columns


class FitsTable:
    """A FITS table.

    Parameters
    ----------
    path : str
    """

    sky: tuple[int, int] | None = None
    kinds: dict[str, str] = {}

    def __init__(self, path: str) -> None:
        from astropy.io import fits

        self._path = path
        with fits.open(path, memmap=True) as units:
            numbers = [k for k, unit in enumerate(units)
                       if isinstance(unit, (fits.BinTableHDU, fits.TableHDU))]
            if not numbers:
                raise ValueError("none of its units is a table")
            self._unit = numbers[0]
            columns = units[self._unit].columns
            self.names = list(columns.names)
            self.units = {k: one.unit for k, one in enumerate(columns) if one.unit}
            self._null = {one.name: one.null for one in columns if one.null is not None}

    def pieces(self, names: Sequence[str]) -> Iterator[Columns]:
        """Give some columns, masked where they have no value."""
        from astropy.io import fits

        with fits.open(self._path, memmap=True) as units:
            data = units[self._unit].data
            for start in range(0, len(data), ROWS):
                piece = data[start:start + ROWS]
                yield Columns({name: self._column(piece, name) for name in names})

    def _column(self, piece, name):
        values = np.asarray(piece.field(name))
        if name in self._null and values.dtype.kind in "iu":
            return np.ma.masked_equal(values, self._null[name])
        return values
