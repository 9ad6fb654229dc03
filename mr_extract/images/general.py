"""Any image that astropy can read: compressed, scaled and odd ones."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.images.cards import cards_of
from mr_extract.images.extensions import say_of_unit, siblings_of
from mr_extract.images.image import Image, plane
from mr_extract.images.plain import converted, scaled_far
from mr_extract.images.region import Region
from mr_extract.images.scaling import scaled_plainly, scaling
from mr_extract.images.units import NotPlain, Unit, list_units, reader_of, version_of

if TYPE_CHECKING:
    from mr_extract.images.cards import Cards
    from mr_extract.images.section import Section

EMPTY_PRIMARY = "".join(
    f"{keyword:8}= {value:>20}".ljust(80)
    for keyword, value in (("SIMPLE", "T"), ("BITPIX", "8"), ("NAXIS", "0"), ("EXTEND", "T"))
).ljust(2800).encode() + b"END".ljust(80)


def read_general(
    buffer: bytes | memoryview, ext: int | str | None = None,
    index: Callable[[tuple[int, ...]], tuple[int, ...]] | None = None,
) -> Image:
    """Read an image through `astropy.io.fits`.

    Parameters
    ----------
    buffer : bytes-like
        The whole file, uncompressed outside (units inside may be tile-compressed).
    ext : int or str, optional
        Number or EXTNAME of the unit; by default the first with an image.
    index : callable, optional
        Takes the shape of the image, and returns the place of the plane that is meant among
        the axes before the last two.

    Returns
    -------
    Image

    Raises
    ------
    ImageFailure
        ``corrupt`` when astropy cannot make sense of it; ``truncated``,
        ``no-image``, ``no-extension``, ``not-two-dimensional``,
        ``unsupported-pixels`` as named.
    """
    buffer = bytes(buffer)

    def use(units):
        number = _chosen(units, ext)
        place = units.fileinfo(number)
        start, end = place["hdrLoc"], place["datLoc"]
        text = buffer[start:end].decode("latin-1")
        mended = scaled_plainly(text)
        if mended is text:
            return number, buffer
        return number, b"".join([buffer[:start], mended.encode("latin-1"), buffer[end:]])

    number, mended = _opened(buffer, use)
    return _read(number, mended, index)


def read_tiled(buffer: bytes | memoryview, unit: Unit, images: int = 1) -> Image:
    """Read a tile-compressed image without regard to the rest of its file.

    Parameters
    ----------
    buffer : bytes-like
        The whole file.
    unit : mr_extract.images.units.Unit
    images : int
        Number of images in the file.

    Returns
    -------
    Image

    Raises
    ------
    ImageFailure
        As for `read_general`.
    """
    image = _read(1, _alone(buffer, unit))
    return replace(image, hdu=unit.number, images=images)


def tile_values(buffer: bytes | memoryview, unit: Unit) -> np.ndarray:
    """Return the pixels of a tile-compressed image in their own type.

    Parameters and failures are those of `read_tiled`.
    """
    return _opened(_alone(buffer, unit), lambda units: np.array(units[1].data))


def tile_sections(
    section: Section, unit: Unit, cards: Cards
) -> tuple[
    Cards, Callable[[np.ndarray, Mapping], tuple[np.ndarray, np.ndarray | None, int]],
    Iterator[tuple[int, np.ndarray]],
]:
    """Return the region of a tile-compressed image in its own type, band by band.

    Parameters
    ----------
    section : mr_extract.images.section.Section
    unit : mr_extract.images.units.Unit
    cards : mr_extract.images.cards.Cards
        Of the table.

    Returns
    -------
    header : mr_extract.images.cards.Cards
        Of the image.
    convert : callable
        Takes the pixels of all bands and `header`; returns data, mask and exponent.
    bands : iterable of (int, ndarray of shape (rows, width))
        The first row within the region, and pixels.

    Raises
    ------
    ImageFailure
        As for `read_general`.
    """
    from mr_extract.images.compressed import TileTable

    table = TileTable(section, unit, cards)
    region = cast(Region, section.region)  # the table has asked where the plane is
    header = _opened(EMPTY_PRIMARY + table.file([]), lambda units: cards_of(units[1].header))
    stored = scaled_far(header)

    def rows(first, last, tiles):
        place = (*section.index(unit.shape), slice(first, last), slice(region.x0, region.x1))
        return _opened(EMPTY_PRIMARY + table.file(tiles),
                       lambda units: np.array(units[1].section[place]), stored)

    bands = ((first - region.y0, rows(first, *more)) for first, *more in table.bands(region))
    return header, converted if stored else pixels_of, bands


def header_of_unit(buffer: bytes | memoryview, number: int) -> str:
    """Return the text of an image's header, of compressed tiles that of the image.

    Parameters
    ----------
    buffer : bytes-like
        The whole file, uncompressed outside.
    number : int
        Of the unit.

    Returns
    -------
    str

    Raises
    ------
    ImageFailure
        As for `read_general`.
    """
    try:
        unit = list_units(reader_of(buffer))[number]
        if not unit.compressed:
            return unit.header
    except (NotPlain, IndexError):
        return _opened(bytes(buffer), lambda units: units[number].header.tostring())
    return _opened(_alone(buffer, unit), lambda units: units[1].header.tostring())


def general_units(buffer: bytes | memoryview) -> list[Unit]:
    """Return the units of a file whose headers are too odd for the plain reader.

    Parameters
    ----------
    buffer : bytes-like

    Returns
    -------
    list of mr_extract.images.units.Unit
        Their places in the file are not known: 0.

    Raises
    ------
    ImageFailure
        As for `read_general`.
    """
    return _opened(bytes(buffer), _listed)


def _listed(units):
    listed = []
    for number, unit in enumerate(units):
        version, odd = version_of(cards_of(unit.header))
        listed.append(Unit(
            number, str(unit.name).strip() or ("" if number else "PRIMARY"),
            tuple(unit.shape) if unit.is_image else (), 0, 0, 0,
            version=version, odd_version=odd,
        ))
    return listed


def _alone(buffer, unit):
    header = scaled_plainly(unit.header).encode("latin-1")
    return b"".join([EMPTY_PRIMARY, header, memoryview(buffer)[unit.data : unit.end]])


def _read(number, buffer, index=None):
    # astropy scales in single precision: what that does not hold is read as it is stored.
    found = _opened(buffer, lambda units: _image(units, number, index))
    return found or _opened(
        buffer, lambda units: _image(units, number, index, stored=True), stored=True)


def _opened(buffer, use, stored=False):
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


def _chosen(units, ext):
    """Return the number of the unit that is meant."""
    holds = [unit.is_image and len(unit.shape) > 0 for unit in units]
    planes = [held and len(unit.shape) > 1 for held, unit in zip(holds, units)]
    if ext is None:
        if not any(holds):
            raise ImageFailure("no-image", f"none of {len(units)} units holds an image")
        number = (planes if any(planes) else holds).index(True)
    else:
        try:
            number = units.index_of(ext)
            units[number]
            if number < 0:
                raise IndexError("counted from the end")
        except (KeyError, IndexError) as error:
            raise ImageFailure(
                "no-extension", f"there is no extension {ext!r} among {len(units)} units"
            ) from error
        if not holds[number]:
            raise ImageFailure("no-image", f"extension {ext!r} holds no image")
        listed = _listed(units)
        say_of_unit(listed, ext, listed[number])
    return number


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
                 siblings=siblings_of(_listed(units)))


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
