"""SExtractor's binary catalogues: FITS_LDAC and FITS_1.0."""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from astropy.io import fits

from mr_extract.images.cards import printable
from mr_extract.sextractor.ascii_format import cut, in_type
from mr_extract.sextractor.identities import in_fits
from mr_extract.sextractor.names import Output
from mr_extract.text.cutouts import from_texts

_BLOCK = 2880
_CODES = {"i2": "I", "i4": "J", "f4": "E", "f8": "D"}


def primary(cards: Sequence[tuple[str, object, str]] = ()) -> bytes:
    """Return the primary unit, which has no data.

    Parameters
    ----------
    cards : sequence of (str, object, str)
        Keyword, value and comment of further cards.
    """
    return _header([("SIMPLE", True, "This is a FITS file"), ("BITPIX", 8, ""), ("NAXIS", 0, ""),
                    ("EXTEND", True, "This file may contain FITS extensions"), *cards])


def image_header(text: str) -> bytes:
    """Return the unit LDAC_IMHEAD.

    Parameters
    ----------
    text : str
        The cards of the image's header, 80 characters each, with END.
    """
    data = printable(text).encode()
    columns = [("TTYPE1", "Field Header Card", ""), ("TFORM1", f"{len(data)}A", ""),
               ("TDIM1", f"(80, {len(data) // 80})", "")]
    return _table("LDAC_IMHEAD", len(data), 1, 1, columns) + _padded(data)


def objects(name: str, columns: Mapping[str, np.ndarray], outputs: Sequence[Output]) -> bytes:
    """Return the unit with the sources of an image.

    Parameters
    ----------
    name : str
        ``LDAC_OBJECTS`` or ``OBJECTS``.
    columns : dict of str to ndarray, shape (n,)
        As from `mr_extract.sextractor.convert.converted`.
    outputs : sequence of mr_extract.sextractor.names.Output

    Returns
    -------
    bytes
    """
    cards, fields = [], []
    dtype: str | np.dtype
    shape: tuple[int, ...]
    for k, one in enumerate(outputs, 1):
        parameter, values = one.parameter, [columns[cell] for cell in one.cells]
        if parameter.dtype == "str":
            data = in_fits(values[0])
            form, dtype, shape = f"{max(1, data.itemsize)}A", f"S{max(1, data.itemsize)}", ()
        elif one.shape:
            height, width = shape = one.shape
            data, dtype = from_texts(values[0], height, width), ">f4"
            form = f"{height * width}E"
        else:
            shape = (one.size,) if one.size > 1 else ()
            data = np.stack([in_type(v, parameter.dtype) for v in values], axis=-1)
            dtype, form = data.dtype.newbyteorder(">"), f"{one.size}{_CODES[data.dtype.str[1:]]}"
            data = data.reshape(len(values[0]), *shape)
        fields.append(((f"c{k}", dtype, shape), data))
        cards.append((f"TTYPE{k}", parameter.name, cut(parameter.description, 47)))
        cards.append((f"TFORM{k}", form, ""))
        if one.shape:
            cards.append((f"TDIM{k}", f"({one.shape[1]},{one.shape[0]})", ""))
        if parameter.unit:
            cards.append((f"TUNIT{k}", parameter.unit, ""))
        if parameter.dtype != "str":
            cards.append((f"TDISP{k}", _display(parameter.format), ""))
    n = len(fields[0][1])
    table = np.empty(n, np.dtype([field for field, _ in fields]))
    for (field, _, _), data in fields:
        table[field] = data
    return _table(name, table.itemsize, n, len(fields), cards) + _padded(table.tobytes())


def _display(form):
    """Return a C format in FITS' spelling: ``%+11.7f`` is F11.7."""
    code = {"d": "I", "u": "I"}.get(form[-1], form[-1].upper())
    return code + form[1:-1].lstrip("+")


def _table(name, width, n, fields, columns):
    return _header([
        ("XTENSION", "BINTABLE", "THIS IS A BINARY TABLE"), ("BITPIX", 8, ""), ("NAXIS", 2, ""),
        ("NAXIS1", width, "BYTES PER ROW"), ("NAXIS2", n, "NUMBER OF ROWS"),
        ("PCOUNT", 0, "RANDOM PARAMETER COUNT"), ("GCOUNT", 1, "GROUP COUNT"),
        ("TFIELDS", fields, "FIELDS PER ROWS"), ("EXTNAME", name, "TABLE NAME"), *columns,
    ])


def card(keyword: str, value: object, comment: str) -> str:
    """Return one card of a header, 80 characters."""
    if isinstance(value, float) and not np.isfinite(value):
        value = str(value)
    if isinstance(value, str):
        value = in_fits(np.array([value]))[0].decode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a comment for which there is no room
        text = str(fits.Card(keyword, value, comment))
    if len(text) > 80:  # a long text: of the name of a file its end says most
        text = str(fits.Card(keyword, str(value)[-60:]))[:80]
    return text.ljust(80)


def _header(cards):
    return _padded(("".join(card(*one) for one in cards) + "END".ljust(80)).encode("ascii"), b" ")


def _padded(data, filler=b"\0"):
    return data + filler * (-len(data) % _BLOCK)
