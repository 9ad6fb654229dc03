"""Which unit of a file is meant: by number, by name, or as that which belongs to an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mr_extract.failures import ImageFailure
from mr_extract.images.card_numbers import whole_number
from mr_extract.remarks import say

if TYPE_CHECKING:
    from mr_extract.images.image import Image
    from mr_extract.images.units import Unit


def chosen_unit(units: Sequence[Unit], ext: int | str | None = None) -> Unit:
    """Return the unit that is meant.

    Parameters
    ----------
    units : list of mr_extract.images.units.Unit
    ext : int or str, optional
        Number or EXTNAME, of several equal ones the first, with a remark; by default the
        first image with at least two axes, or else the first with any.

    Raises
    ------
    ImageFailure
        ``no-image``, ``no-extension`` or ``truncated``.
    """
    if ext is None:
        found = [unit for unit in units if unit.is_image]
        unit = next((unit for unit in found if unit.is_plane), None)
        if unit is None and found and not units[-1].cut:
            unit = found[0]
    else:
        unit = _named(units, ext)
    if unit is None and ext is None and not units[-1].cut:
        raise ImageFailure("no-image", f"none of {len(units)} units holds an image")
    if unit is None and not units[-1].cut:
        raise ImageFailure("no-extension",
                           f"there is no extension {ext!r} among {len(units)} units")
    if unit is None or (unit.cut and not unit.is_image):
        raise ImageFailure("truncated", f"the file ends inside unit {units[-1].number}")
    if not unit.is_image:
        raise ImageFailure("no-image", f"extension {ext!r} holds no image")
    say_of_unit(units, ext, unit)
    return unit


def _named(units, ext):
    if isinstance(ext, int) and 0 <= ext < len(units) and units[ext].number == ext:
        return units[ext]
    return next((unit for unit in units if is_meant(unit, ext)), None)


def say_of_unit(units: Sequence[Unit], ext: int | str | None, unit: Unit) -> None:
    """Say where a unit has its name with others, or an EXTVER that counts as none."""
    several = sum(is_meant(one, ext) for one in units) if isinstance(ext, str) else 0
    if several > 1:
        say("first-of-name", f"{several} extensions are called {unit.name}: "
                             f"number {unit.number} was taken")
    _say_odd_version(unit)


def _say_odd_version(unit):
    if unit.odd_version:
        say("unusable-card", f"EXTVER of extension {unit.number} = {unit.odd_version}")


def is_meant(unit: Unit, ext: int | str) -> bool:
    """Say whether a unit is that of a number or name."""
    if isinstance(ext, int):
        return ext == unit.number
    return unit.name != "" and unit.name.upper() == ext.strip().upper()


def siblings_of(units: Sequence[Unit]) -> tuple[tuple[int, str, int | None], ...]:
    """Return number, name in capitals and EXTVER (None without) of each image of a file."""
    return tuple((unit.number, unit.name.upper(), unit.version) for unit in units
                 if unit.is_plane)


def meant_unit(units: Sequence[Unit], image: Image, ext: int | str | None = None) -> int:
    """Return the number of the unit of a companion that belongs to an image.

    Among units of one name EXTVER tells; where it does not, their order does, as that of
    the images of one name in the image's own file.

    Parameters
    ----------
    units : list of mr_extract.images.units.Unit
        Of the companion's file.
    image : mr_extract.images.Image
        Its header, `hdu` and `siblings`.
    ext : int, str or None
        As for `mr_extract.images.companion_values.read_values`.

    Raises
    ------
    ImageFailure
        ``no-extension``.
    """
    if isinstance(ext, int):
        return ext
    name = str((image.header.get("EXTNAME") if ext is None else ext) or "").strip().upper()
    named = [unit for unit in units if unit.is_image and name and unit.name.upper() == name]
    named = [unit for unit in named if unit.is_plane] or named
    images = [unit for unit in units if unit.is_plane]
    if named:
        unit = _of_equal_names(named, image, alone=len(images) < 2 and not units[-1].cut)
        if unit is None:
            raise ImageFailure("no-extension", _unclear(named, image))
        return unit.number
    if ext is not None:
        raise ImageFailure("no-extension",
                           f"there is no extension {ext!r} among {len(units)} units")
    unit = next((unit for unit in images if unit.number == image.hdu), None)
    if unit is None and (len(images) == 1 or (not images and units[-1].cut)):
        unit = (images or units)[-1]
    if unit is None:
        raise ImageFailure(
            "no-extension", f"none of {len(images)} images is that of extension {image.hdu}")
    others = {name for number, name, _ in image.siblings if number != image.hdu}
    if unit.name and unit.number and unit.name.upper() in others:
        raise ImageFailure("no-extension", f"no image has the name of extension {image.hdu}, and "
                                           f"{unit.name} is that of another")
    return unit.number


def _of_equal_names(named, image, alone):
    """Return the unit of one name that belongs to an image, None where that is not clear."""
    own = next((one for one in image.siblings if one[0] == image.hdu),
               (image.hdu, "", whole_number(image.header.get("EXTVER"))))
    peers = [one for one in image.siblings if one[1] == own[1]] or [own]
    if len(named) > 1 or len(peers) > 1:
        for unit in named:
            _say_odd_version(unit)
    # Without EXTVER it is 1, by the standard.
    version = own[2] or 1
    equal = [one for one in peers if (one[2] or 1) == version]
    found = [unit for unit in named if (unit.version or 1) == version]
    if found and len(found) == len(equal):
        return found[equal.index(own)]
    silent = all(one[2] is None for one in peers) or all(unit.version is None for unit in named)
    if silent and len(named) == len(peers):
        return named[peers.index(own)]
    if len(named) == 1 and (len(peers) == 1 or (alone and silent)):
        return named[0]
    return None


def _unclear(named, image):
    versions = [unit.version for unit in named]
    said = "none has an EXTVER" if not any(versions) else "EXTVER " + ", ".join(
        "none" if one is None else str(one) for one in versions[:9])
    return (f"which of {len(named)} extensions {named[0].name} belongs to extension {image.hdu} "
            f"is not clear ({said}); name its number")
