"""Any image that astropy can read: compressed, scaled and odd ones."""

from __future__ import annotations

from mr_extract.failures import ImageFailure
from mr_extract.images.extensions import say_of_unit
from mr_extract.images.image import Image
from mr_extract.images.listed import listed
from mr_extract.images.read_compressed import alone
from mr_extract.images.scaling import scaled_plainly
from mr_extract.images.through_astropy import Index, listed_units, opened, read_number
from mr_extract.images.units import NotPlain, Unit


def read_general(
    buffer: bytes | memoryview, ext: int | str | None = None,
    index: Index | None = None,
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

    number, mended = opened(buffer, use)
    return read_number(number, mended, index)


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
        unit = listed(buffer).units[number]
        if not unit.compressed:
            return unit.header
    except (NotPlain, IndexError):
        return opened(bytes(buffer), lambda units: units[number].header.tostring())
    return opened(alone(buffer, unit), lambda units: units[1].header.tostring())


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
    return opened(bytes(buffer), listed_units)


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
        listed = listed_units(units)
        say_of_unit(listed, ext, listed[number])
    return number
