"""Lists of positions that come with a job: text, FITS tables and VOTables to positions.

Text is CSV, TSV, ECSV, a catalog of this program, SExtractor's ASCII_HEAD, or
plain numbers in columns without names. Lines that begin with ``#`` are comments.
"""

from collections.abc import Sequence

import numpy as np

from mr_extract.lists.columns import Table
from mr_extract.lists.delimited import check_comments, read_text
from mr_extract.remarks import say

__all__ = ["Table", "identities", "pixels_or_sky", "positions", "read_table"]


def read_table(buffer: bytes | bytearray | memoryview) -> Table:
    """Read a list.

    Parameters
    ----------
    buffer : bytes-like
        Without gzip or bzip2 around it.

    Returns
    -------
    mr_extract.lists.columns.Table

    Raises
    ------
    ValueError
        When it is no list; the message says why.
    """
    start = bytes(buffer[:200])
    if start[:9] == b"SIMPLE  =":
        from mr_extract.lists.astropy_tables import read_fits

        return read_fits(buffer)
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"<?xml", b"<VOTABLE")):
        from mr_extract.lists.astropy_tables import read_votable

        return read_votable(buffer)
    try:
        text = bytes(buffer).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is neither UTF-8 text nor a FITS table") from None
    if text.startswith("# %ECSV"):
        from mr_extract.lists.astropy_tables import read_ecsv

        table = read_ecsv(text)
        check_comments(table, text)
        return table
    return read_text(text)


def positions(table: Table, how: str = "auto") -> tuple[bool, np.ndarray, np.ndarray]:
    """Return the positions that a list gives.

    Parameters
    ----------
    table : mr_extract.lists.columns.Table
    how : str
        ``sky``, ``pixel``, or ``auto``: the sky where there are finite positions on it.

    Returns
    -------
    sky : bool
        Whether they are right ascension and declination (ICRS) in degrees; otherwise
        x and y in 0-based pixels.
    first, second : ndarray of float64, shape (n,)
        nan in rows without a position, of which the remark ``rows-passed-over`` is said.

    Raises
    ------
    ValueError
        When the list has no such columns, or they hold what is no number, no angle or
        not in pixels.
    """
    pixels = table.in_pixels()
    if how != "pixel":
        pair = table.on_sky()
        if pair is not None:
            first, second = (table.numbers(k, "degrees") for k in pair)
            if how == "sky" or np.isfinite(first).any() or pixels is None:
                return _with_missing_said(True, first, second)
        if how == "sky":
            raise ValueError("it has no columns ra and dec")
    if pixels is None:
        raise ValueError("it has neither columns ra and dec, nor x and y, nor X_IMAGE and Y_IMAGE"
                         + ("" if table.names else ": its columns have no names"))
    return pixels_or_sky(table, pixels[:2], False, pixels[2])


def pixels_or_sky(
    table: Table, columns: Sequence[int], sky: bool, origin: float = 0.0
) -> tuple[bool, np.ndarray, np.ndarray]:
    """Return positions as `positions` does, of columns that are known.

    Parameters
    ----------
    table : mr_extract.lists.columns.Table
    columns : sequence of int
        Two numbers from 0 on.
    sky : bool
    origin : float
        What the first pixel is in the list.
    """
    first, second = (table.numbers(k, "degrees" if sky else "pixels") for k in columns)
    return _with_missing_said(sky, *((first, second) if sky else (first - origin, second - origin)))


def _with_missing_said(sky, first, second):
    missing = np.flatnonzero(~(np.isfinite(first) & np.isfinite(second)))
    if len(missing):
        say("rows-passed-over", f"rows without a position: {len(missing)} of {len(first)}, the "
                                f"first is row {missing[0] + 1}")
    return sky, first, second


def identities(table: Table) -> list[str]:
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
