"""Light curves as columns of lists, beside the objects whose they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.export.schema import schema_of
from mr_extract.text.stored_catalog import UnfitCatalog

if TYPE_CHECKING:
    import pyarrow

    from mr_extract.text.typed_rows import Source

PREFIX, _OBJECT = "points_", "object"


class Curves:
    """The points of objects, in the order of these.

    Parameters
    ----------
    points : mr_extract.text.typed_rows.Source
        As ``--light-curves`` writes it.
    objects : mr_extract.text.typed_rows.Source
        Of the same run.

    Raises
    ------
    UnfitCatalog
        When they are no such catalogs.
    """

    def __init__(self, points: Source, objects: Source) -> None:
        for source, rows, what in ((objects, "objects", "objects"),
                                   (points, "points", "light curves")):
            if list(source.header.totals)[-1] != rows:
                raise UnfitCatalog(f"{source.uris[0]!r} is no catalog of {what}")
        self._points, self._shapes = points, points.shapes()

    def beside(self, tables: Iterator[pyarrow.Table]) -> Iterator[pyarrow.Table]:
        """Give tables of objects with a list of each column of points.

        Raises
        ------
        UnfitCatalog
            When the points are not those of the objects.
        """
        import pyarrow as pa

        rest, pieces = None, self._points.arrow_tables(self._shapes)
        for table in tables:
            numbers = table.column("detections").to_numpy()
            need = int(numbers.sum())
            held: list[pyarrow.Table] = [] if rest is None else [rest]
            while sum(one.num_rows for one in held) < need:
                piece = next(pieces, None)
                if piece is None:
                    break
                held.append(piece)
            points = pa.concat_tables(held).combine_chunks() if held else None
            if points is None or len(points) < need:
                raise self._unfit()
            mine, rest = points.slice(0, need), points.slice(need)
            rows = np.repeat(np.arange(len(table)), numbers)
            if not mine.column(_OBJECT).equals(table.column(_OBJECT).take(pa.array(rows))):
                raise self._unfit()
            ends = pa.array(np.append(0, np.cumsum(numbers)).astype(np.int32))
            for field in mine.schema:
                if field.name != _OBJECT:
                    values = pa.concat_arrays(mine.column(field.name).chunks)
                    table = table.append_column(PREFIX + field.name,
                                                pa.ListArray.from_arrays(ends, values))
            yield table
        if next(pieces, None) is not None or rest is not None and len(rest):
            raise self._unfit()

    def schema(self, objects: pyarrow.Schema) -> pyarrow.Schema:
        """Return the schema of objects with the lists in it."""
        import pyarrow as pa

        for one in schema_of(self._shapes):
            if one.name != _OBJECT:
                objects = objects.append(pa.field(PREFIX + one.name, pa.list_(one.type),
                                                  metadata=one.metadata))
        return objects

    def _unfit(self):
        return UnfitCatalog(f"{self._points.uris[0]!r} has not the light curves of the objects: "
                            "both must be of one run")
