"""Two columns of numbers out of a file: wavelengths, and what goes with them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import numpy as np

_FITS = b"SIMPLE  ="


def read_table(content: bytes, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return wavelengths in Angstrom and values, in the order of wavelengths.

    Parameters
    ----------
    content : bytes
        A FITS file whose first table has columns ``wavelength`` and one of `names`; or text whose
        lines begin with two numbers between blanks or commas. Lines before the first of them,
        and what follows a ``#``, are for people.
    names : sequence of str

    Raises
    ------
    ValueError
        Where it is neither.
    """
    is_fits = content.startswith(_FITS)
    wavelength, values = _of_fits(content, names) if is_fits else _of_text(content)
    good = np.isfinite(wavelength) & np.isfinite(values) & (wavelength > 0)
    wavelength, values = wavelength[good], values[good]
    if len(wavelength) < 2:
        raise ValueError("it has fewer than two rows of numbers")
    order = np.argsort(wavelength, kind="stable")
    wavelength, values = wavelength[order], values[order]
    if (np.diff(wavelength) <= 0).any():
        raise ValueError("a wavelength stands there twice")
    return wavelength, values


def _of_fits(content, names):
    from astropy.io import fits

    with fits.open(io.BytesIO(content)) as units:
        table = next((unit for unit in units if isinstance(unit, fits.BinTableHDU)), None)
        if table is None:
            raise ValueError("the FITS file has no table")
        found = {name.lower(): name for name in table.columns.names}
        value = next((found[name] for name in names if name in found), None)
        if "wavelength" not in found or value is None:
            raise ValueError(f"the table has no columns wavelength and {' or '.join(names)}")
        return (np.array(table.data[found["wavelength"]], np.float64),
                np.array(table.data[value], np.float64))


def words_of(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Yield number, line and words of the lines of a table that are no comments."""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].replace(",", " ").split()
        if words:
            yield number, line, words


def _of_text(content):
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ValueError("it is neither FITS nor text") from None
    rows = []
    for number, line, words in words_of(text):
        try:
            rows.append((float(words[0]), float(words[1])))
        except (ValueError, IndexError):
            if rows:
                raise ValueError(f"line {number} does not begin with two numbers: "
                                 f"{line.strip()[:60]}") from None
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
