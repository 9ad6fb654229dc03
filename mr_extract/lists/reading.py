"""Lists of positions that come with a job: text or FITS tables to columns.

Text is CSV, TSV, ECSV, a catalog of this program, SExtractor's ASCII_HEAD, or
plain numbers in columns without names. Lines that begin with ``#`` are comments.
"""

import io
import re

import numpy as np

_HEAD = re.compile(r"#\s*(\d+)\s+([A-Za-z]\w*)")
_NAMES = {
    "ra": ("ra", "raj2000", "ra_j2000", "ra_icrs", "ra_deg", "alpha_j2000", "alphawin_j2000",
           "right_ascension"),
    "dec": ("dec", "dej2000", "dec_j2000", "de_icrs", "dec_icrs", "dec_deg", "decj2000",
            "delta_j2000", "deltawin_j2000", "declination"),
    "x": ("x",), "y": ("y",),
    "x_image": ("x_image", "xwin_image"), "y_image": ("y_image", "ywin_image"),
    "a": ("a", "a_image"), "b": ("b", "b_image"), "theta": ("theta", "theta_image"),
    "kron_radius": ("kron_radius",),
    "id": ("id", "target", "source_id", "objid", "object_id", "name", "number"),
}


class Table:
    """Columns of a list as they were read.

    Parameters
    ----------
    names : list of str
        Empty where the columns have none.
    columns : list of sequence
        Texts, or arrays of a FITS table.
    """

    def __init__(self, names, columns):
        self.names, self._columns = names, columns
        self._lower = {name.lower(): k for k, name in reversed(list(enumerate(names)))}

    def __len__(self):
        return len(self._columns[0]) if self._columns else 0

    @property
    def width(self):
        """Number of columns."""
        return len(self._columns)

    def find(self, role):
        """Return the number of the column of a role, such as ``ra``, or None."""
        for name in _NAMES[role]:
            if name in self._lower:
                return self._lower[name]
        return None

    def column(self, name):
        """Return the number of a column by name, or by number from 1 on.

        Raises
        ------
        ValueError
            When it is not there.
        """
        if name.lower() in self._lower:
            return self._lower[name.lower()]
        if name.isdecimal() and 1 <= int(name) <= self.width:
            return int(name) - 1
        what = f"columns {', '.join(self.names)}" if self.names else f"{self.width} columns"
        raise ValueError(f"it has no column {name!r} but {what}")

    def numbers(self, k):
        """Return a column as float64; nan where it is empty or no number."""
        values = self._columns[k]
        if isinstance(values, np.ndarray) and values.dtype.kind in "iufb":
            return values.astype(float)
        try:
            return np.array(values, dtype=np.float64)
        except ValueError:
            return np.array([_number(value) for value in values], np.float64)

    def texts(self, k):
        """Return a column as a list of str."""
        return [value if type(value) is str else str(value).strip() for value in self._columns[k]]


def read_table(buffer):
    """Read a list.

    Parameters
    ----------
    buffer : bytes-like
        Without gzip or bzip2 around it.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        When it is no list; the message says why.
    """
    if bytes(buffer[:9]) == b"SIMPLE  =":
        return _fits(buffer)
    try:
        text = bytes(buffer).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is neither UTF-8 text nor a FITS table") from None
    lines = text.splitlines()
    head = {}
    for line in lines:
        if not line.startswith("#"):
            break
        match = _HEAD.match(line)
        if match:
            head[int(match.group(1)) - 1] = match.group(2)
    lines = [line for line in lines if line.strip() and not line.startswith("#")]
    if not lines:
        return Table([head[k] for k in sorted(head)], [[]] * len(head))
    separator = next((s for s in ("\t", ",") if s in lines[0]), None)
    first = _cells(lines[0], separator)
    if all(_is_number(cell) for cell in first):
        names = [head.get(k, f"column{k + 1}") for k in range(len(first))] if head else []
    else:
        names, lines = first, lines[1:]
    rows = [_cells(line, separator) for line in lines]
    width = len(first)
    for k, row in enumerate(rows):
        if len(row) != width:
            raise ValueError(f"its row {k + 1} has {len(row)} cells, not {width}")
    return Table(names, list(zip(*rows)) if rows else [[]] * width)


def _cells(line, separator):
    if '"' in line:
        import csv

        row = next(csv.reader([line], delimiter=separator or " ", skipinitialspace=True))
        return [cell.strip() for cell in row]
    return [cell.strip() for cell in line.split(separator)]


def _fits(buffer):
    from astropy.io import fits

    with fits.open(io.BytesIO(bytes(buffer)), memmap=False) as units:
        for unit in units:
            names = unit.columns.names if isinstance(unit, fits.BinTableHDU) else []
            table = Table(names, [None] * len(names))
            if any(table.find(role) is not None for role in ("ra", "x", "x_image")):
                return Table(names, [np.asarray(unit.data[name]) for name in names])
    raise ValueError("none of its units is a table with positions")


def _number(value):
    try:
        return float(value)
    except ValueError:
        return np.nan


def _is_number(text):
    return text == "" or text.lower() == "nan" or not np.isnan(_number(text))


def positions(table, how="auto"):
    """Return the positions that a list gives.

    Parameters
    ----------
    table : Table
    how : str
        ``sky``, ``pixel``, or ``auto``: the sky where there are finite positions on it.

    Returns
    -------
    sky : bool
        Whether they are right ascension and declination (ICRS) in degrees; otherwise
        x and y in 0-based pixels.
    first, second : ndarray of float64, shape (n,)

    Raises
    ------
    ValueError
        When the list has no such columns.
    """
    if how != "pixel":
        ra, dec = table.find("ra"), table.find("dec")
        if ra is not None and dec is not None:
            values = table.numbers(ra), table.numbers(dec)
            if how == "sky" or np.isfinite(values[0]).any() or table.find("x") is None:
                return True, *values
        if how == "sky":
            raise ValueError("it has no columns ra and dec")
    for x, y, origin in (("x", "y", 0.0), ("x_image", "y_image", 1.0)):
        x, y = table.find(x), table.find(y)
        if x is not None and y is not None:
            return False, table.numbers(x) - origin, table.numbers(y) - origin
    raise ValueError("it has neither columns ra and dec, nor x and y, nor X_IMAGE and Y_IMAGE")


def identities(table):
    """Return what a list calls its entries, as a list of str.

    It is the column ``id`` or a like one; of a catalog of this program, image and number;
    of a list without, the numbers of its rows from 1 on, or what its first column holds
    where no column has a name.
    """
    if not table.names and table.width > 2:
        return table.texts(0)
    named = table.find("id")
    if named is None:
        return [str(k + 1) for k in range(len(table))]
    if table.names[named] == "number" and "image" in table.names:
        images = table.texts(table.names.index("image"))
        return [f"{image}:{number}" for image, number in zip(images, table.texts(named))]
    return table.texts(named)
