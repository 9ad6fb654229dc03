"""Columns of a catalog as fields of pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow

    from mr_extract.text.typed_rows import Shape


def schema_of(shapes: Sequence[Shape]) -> pyarrow.Schema:
    """Return a schema whose fields have ``unit``, ``ucd`` and ``description`` in their metadata.

    Parameters
    ----------
    shapes : sequence of mr_extract.text.typed_rows.Shape
    """
    import pyarrow as pa

    kinds = {"S": pa.string(), "i4": pa.int32(), "i8": pa.int64(), "f4": pa.float32(),
             "f8": pa.float64()}
    return pa.schema([
        pa.field(one.name, kinds.get(one.dtype.kind) or kinds[one.dtype.str[1:]], metadata={
            "unit": one.column.unit, "ucd": one.column.ucd,
            "description": one.column.description})
        for one in shapes])
