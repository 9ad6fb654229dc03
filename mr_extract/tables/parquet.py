"""Parquet files of equal columns; pyarrow reads, some rows at a time."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mr_extract.tables.opening import ROWS, Column
from mr_extract.tables.pieces import Columns


class ParquetTable:
    """A Parquet file.

    Parameters
    ----------
    path : str
    """

    sky: tuple[int, int] | None = None
    kinds: dict[str, str] = {}

    def __init__(self, path: str) -> None:
        self._path = path
        schema = self._file().schema_arrow
        self.names = list(schema.names)
        # What is written in our own exports, and by others, of a column.
        self.units = {k: unit.decode() for k, field in enumerate(schema) if (
            unit := (field.metadata or {}).get(b"unit"))}

    def _file(self):
        from pyarrow import ArrowInvalid, parquet

        try:
            return parquet.ParquetFile(self._path)
        except ArrowInvalid as error:
            raise ValueError(" ".join(str(error).split())[:200]) from None

    def pieces(self, names: Sequence[str]) -> Iterator[Columns]:
        """Give some columns, masked where they have no value."""
        with self._file() as file:
            for batch in file.iter_batches(ROWS, columns=list(names)):
                yield Columns({name: values_of(batch.column(name), name) for name in names})


def values_of(column: Any, name: str) -> Column:
    """Return a column of pyarrow as numbers, masked where it has no value, or as text.

    Parameters
    ----------
    column : pyarrow.Array
    name : str

    Raises
    ------
    ValueError
        For what is neither.
    """
    from pyarrow import compute, types

    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if types.is_string(column.type) or types.is_large_string(column.type):
        return [one or "" for one in column.to_pylist()]
    if not (types.is_integer(column.type) or types.is_floating(column.type)
            or types.is_boolean(column.type)):
        raise ValueError(f"its column {name!r} holds {column.type}, neither number nor text")
    if not column.null_count or types.is_floating(column.type):
        return column.to_numpy(zero_copy_only=False)
    # Large integers would lose digits beside nan.
    return np.ma.MaskedArray(compute.fill_null(column, 0).to_numpy(zero_copy_only=False),
                             compute.is_null(column).to_numpy(zero_copy_only=False))
