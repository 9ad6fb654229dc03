"""What a function of the user's returned, as columns of a catalog and files beside it.

A value is in its column as it was returned, or the image fails: nothing is cast without a word.
Whole numbers may stand in a column of real ones where these hold them; None and masked values
are nan in a column of real numbers; True and False are 1 and 0.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.settings.applying import FILE, OwnColumn, parse_column

_LONGEST = 80
_SINGLE = float(np.finfo(np.float32).max)
#: Takes what a file is called and what is to be in it, and returns the name that it gets.
Keep = Callable[[str, Any], str]


def rows_of(returned: Any) -> tuple[dict[str, list[Any]], int]:
    """Return what was returned as columns of Python and numpy values, and how many rows it is.

    Parameters
    ----------
    returned : dict, sequence of dict, astropy Table, pandas DataFrame, structured ndarray or None
        Or something to be kept: an array, HDUs or a path make one row with a column ``file``.

    Raises
    ------
    ImageFailure
        ``bad-result`` where these are no rows.
    """
    if returned is None:
        return {}, 0
    if isinstance(returned, Mapping):
        return {_name(name): [value] for name, value in returned.items()}, 1
    if _is_kept(returned):
        return {FILE: [returned]}, 1
    if hasattr(returned, "colnames") and hasattr(returned, "columns"):  # astropy's tables
        return _table({name: returned[name] for name in returned.colnames}, len(returned))
    if hasattr(returned, "iloc") and hasattr(returned, "columns"):  # pandas' frames
        return _table({name: returned[name].to_numpy() for name in returned.columns},
                      len(returned))
    names = getattr(getattr(returned, "dtype", None), "names", None)
    if names:
        return _table({name: np.atleast_1d(returned)[name] for name in names}, returned.size)
    if isinstance(returned, Sequence) and not isinstance(returned, (str, bytes)):
        return _listed(returned)
    raise _bad(f"it returned {_told(returned)} and not rows: a dict, a list of dicts, a table, or "
               "None")


def _table(columns, length):
    found = {}
    for name, values in columns.items():
        if getattr(values, "ndim", 1) != 1:
            found[_name(name)] = [values[k] for k in range(length)]
        else:
            found[_name(name)] = list(values)
    return found, length


def _listed(returned):
    found: dict[str, list[Any]] = {}
    for number, row in enumerate(returned):
        if not isinstance(row, Mapping):
            raise _bad(f"row {number + 1} of what it returned is {_told(row)} and no dict")
        if number and row.keys() != found.keys():
            other = sorted(map(str, row.keys() ^ found.keys()))
            raise _bad(f"row {number + 1} of what it returned differs from the first in its "
                       f"columns: {', '.join(other)}")
        for name, value in row.items():
            found.setdefault(_name(name), []).append(value)
    return found, len(returned)


def learned(returned: Any) -> list[OwnColumn]:
    """Return the columns that a result has, by the values in it.

    Whole numbers are ``i8``, real ones ``f8``, which hold what other images return.

    Raises
    ------
    ImageFailure
        ``bad-result``.
    """
    columns, _ = rows_of(returned)
    found = []
    for name, values in columns.items():
        unit = _unit(returned, name)
        try:
            found.append(parse_column(f"{name}:{_kind(name, values)}:{unit}"))
        except ValueError as error:
            raise _bad(str(error)) from None
    return found


def _unit(returned, name):
    """Return the unit of a column of a table, or of a row's value; empty where it has none."""
    columns = getattr(returned, "columns", {}) if hasattr(returned, "colnames") else {}
    if name in columns:
        return _unit_of(columns[name])
    rows = [returned] if isinstance(returned, Mapping) else returned
    if isinstance(rows, Sequence) and rows and isinstance(rows[0], Mapping):
        return _unit_of(rows[0].get(name))
    return ""


def _unit_of(value):
    unit = getattr(value, "unit", None)
    return "" if unit is None else unit.to_string() if hasattr(unit, "to_string") else str(unit)


def _check_unit(one, units):
    for unit in sorted(units - {one.unit}):
        raise _bad(f"the column {one.name} is in {one.unit or 'no unit'}, and it returned values "
                   f"in {unit}")


def _kind(name, values):
    kinds = {_kind_of(value) for value in values} - {""}
    if kinds <= {"i8", "f8"}:
        return "f8" if "f8" in kinds or not kinds or any(map(_is_missing, values)) else "i8"
    if len(kinds) > 1:
        raise _bad(f"the column {name} holds {' and '.join(sorted(kinds))}")
    return kinds.pop()


def _kind_of(value):
    value = _plain(value)
    if _is_missing(value):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "bool"
    if isinstance(value, (int, np.integer)):
        return "i8"
    if isinstance(value, (float, np.floating)):
        return "f8"
    if isinstance(value, str):
        return "str"
    if _is_kept(value):
        return FILE
    raise _bad(f"it returned {_told(value)}, which no column holds")


def columns_of(returned: Any, wanted: Sequence[OwnColumn], choose: bool,
               keep: Keep) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return what was returned in the columns of a catalog.

    Parameters
    ----------
    returned : object
        As of `rows_of`.
    wanted : sequence of OwnColumn
    choose : bool
        Columns besides are left out; else they are a failure.
    keep : callable
        Takes in files, in the order of rows.

    Returns
    -------
    columns : dict of str to ndarray, shape (n,)
    left_out : list of str
        Columns that were returned besides.

    Raises
    ------
    ImageFailure
        ``bad-result`` where a column lacks or holds what is not of its type.
    """
    found, rows = rows_of(returned)
    if not rows:
        return {one.name: np.zeros(0, _dtype(one)) for one in wanted} or {"": np.zeros(0)}, []
    names = {one.name for one in wanted}
    lacking = [one.name for one in wanted if one.name not in found]
    left_out = [name for name in found if name not in names]
    if lacking or (left_out and not choose):
        wrong = [f"lack {', '.join(lacking)}"] if lacking else []
        wrong += [f"have {', '.join(left_out)} besides"] if left_out and not choose else []
        raise _bad(f"its rows {' and '.join(wrong)}: the columns are "
                   f"{', '.join(map(str, wanted)) or 'none'}")
    columns = {}
    for one in wanted:
        _check_unit(one, {_unit(returned, one.name), *map(_unit_of, found[one.name])} - {""})
        values = [_plain(value) for value in found[one.name]]
        if one.dtype == FILE:
            few = rows == 1
            columns[one.name] = np.array(
                [keep(one.name if few else f"{one.name}-{k + 1}", value)
                 for k, value in enumerate(values)])
        else:
            columns[one.name] = _column(one, values)
    return columns or {"": np.zeros(0)}, left_out


def _dtype(one):
    return "U1" if one.stored == "str" else one.stored


def _column(one, values):
    checked = {"f8": _real, "f4": _real, "i8": _whole, "i4": _whole, "bool": _truth,
               "str": _text}[one.dtype]
    return np.array([checked(one, value) for value in values],
                    str if one.dtype == "str" else one.stored)


def _real(one, value):
    if _is_missing(value):
        return np.nan
    if isinstance(value, (bool, np.bool_)) or not isinstance(
            value, (int, float, np.integer, np.floating)):
        raise _misfit(one, value)
    try:
        number = float(value)
    except OverflowError:
        raise _misfit(one, value) from None
    if number == number and type(value)(number) != value:
        raise _misfit(one, value)  # more digits than the type has
    if one.dtype == "f4" and _SINGLE < abs(number) < np.inf:
        raise _misfit(one, value)
    return number


def _whole(one, value):
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise _misfit(one, value)
    bits = 31 if one.dtype == "i4" else 63
    if not -(1 << bits) <= int(value) < 1 << bits:
        raise _misfit(one, value)
    return int(value)


def _truth(one, value):
    if not isinstance(value, (bool, np.bool_)):
        raise _misfit(one, value)
    return int(value)


def _text(one, value):
    if not isinstance(value, str):
        raise _misfit(one, value)
    return str(value)


def _plain(value):
    """Return a value without what astropy and numpy may have around it."""
    if hasattr(value, "unit") and hasattr(value, "value"):  # a quantity: its unit is the column's
        value = value.value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    return value


def _is_missing(value):
    return value is None or value is np.ma.masked or (
        isinstance(value, (float, np.floating)) and value != value)


def _is_kept(value):
    return isinstance(value, Path) or hasattr(value, "writeto") or (
        isinstance(value, np.ndarray) and value.ndim > 0 and value.dtype.names is None)


def _misfit(one, value):
    return _bad(f"the column {one.name} is {one.dtype}, and it returned {_told(value)}")


def _bad(message):
    return ImageFailure("bad-result", message)


def _name(name):
    if not isinstance(name, str):
        raise _bad(f"{_told(name)} is no name of a column")
    return str(name)


def _told(value):
    text = " ".join(repr(value).split())
    return f"{type(value).__name__} {text[:_LONGEST]}{'...' if len(text) > _LONGEST else ''}"


def as_file(value: Any, place: str) -> tuple[str, bytes | Callable[[], io.BufferedIOBase]]:
    """Return the suffix of a file to be kept and what is in it: bytes, or what opens it.

    Parameters
    ----------
    value : ndarray, HDU, HDUList or pathlib.Path
        An array becomes the primary image of a FITS file; a path is taken as it is.
    place : str
        Where a path begins that is a relative one.

    Raises
    ------
    ImageFailure
        ``bad-result`` where it cannot be a file.
    """
    if isinstance(value, Path):
        path = os.path.join(place, value)
        if not os.path.isfile(path):
            raise _bad(f"there is no file {value.name}, which it returned")
        return "".join(value.suffixes[-2:]), lambda: open(path, "rb")
    from astropy.io import fits

    content = io.BytesIO()
    try:
        if isinstance(value, np.ndarray):
            value = fits.PrimaryHDU(value)
        value.writeto(content)
    except Exception as error:  # astropy raises nearly every class there is
        raise _bad(f"{_told(value)} cannot be a FITS file: {error}") from error
    return ".fits", content.getvalue()
