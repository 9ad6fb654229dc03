"""A catalog as Parquet; pyarrow writes, a row group at a time."""

from collections.abc import Iterator

import numpy as np

from mr_extract.text.typed_rows import Source

HEADER, ACCOUNTS = b"mr_extract.header", b"mr_extract.accounts"


def write_parquet(source: Source, path: str) -> None:
    """Write the rows, with units in the schema and what else the catalog says in its metadata.

    Parameters
    ----------
    source : mr_extract.text.typed_rows.Source
    path : str

    Notes
    -----
    nan is null. A column has ``unit``, ``ucd`` and ``description`` in its metadata.
    """
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {"S": pa.string(), "i4": pa.int32(), "f4": pa.float32(), "f8": pa.float64()}
    shapes = source.shapes()
    said = list(source.said())
    schema = pa.schema([
        pa.field(one.name, kinds.get(one.dtype.kind) or kinds[one.dtype.str[1:]], metadata={
            "unit": one.column.unit, "ucd": one.column.ucd,
            "description": one.column.description})
        for one in shapes], metadata={HEADER: b"\n".join(said[:2]),
                                      ACCOUNTS: b"\n".join(said[2:])})
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for table in source.tables():
            writer.write_table(pa.table([
                pa.array(values.astype(one.dtype) if one.dtype.kind != "S" else values.tolist(),
                         schema.field(one.name).type,
                         mask=np.isnan(values) if values.dtype.kind == "f" else None)
                for one, values in zip(shapes, table.values())], schema=schema))


def read_parquet(path: str) -> tuple[list[bytes], Iterator[dict[str, np.ndarray]]]:
    """Give what `write_parquet` wrote: the lines (bytes), and tables of some rows at a time.

    Raises
    ------
    KeyError, OSError
        When it is no such file.
    """
    from pyarrow import ArrowInvalid, parquet

    try:
        file = parquet.ParquetFile(path)
    except ArrowInvalid as error:
        raise OSError(str(error)) from None
    said = file.schema_arrow.metadata or {}
    lines = said[HEADER].split(b"\n") + [one for one in said[ACCOUNTS].split(b"\n") if one]
    return lines, (
        {name: batch.column(name).to_numpy(zero_copy_only=False)
         if batch.schema.field(name).type != "string" else
         np.array(batch.column(name).to_pylist(), str) for name in batch.schema.names}
        for batch in file.iter_batches())
