"""A spectrum as a file: a FITS table that specutils opens, or Parquet."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

ADU, CALIBRATED = "adu", "erg / (s cm2 Angstrom)"


def columns_of(
    wavelength: np.ndarray, pixel: np.ndarray, values: Mapping[str, np.ndarray],
    quality: np.ndarray, unit: str, sky: np.ndarray, response: np.ndarray | None,
) -> dict[str, tuple[np.ndarray, str]]:
    """Return the columns of a file, name to values and unit.

    Parameters
    ----------
    wavelength : ndarray of float64, shape (n,)
        Angstrom; where none is known the pixel is the spectral axis.
    pixel : ndarray of float64, shape (n,)
        Along the dispersion.
    values : mapping of str to ndarray
        Fluxes and errors, in `unit`.
    quality : ndarray of int32, shape (n,)
    unit : str
    sky : ndarray of float64, shape (n,)
        Image units a pixel.
    response : ndarray of float64 or None
    """
    known = np.isfinite(wavelength).all()
    result = {"wavelength": (wavelength, "Angstrom")} if known else {}
    result |= {"pixel": (pixel, "pix")}
    result |= {name: (one, unit) for name, one in values.items()}
    result |= {"sky": (sky, ADU), "quality": (quality, "")}
    if response is not None:
        result["response"] = response, "erg / (cm2 adu)"
    return result


def fits_file(
    columns: Mapping[str, tuple[np.ndarray, str]], cards: Mapping[str, tuple[Any, str]]
) -> bytes:
    """Return a FITS file with a table ``SPECTRUM``, the same bytes for the same spectrum.

    Parameters
    ----------
    columns : mapping
        As of `columns_of`.
    cards : mapping of str to (value, comment)
        Of the primary header.
    """
    from astropy.io import fits

    primary = fits.PrimaryHDU()
    for keyword, (value, comment) in cards.items():
        primary.header[keyword] = value, comment
    codes = {"f": "D", "i": "J"}
    table = fits.BinTableHDU.from_columns(
        [fits.Column(name, codes[values.dtype.kind], unit=unit or None, array=values)
         for name, (values, unit) in columns.items()], name="SPECTRUM")
    content = io.BytesIO()
    fits.HDUList([primary, table]).writeto(content)
    return content.getvalue()


def parquet_file(
    columns: Mapping[str, tuple[np.ndarray, str]], cards: Mapping[str, tuple[Any, str]]
) -> bytes:
    """Return a Parquet file; units are in the fields, the cards in the metadata of the schema.

    Parameters
    ----------
    columns, cards
        As of `fits_file`.
    """
    import pyarrow as pa
    from pyarrow import parquet

    fields = [pa.field(name, pa.from_numpy_dtype(values.dtype), metadata={"unit": unit})
              for name, (values, unit) in columns.items()]
    told = {keyword: str(value) for keyword, (value, _) in cards.items()}
    table = pa.table([values for values, _ in columns.values()],
                     schema=pa.schema(fields, metadata=told))
    content = io.BytesIO()
    parquet.write_table(table, content)
    return content.getvalue()
