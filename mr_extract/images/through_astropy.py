"""How any file is read by astropy: its units, and the pixels of one of them."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.images.cards import cards_of
from mr_extract.images.extensions import siblings_of
from mr_extract.images.image import Image, plane
from mr_extract.images.plain import converted, scaled_far
from mr_extract.images.scaling import scaling
from mr_extract.images.units import Unit, version_of

if TYPE_CHECKING:
    from astropy.io import fits

#: Takes the shape of an image, and returns the place of a plane among its further axes.
Index: TypeAlias = Callable[[tuple[int, ...]], tuple[int, ...]]


def opened(buffer: bytes, use: Callable[[fits.HDUList], Any], stored: bool = False) -> Any:
    """Open a file and return what `use` makes of its units.

    Parameters
    ----------
    buffer : bytes
        The whole file, uncompressed outside.
    use : callable
        Takes the units.
    stored : bool
        Leave pixels as they are stored.

    Raises
    ------
    ImageFailure
        ``truncated`` or ``corrupt`` when astropy cannot make sense of it, and those of `use`.
    """
    from astropy.io import fits

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            with fits.open(
                io.BytesIO(buffer), memmap=False, lazy_load_hdus=False,
                ignore_missing_simple=False, do_not_scale_image_data=stored,
            ) as units:
                return use(units)
        except ImageFailure:
            raise
        except MemoryError:
            raise
        except Exception as error:  # astropy raises nearly every class there is
            texts = [str(error), *(str(w.message) for w in said)]
            cut = [t for t in texts if "truncated" in t.lower() or "buffer is too small" in t]
            kind, text = ("truncated", cut[0]) if cut else ("corrupt", texts[0])
            raise ImageFailure(kind, f"{type(error).__name__}: {one_line(text)}") from error


def one_line(text: object) -> str:
    """Return the text on one line, at most 300 characters of it."""
    return " ".join(str(text).split())[:300]


def listed_units(units: fits.HDUList) -> list[Unit]:
    """Return what units are; their places in the file are not known: 0."""
    listed = []
    for number, unit in enumerate(units):
        version, odd = version_of(cards_of(unit.header))
        listed.append(Unit(
            number, str(unit.name).strip() or ("" if number else "PRIMARY"),
            tuple(unit.shape) if unit.is_image else (), 0, 0, 0,
            version=version, odd_version=odd,
        ))
    return listed


def read_number(number: int, buffer: bytes, index: Index | None = None) -> Image:
    """Read the image of a unit.

    Parameters
    ----------
    number : int
        Of the unit.
    buffer, index
        As for `mr_extract.images.general.read_general`.

    Raises
    ------
    ImageFailure
        As `mr_extract.images.general.read_general`.
    """
    # astropy scales in single precision: what that does not hold is read as it is stored.
    found = opened(buffer, lambda units: _image(units, number, index))
    return found or opened(
        buffer, lambda units: _image(units, number, index, stored=True), stored=True)


def _image(units, number, index, stored=False):
    unit = units[number]
    header = cards_of(unit.header)  # astropy takes scaling cards out when data are read
    if scaled_far(header) and not stored:
        return None
    convert = converted if stored else pixels_of
    values = np.asarray(unit.data)
    data, mask, exponent = convert(values[index(values.shape)] if index else values, header)
    images = sum(one.is_image and len(one.shape) > 1 for one in units)
    return Image(data, header, mask, number, images, exponent=exponent,
                 siblings=siblings_of(listed_units(units)))


def pixels_of(values: np.ndarray, header: Mapping) -> tuple[np.ndarray, np.ndarray | None, int]:
    """Return the plane and mask of pixels that astropy has read.

    Parameters
    ----------
    values : ndarray
        The data of the unit.
    header : mapping
        Its cards as they were before the data were read.

    Returns
    -------
    data, mask, exponent
        As `mr_extract.images.image.plane` returns them.
    """
    data, mask, exponent = plane(values)
    if values.dtype.kind not in "iu":
        return data, mask, exponent
    _, zero, blank = scaling(header)
    if blank is not None:
        # astropy leaves integers that need no scaling as they are, blanks among them.
        blanks = (values == blank + int(zero)).reshape(data.shape)
        if blanks.any():
            mask = blanks
            data[mask] = 0.0
    return data, mask, exponent
