"""Lists in FITS, ECSV and Parquet, read by astropy and pyarrow."""

import io

from mr_extract.lists.astropy_tables import plainly, table_of
from mr_extract.lists.columns import NoNumbers, Table
from mr_extract.remarks import say


def read_fits(buffer: bytes | bytearray | memoryview) -> Table:
    """Return the first table of a FITS file that has positions.

    Parameters
    ----------
    buffer : bytes-like

    Raises
    ------
    ValueError
        When there is none, or it cannot be read.
    """
    from astropy.io import fits
    from astropy.table import Table as AstropyTable

    with plainly("FITS"), fits.open(io.BytesIO(bytes(buffer)), memmap=False) as units:
        tables = [unit for unit in units if isinstance(unit, (fits.BinTableHDU, fits.TableHDU))]
        for k, unit in enumerate(tables, 1):
            if len(set(unit.columns.names)) < len(unit.columns.names):  # astropy takes one
                table = Table(unit.columns.names, [[]] * len(unit.columns.names))
                table.on_sky(), table.in_pixels()
            table = table_of(AstropyTable.read(unit, format="fits", mask_invalid=False))
            if table.has_positions():
                say_further(sum(_names_positions(other) for other in tables[k:]))
                return table
    raise ValueError("none of its units is a table with positions")


def _names_positions(unit):
    return Table(unit.columns.names, [[]] * len(unit.columns.names)).has_positions()


def say_further(number: int) -> None:
    """Say how many tables are not looked at."""
    if number:
        say("not-used", f"tables of the list's file behind the first with positions: {number}")


def read_ecsv(text: str) -> Table:
    """Return a table in ECSV.

    Parameters
    ----------
    text : str

    Raises
    ------
    ValueError
        When it is none.
    """
    from astropy.table import Table as AstropyTable

    with plainly("ECSV"):
        return table_of(AstropyTable.read(text, format="ascii.ecsv"))


def read_parquet(buffer: bytes | bytearray | memoryview) -> Table:
    """Return a table in Parquet; what astropy has written of sky positions is made of it again.

    Parameters
    ----------
    buffer : bytes-like

    Raises
    ------
    ValueError
        When it is none, or what reads it is not installed.
    """
    try:
        from pyarrow import ArrowInvalid, BufferReader, parquet
    except ImportError:
        raise ValueError("Parquet needs pyarrow: pip install 'mr_extract[export]'") from None
    from mr_extract.tables.parquet import values_of

    try:
        file = parquet.ParquetFile(BufferReader(bytes(buffer)))
        schema = file.schema_arrow
        if b"__serialized_columns__" in (schema.metadata or {}).get(b"table_meta_yaml", b""):
            from astropy.table import Table as AstropyTable

            with plainly("Parquet"):
                return table_of(AstropyTable.read(io.BytesIO(bytes(buffer)), format="parquet"))
        table = file.read()
    except ArrowInvalid as error:
        raise ValueError(" ".join(str(error).split())[:200]) from None
    columns: list = []
    for name, column in zip(schema.names, table.columns):
        try:
            columns.append(values_of(column.combine_chunks(), name))
        except ValueError:
            columns.append(NoNumbers(f"holds {column.type}, neither number nor text"))
    units = {k: unit.decode() for k, field in enumerate(schema)
             if (unit := (field.metadata or {}).get(b"unit"))}
    return Table(list(schema.names), columns, units)
