"""A catalog as Parquet; pyarrow writes, a row group at a time."""

from collections.abc import Iterator

import numpy as np

from mr_extract.export.light_curves import Curves
from mr_extract.export.schema import schema_of
from mr_extract.text.typed_rows import ROWS, Source

HEADER, ACCOUNTS = b"mr_extract.header", b"mr_extract.accounts"


def write_parquet(source: Source, path: str, points: Source | None = None) -> None:
    """Write the rows, with units in the schema and what else the catalog says in its metadata.

    Parameters
    ----------
    source : mr_extract.text.typed_rows.Source
    path : str
    points : mr_extract.text.typed_rows.Source, optional
        Light curves of the objects in `source`, which become columns of lists.

    Notes
    -----
    nan is null. A column has ``unit``, ``ucd`` and ``description`` in its metadata.
    """
    curves = None if points is None else Curves(points, source)
    if not _written(source, source.shapes(whole=False), path, curves):
        _written(source, source.shapes(), path, curves)


def _written(source, shapes, path, curves):
    """Write, and tell whether all columns were as they were thought to be."""
    from pyarrow import parquet

    schema, tables = schema_of(shapes), source.arrow_tables(shapes)
    if curves is None:
        tables = _gathered(tables)
    else:
        schema, tables = curves.schema(schema), curves.beside(tables)
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for table in tables:
            if table.schema.types != schema.types:
                return False
            writer.write_table(table.cast(schema))
        header, accounts = _said(source)
        writer.add_key_value_metadata({HEADER: header, ACCOUNTS: accounts})
    return True


def _said(source):
    lines = list(source.said())
    return b"\n".join(lines[:2]), b"\n".join(lines[2:])


def _gathered(tables):
    """Give tables of `ROWS` rows or some more; one of other types by itself."""
    import pyarrow as pa

    held = []
    for table in tables:
        if held and table.schema.types != held[0].schema.types:
            yield table
            return
        held.append(table)
        if sum(map(len, held)) >= ROWS:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def read_parquet(path: str) -> tuple[list[bytes], Iterator[dict[str, np.ndarray]]]:
    """Give what `write_parquet` wrote: the lines (bytes), and tables of some rows at a time.

    Raises
    ------
    KeyError, OSError
        When it is no such file.
    """
    from pyarrow import ArrowInvalid, parquet, types

    try:
        file = parquet.ParquetFile(path)
    except ArrowInvalid as error:
        raise OSError(str(error)) from None
    said = file.metadata.metadata or {}
    lines = said[HEADER].split(b"\n") + [one for one in said[ACCOUNTS].split(b"\n") if one]
    names = [one.name for one in file.schema_arrow if not types.is_list(one.type)]
    return lines, (
        {name: batch.column(name).to_numpy(zero_copy_only=False)
         if batch.schema.field(name).type != "string" else
         np.array(batch.column(name).to_pylist(), str) for name in names}
        for batch in file.iter_batches(columns=names))
