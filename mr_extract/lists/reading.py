"""Lists of positions that come with a job: text and tables of other formats to positions.

These are FITS, VOTable, Parquet and regions of DS9. Text is CSV, TSV, ECSV, a catalog of this
program, SExtractor's ASCII_HEAD, or plain numbers in columns without names. Lines that begin
with ``#`` are comments.
"""

from collections.abc import Sequence

import numpy as np

from mr_extract.lists.columns import ON_SKY, Table
from mr_extract.lists.delimited import check_comments, read_text
from mr_extract.lists.motions import Motions, motions_of
from mr_extract.remarks import say

__all__ = ["Table", "identities", "moving_positions", "pixels_or_sky", "positions", "read_table"]


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
    ModuleNotFoundError
        When it needs what is not installed.
    """
    start = bytes(buffer[:200])
    if start[:9] == b"SIMPLE  =":
        from mr_extract.lists.table_files import read_fits

        return read_fits(buffer)
    if start[:4] == b"PAR1":
        from mr_extract.lists.table_files import read_parquet

        return read_parquet(buffer)
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"<?xml", b"<VOTABLE")):
        from mr_extract.lists.votables import read_votable

        return read_votable(buffer)
    try:
        text = bytes(buffer).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is neither UTF-8 text nor a table in FITS or Parquet") from None
    if text.startswith("# %ECSV"):
        from mr_extract.lists.table_files import read_ecsv

        table = read_ecsv(text)
        check_comments(table, text)
        return table
    if text.startswith("# Region file format: DS9"):
        from mr_extract.lists.regions_of_ds9 import read_regions

        return read_regions(text)
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
    return moving_positions(table, how)[:3]


def moving_positions(
    table: Table, how: str = "auto", epoch: float = 0.0
) -> tuple[bool, np.ndarray, np.ndarray, Motions | None]:
    """Return the positions that a list gives, and how they move.

    Parameters
    ----------
    table, how
        As for `positions`.
    epoch : float
        Of the positions in Julian years, for a list with proper motions that does not say it;
        0 is not known.

    Returns
    -------
    sky, first, second
        As of `positions`.
    motions : mr_extract.lists.motions.Motions or None
        None where the list has no proper motions, or they are of no use, which is said.

    Raises
    ------
    ValueError
        As `positions`, and for proper motions that are none.
    """
    pixels = table.in_pixels()
    if how != "pixel":
        pair = table.on_sky()
        if pair is not None:
            first, second = (table.numbers(k, unit) for k, unit in zip(pair, ON_SKY))
            if how == "sky" or np.isfinite(first).any() or pixels is None:
                motions = motions_of(table, pair, epoch)
                return *_with_missing_said(True, first, second), motions
        if how == "sky":
            raise ValueError("it has no columns ra and dec")
    if pixels is None:
        raise ValueError("it has neither columns ra and dec, nor x and y, nor X_IMAGE and Y_IMAGE"
                         + ("" if table.names else ": its columns have no names"))
    return *pixels_or_sky(table, pixels[:2], False, pixels[2]), None


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
    units = ON_SKY if sky else ("pixels", "pixels")
    first, second = (table.numbers(k, unit) for k, unit in zip(columns, units))
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
