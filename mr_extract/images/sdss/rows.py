"""Units of SDSS files that are no images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mr_extract.failures import ImageFailure
from mr_extract.images.units import NotPlain, list_units, reader_of

if TYPE_CHECKING:
    from astropy.io.fits import FITS_rec

    from mr_extract.images.units import Unit


def units_of(buffer: bytes | memoryview) -> list[Unit]:
    """Return the units of a file, as `mr_extract.images.units.list_units` does.

    Raises
    ------
    ImageFailure
        As there, and ``corrupt`` where headers are too odd: SDSS wrote plain ones.
    """
    try:
        return list_units(reader_of(buffer))
    except NotPlain as odd:
        raise ImageFailure("corrupt", str(odd)) from odd


def table_rows(buffer: bytes | memoryview, unit: Unit) -> FITS_rec:
    """Return the rows of a table, a field a column.

    Parameters
    ----------
    buffer : bytes-like
        The whole file, unpacked.
    unit : mr_extract.images.units.Unit
        A table.

    Raises
    ------
    ImageFailure
        ``truncated`` or ``corrupt`` when it cannot be read.
    """
    from astropy.io import fits

    if unit.cut:
        raise ImageFailure("truncated", f"the file ends inside unit {unit.number}")
    alone = bytes(memoryview(buffer)[unit.start : unit.end])
    try:
        return fits.BinTableHDU.fromstring(alone).data
    except (ValueError, KeyError, TypeError, IndexError, OSError, fits.VerifyError) as error:
        raise ImageFailure("corrupt", f"the table in unit {unit.number}: {error}") from error
