"""Catalogs in HATS: Parquet files by cell of the sky, of which only those near are read."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Sequence

import numpy as np

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.objects.cells import size_of
from mr_extract.objects.healpix import centres_of
from mr_extract.objects.sphere import chord, vectors
from mr_extract.tables.opening import fetched
from mr_extract.tables.parquet import ParquetTable
from mr_extract.tables.pieces import Piece

_PROPERTIES = ("hats.properties", "properties")
_CELL = re.compile(r"dataset/Norder=(\d+)/(?:Dir=\d+/)?Npix=(\d+)(?:\.parquet|/.+\.parquet)$")


def is_hats(uri: str) -> bool:
    """Tell whether a folder is a catalog or collection in HATS."""
    return any(_properties(uri, name) is not None for name in (*_PROPERTIES,
                                                               "collection.properties"))


class Hats:
    """A catalog in HATS.

    Parameters
    ----------
    uri : str
        Of its folder, or that of a collection, whose primary table counts.
    scratch : str
        A folder for copies of what is remote, one at a time.

    Attributes
    ----------
    cells : ndarray of int64, shape (n, 2)
        Order and number of the cell of each file.
    """

    sky: tuple[int, int] | None = None
    kinds: dict[str, str] = {}

    def __init__(self, uri: str, scratch: str) -> None:
        root = uri.rstrip("/")
        self._scratch = tempfile.mkdtemp(dir=scratch)
        collection = _properties(root, "collection.properties")
        if collection is not None:
            root = f"{root}/{collection['hats_primary_table_url']}"
        said = next((found for name in _PROPERTIES
                     if (found := _properties(root, name)) is not None), None)
        if said is None:
            raise ValueError("it has no hats.properties")
        files = sorted((int(place[1]), int(place[2]), one.uri)
                       for one in storage.list_files(f"{root}/")
                       if (place := _CELL.search(one.uri)))
        if not files:
            raise ValueError("it has no files dataset/Norder=.../Npix=....parquet")
        self.cells = np.array([one[:2] for one in files], np.int64)
        self._uris = [one[2] for one in files]
        self._near = np.ones(len(files), bool)
        first = self._open(self._uris[0])
        self.names, self.units = first.names, first.units
        pair = [said.get(f"hats_col_{one}", "") for one in ("ra", "dec")]
        if all(name in self.names for name in pair):
            self.sky = self.names.index(pair[0]), self.names.index(pair[1])

    def keep_near(self, cells: np.ndarray, order: int, radius: float) -> tuple[int, int]:
        """Leave out files of which nothing is near some cells.

        Parameters
        ----------
        cells : ndarray of int64
        order : int
            Of these.
        radius : float
            Arcseconds.

        Returns
        -------
        kept, all : int
            Files.
        """
        places = vectors(*centres_of(cells, order))
        for k, (level, cell) in enumerate(self.cells.tolist()):
            # No point of a cell is as far from its middle as twice its mean size.
            reach = chord(min(radius + 2 * size_of(order) + 2 * size_of(level), 180 * 3600))
            middle = vectors(*centres_of(np.array([cell]), level))
            self._near[k] = (((places - middle) ** 2).sum(axis=1) <= reach**2).any()
        return int(self._near.sum()), len(self._near)

    def pieces(self, names: Sequence[str]) -> Iterator[Piece]:
        """Give some columns of what is near, in the order of cells."""
        for uri, near in zip(self._uris, self._near):
            if near:
                yield from self._open(uri).pieces(names)

    def _open(self, uri):
        for name in os.listdir(self._scratch):
            os.remove(os.path.join(self._scratch, name))
        return ParquetTable(fetched(uri, self._scratch))


def _properties(uri, name):
    try:
        text = storage.read(f"{uri.rstrip('/')}/{name}").decode()
    except ImageFailure:
        return None
    pairs = (line.split("=", 1) for line in text.splitlines()
             if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, value in pairs}
