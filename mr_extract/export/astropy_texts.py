"""Catalogs as VOTable and ECSV: astropy writes both."""

import io
import os
import tempfile

import numpy as np

from mr_extract.export.units import unit_in
from mr_extract.text.typed_rows import Source


def write_votable(source: Source, path: str) -> None:
    """Write a VOTable with a table ``catalog`` and a table ``images``.

    Parameters
    ----------
    source : mr_extract.text.typed_rows.Source
    path : str

    Notes
    -----
    astropy needs all rows as one array: it is made in a file beside the output, so that memory
    does not grow with it.
    """
    from astropy.io.votable.tree import Field, Info, Resource, TableElement, VOTableFile

    shapes = source.shapes()
    said = list(source.said())
    votable, resource = VOTableFile(version="1.4"), Resource()
    votable.resources.append(resource)
    for name, line in zip(("made_with", "config"), said[:2]):
        resource.infos.append(Info(name=name, value=line.decode().lstrip("#")))
    kinds = {"i4": "int", "i8": "long", "f4": "float", "f8": "double"}
    table = TableElement(votable, name="catalog")
    for one in shapes:
        text, unit = one.dtype.kind == "S", unit_in("vounit", one.column.unit)
        field = Field(votable, name=one.name, ucd=one.column.ucd or None,
                      datatype="unicodeChar" if text else kinds[one.dtype.str[1:]],
                      arraysize="*" if text else None, unit=unit)
        other = f", in {one.column.unit}" if one.column.unit and unit is None else ""
        field.description = one.column.description + other
        table.fields.append(field)
    resource.tables.append(table)
    folder = os.path.dirname(os.path.abspath(path))
    with tempfile.NamedTemporaryFile(dir=folder) as file, tempfile.NamedTemporaryFile(
            dir=folder) as masks:
        table.create_arrays(0)
        table.array = _array(source, shapes, table.array.dtype, file.name, masks.name)
        resource.tables.append(_lines_table(votable, said[2:]))
        votable.to_xml(path)


def _array(source, shapes, dtype, path, masks):
    """Return all rows as a masked array in files."""
    if not source.count:
        return np.ma.zeros(0, dtype)
    # Text of any length would be objects in memory: here it is as wide as the longest.
    dtype = np.dtype([(one.name, f"U{one.dtype.itemsize}" if one.dtype.kind == "S" else one.dtype)
                      for one in shapes])
    rows = np.memmap(path, dtype, "w+", shape=(source.count,))
    masked = np.memmap(masks, np.ma.make_mask_descr(dtype), "w+", shape=(source.count,))
    start = 0
    for table in source.tables(shapes):
        stop = start + len(next(iter(table.values())))
        for name, values in table.items():
            rows[name][start:stop] = _readable(values)
        start = stop
    return np.ma.MaskedArray(rows, masked, copy=False)


def _lines_table(votable, lines):
    from astropy.io.votable.tree import Field, TableElement

    table = TableElement(votable, name="images")
    table.fields.append(Field(votable, name="line", datatype="unicodeChar", arraysize="*"))
    table.create_arrays(len(lines))
    for number, line in enumerate(lines):
        table.array[number] = (line.decode(),)
    return table


def write_ecsv(source: Source, path: str) -> None:
    """Write an ECSV table, with what else the catalog says in its ``meta``.

    Parameters
    ----------
    source : mr_extract.text.typed_rows.Source
    path : str
    """
    from astropy.table import Column, Table

    shapes = source.shapes()
    said = [line.decode() for line in source.said()]
    meta = {"made_with": said[0], "config": said[1], "images": said[2:]}
    head = Table([Column(np.zeros(0, one.dtype if one.dtype.kind != "S" else str), name=one.name,
                         unit=one.column.unit or None, description=one.column.description,
                         meta={"ucd": one.column.ucd}) for one in shapes], meta=meta)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(_text(head, "ascii.ecsv"))
        for rows in source.tables(shapes):
            # The delimiter and the quotes are those of ECSV.
            file.write(_text(Table({one.name: _readable(rows[one.name]) for one in shapes}),
                             "ascii.no_header"))


def _readable(values):
    return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values


def _text(table, kind):
    text = io.StringIO(newline="")
    table.write(text, format=kind, delimiter=" ")
    return text.getvalue().replace("\r\n", "\n")
