"""Rows of text to columns by pyarrow, where it is installed: as `rows.parse_rows`, but sooner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.text.rows import beyond_single

if TYPE_CHECKING:
    import pyarrow

    from mr_extract.columns.column import Column

_TINY = np.finfo(np.float32).tiny


def arrow_table(data: bytes, columns: Mapping[str, Column]) -> pyarrow.Table | None:
    """Return rows as columns of a table.

    Parameters
    ----------
    data : bytes
        Whole rows, one or more.
    columns : dict of str to mr_extract.columns.column.Column

    Returns
    -------
    pyarrow.Table or None
        In the types of the columns, float64 where a number is beyond float32, null for nan.
        None where a cell is not of its column, which `mr_extract.text.rows.parse_rows` names.

    Raises
    ------
    ModuleNotFoundError
        Without pyarrow.
    """
    import pyarrow as pa

    types = {"str": pa.string(), "i4": pa.int32(), "i8": pa.int64(), "f4": pa.float32(),
             "f8": pa.float64()}
    try:
        table = _read(data, columns, {name: types[one.dtype] for name, one in columns.items()})
        doubtful = [name for name, one in columns.items()
                    if one.dtype == "f4" and _may_be_beyond(numbers_in(table.column(name)))]
        if doubtful:
            wide = _read(data, columns, dict.fromkeys(doubtful, pa.float64()), doubtful)
            for name in doubtful:
                if beyond_single(numbers_in(wide.column(name))):
                    table = table.set_column(table.column_names.index(name), name,
                                             wide.column(name))
    except pa.ArrowInvalid:
        return None
    lacking = any(table.column(name).null_count for name, one in columns.items()
                  if one.dtype in ("i4", "i8"))
    return None if lacking else table


def numbers_in(column: pyarrow.ChunkedArray) -> np.ndarray:
    """Return a column of numbers, nan for null."""
    return column.to_numpy()


def bytes_in(column: pyarrow.ChunkedArray) -> np.ndarray:
    """Return a column of text as bytes in UTF-8 (of type S), as wide as the longest."""
    import pyarrow as pa

    text = pa.concat_arrays(column.chunks)
    _, offsets, data = text.buffers()
    ends = np.frombuffer(offsets, np.int32, len(text) + 1, text.offset * 4).astype(np.int64)
    lengths = np.diff(ends)
    width = max(1, int(lengths.max(initial=0)))
    found = np.zeros(len(text) * width, np.uint8)
    starts = np.arange(len(text)) * width - (ends[:-1] - ends[0])
    if ends[-1] > ends[0]:
        codes = np.frombuffer(data, np.uint8)[ends[0]:ends[-1]]
        found[np.repeat(starts, lengths) + np.arange(len(codes))] = codes
    return found.view(f"S{width}")


def as_arrow(columns: Mapping[str, np.ndarray]) -> pyarrow.Table:
    """Return columns as a table, null for nan."""
    import pyarrow as pa

    return pa.table({name: pa.array(
        values, mask=np.isnan(values) if values.dtype.kind == "f" else None)
        for name, values in columns.items()})


def _may_be_beyond(values):
    size = np.abs(values)
    return bool((np.isinf(values) | (size < _TINY)).any())


def _read(data, columns, types, wanted=None):
    import pyarrow as pa
    from pyarrow import csv

    return csv.read_csv(
        pa.py_buffer(data),
        csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=list(columns)),
        csv.ParseOptions(delimiter="\t", quote_char=False, double_quote=False,
                         ignore_empty_lines=False),
        csv.ConvertOptions(column_types=types, null_values=["nan"], include_columns=wanted))
