"""Columns of numbers to tab-separated text and back.

Numbers are written with the fewest digits that give back the float32 or
float64 that was measured; `nan` stands for what is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np
import orjson

from mr_extract.text.cutouts import as_texts
from mr_extract.text.entry import escaped

if TYPE_CHECKING:
    from mr_extract.columns.column import Column


def format_rows(image_id: str, columns: Mapping[str, np.ndarray]) -> bytes:
    """Return the rows of one image.

    Parameters
    ----------
    image_id : str
        First cell of every row; without tabs and line ends.
    columns : dict of str to ndarray, shape (n,)
        Integers, float32, float64 or text, C-contiguous; or cut-outs, shape (n, height,
        width).

    Returns
    -------
    bytes
        n lines in UTF-8, each with its line end.

    Notes
    -----
    A column is written as a JSON array in one call and cut at its commas: six
    times faster than formatting in Python, and shortest for both widths.
    """
    cells = _cells(columns)
    return _joined([repeat(image_id.encode()), *cells]) if cells else b""


def format_table(columns: Mapping[str, np.ndarray | list[bytes]]) -> bytes:
    """Return rows of which each column has its own cells, as `format_rows` does.

    A list of bytes has the cells as they are to stand there.
    """
    cells = _cells(columns)
    return _joined(cells) if cells else b""


def _joined(cells):
    return b"\n".join(map(b"\t".join, zip(*cells))) + b"\n"


def _cells(columns: Mapping[str, np.ndarray | list[bytes]]) -> list[list[bytes]]:
    if len(next(iter(columns.values()))) == 0:
        return []
    return [
        values if isinstance(values, list)
        else as_texts(values) if values.ndim == 3
        else [escaped(text).encode() for text in values.tolist()] if values.dtype.kind == "U"
        else orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
        .replace(b"null", b"nan")
        .split(b",")
        for values in columns.values()
    ]


def parse_rows(lines: Iterable[bytes], columns: Mapping[str, Column]) -> dict[str, np.ndarray]:
    """Read rows back to columns.

    Parameters
    ----------
    lines : iterable of bytes
        Rows as from `format_rows`.
    columns : dict of str to mr_extract.columns.choice.Column
        The columns in their order, ``image`` first.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        In the types of the schema, float64 where a number is beyond float32; ``image`` is
        an array of str.

    Raises
    ------
    ValueError
        For a row with more or fewer cells than columns.
    """
    cells = [line.decode().rstrip("\n").split("\t") for line in lines]
    for row in cells:
        if len(row) != len(columns):
            raise ValueError(f"a row has {len(row)} cells, not {len(columns)}: {row[0]}")
    turned = list(zip(*cells)) if cells else [()] * len(columns)
    return {
        name: _singles(values) if column.dtype == "f4"
        else np.array(values, dtype=str if column.dtype == "str" else column.dtype)
        for (name, column), values in zip(columns.items(), turned)
    }


def _singles(texts):
    # numpy reads a float64 and rounds again: a decimal beside the middle of two
    # float32 may have come to lie on it (7.038531e-26 is one) and go astray.
    wide = np.array(texts, np.float64)
    if beyond_single(wide):
        return wide
    with np.errstate(over="ignore", invalid="ignore"):
        near = wide.astype(np.float32)
        other = np.nextafter(near, np.where(wide > near, np.inf, -np.inf).astype(np.float32))
        middle = (wide != near) & (wide - near == other - wide)
    for k in np.flatnonzero(middle):
        from fractions import Fraction  # hardly ever

        low, high = sorted((near[k], other[k]))
        exact, halfway = Fraction(texts[k]), Fraction(float(wide[k]))
        if exact != halfway:
            near[k] = low if exact < halfway else high
    return near


def beyond_single(values: np.ndarray) -> bool:
    """Tell whether numbers are none that float32 has, because it does not reach so far.

    Parameters
    ----------
    values : ndarray of float32 or float64, shape (n,)
        As they were written, in the fewest digits.
    """
    if values.dtype == np.float32:
        return False
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        near = values.astype(np.float32)
        if (np.isinf(near) & np.isfinite(values)).any():
            return True
        faint = (np.abs(near) < np.finfo(np.float32).tiny) & (values != 0)
    return any(float(str(one)) != wide for one, wide in zip(near[faint], values[faint].tolist()))
