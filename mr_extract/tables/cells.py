"""Columns of any table as the cells of a catalog."""

import numpy as np
import orjson

from mr_extract.tables.opening import Column
from mr_extract.text.entry import escaped


def as_cells(column: Column) -> "np.ndarray | list[bytes]":
    """Return a column as `mr_extract.text.rows.format_table` takes it.

    Parameters
    ----------
    column : ndarray, list of bytes or list of str

    Returns
    -------
    ndarray or list of bytes
        ``nan`` for what is missing.

    Raises
    ------
    ValueError
        When it has not one number or text a row.
    """
    if isinstance(column, list):
        return [_cell(one) for one in column]
    if column.ndim > 1:
        raise ValueError(f"holds {int(np.prod(column.shape[1:]))} values a row, not one")
    if isinstance(column, np.ma.MaskedArray):
        if column.mask.any():
            return [b"nan" if gone else one for one, gone in zip(
                _texts(column.data), np.ma.getmaskarray(column).tolist())]
        column = column.data
    if column.dtype.kind == "b":
        return column.astype(np.uint8)
    if column.dtype.kind in "iuf":
        return np.ascontiguousarray(column, column.dtype.newbyteorder("="))
    if column.dtype.kind in "SU":
        return [_cell(one) for one in column.tolist()]
    raise ValueError(f"holds {column.dtype}, neither number nor text")


def kind_of(column: Column) -> str:
    """Return in which type of a catalog's columns a column can be given back without loss.

    Parameters
    ----------
    column : ndarray, list of bytes or list of str

    Returns
    -------
    str
        ``i4``, ``f4``, ``f8`` or ``str``.
    """
    if isinstance(column, list):
        return "f8" if _are_numbers(column) else "str"
    kind, size = column.dtype.kind, column.dtype.itemsize
    if kind == "f":
        return "f4" if size <= 4 else "f8"
    if kind == "b" or kind in "iu" and size <= 4 and column.dtype != np.uint32:
        return "f8" if isinstance(column, np.ma.MaskedArray) else "i4"
    return "str"


def _are_numbers(texts):
    for text in texts:
        text = text.decode() if isinstance(text, bytes) else text
        try:
            number = float(text or "nan")
        except ValueError:
            return False
        # An id of 18 digits would not come back.
        digits = sum(map(str.isdigit, text.lower().partition("e")[0].lstrip("-+0.")))
        if digits > _EXACT and orjson.dumps(number).decode() != text:
            return False
    return True


_EXACT = 15  # digits that float64 has in any case


def _texts(values):
    cells = as_cells(values)
    if isinstance(cells, list):
        return cells
    from mr_extract.text.rows import format_table

    return format_table({"": cells}).splitlines()


def _cell(one):
    if isinstance(one, bytes):
        return one.rstrip() or b"nan"
    return escaped(one.strip()).encode() or b"nan"
