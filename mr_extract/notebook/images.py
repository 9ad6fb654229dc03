"""The image that a notebook gives: a path, a unit or an array made ready."""

import os
from typing import Any

import numpy as np

from mr_extract.images.asinh import is_asinh, make_linear
from mr_extract.images.companion_values import units_of
from mr_extract.images.companions import add_known
from mr_extract.images.cubes import index_beside, plane_index, single_plane
from mr_extract.images.extensions import meant_unit
from mr_extract.images.image import Image
from mr_extract.images.read import read_unpacked
from mr_extract.images.section import Section
from mr_extract.images.units import reader_of
from mr_extract.notebook.astropy_objects import header_of, image_in
from mr_extract.notebook.paths import is_path, opened
from mr_extract.settings.beside import Companions
from mr_extract.settings.config import Config


def image_of(
    source: Any,
    ext: int | str | None,
    config: Config,
    weighted: bool = False,
    of: Image | None = None,
    plane: Any = None,
    same: Image | None = None,
) -> Image:
    """Return the image that a path, a unit or an array is.

    Parameters
    ----------
    source : path or object
        A path may end in ``[extension]``; objects are those of
        `mr_extract.notebook.astropy_objects.image_in`.
    ext : int, str or None
        Extension for a path.
    config : mr_extract.settings.config.Config
    weighted : bool
        Whether a weight map is given.
    of : mr_extract.images.Image, optional
        Without `ext` that extension is meant which belongs to this image, as of a mask.
    plane : int, sequence of int, str or None
        Of a cube.
    same : mr_extract.images.Image, optional
        The plane that is meant is that of this image, as of a mask.

    Returns
    -------
    mr_extract.images.Image

    Raises
    ------
    ImageFailure
        When it is no image.
    OSError
        When a path cannot be opened.
    ValueError
        For two extensions, or a calibration that needs a file.
    """
    if is_path(source):
        content, own, behind = opened(source)
        if behind is not None and plane is not None:
            raise ValueError(f"{os.fspath(source)} names a plane, and plane={plane!r} another")
        named = plane_of(plane if behind is None else behind)
        buffer: bytes | Section = content
        if same is not None and same.plane is not None and named is None:
            buffer = Section(reader_of(content))
            buffer.belong_to(same)
        elif named is not None:
            buffer = Section(reader_of(content), plane=named)
        if own is not None and ext is not None:
            raise ValueError(f"{os.fspath(source)} names an extension, and ext={ext!r} another")
        own = own if ext is None else ext
        if own is None and of is not None:
            own = meant_unit(units_of(buffer), of)
        image = read_unpacked(buffer, own)
        add_known(image, buffer, config.companions)
        return image
    if config.companions.calibrated != "none":
        raise ValueError(f"calibrated {config.companions.calibrated} needs the path of a file")
    if ext is not None:
        raise ValueError(f"ext={ext!r} is for a path: give that HDU")
    named = plane_of(plane)
    image = image_in(source, config.measurement, weighted, _index(named, same))
    image.plane = named
    add_known(image, None, config.companions)
    return image


def plane_of(given: Any) -> tuple[int, ...] | None:
    """Return the numbers of a plane as a tuple, None for none.

    Raises
    ------
    ValueError
        For what is no plane, or several.
    """
    if given is None:
        return None
    if isinstance(given, (int, np.integer)):
        given = (given,)
    text = given if isinstance(given, str) else ",".join(map(str, given))
    found = single_plane(text)
    if found is None:
        raise ValueError(f"plane={given!r}: one plane makes a table; ask for one after the other")
    return found


def beside(values: Any, image: Image) -> Any:
    """Return the plane of an array that belongs to one of an image."""
    if image.plane is None or np.ndim(values) < 3:
        return values
    return values[index_beside(np.shape(values), image.plane, image.cube)]


def _index(plane, same):
    """Return what tells the place of a plane in an array of some shape."""
    if same is not None and same.plane is not None and plane is None:
        return lambda shape: index_beside(shape, same.plane, same.cube)
    return lambda shape: plane_index(shape, plane)


def give_header(image: Image, header: Any, rules: Companions) -> None:
    """Give an image a header in the place of its own, made ready by `header_of`."""
    done = is_asinh(image.header)
    image.header, image.primary = header_of(header), {}
    if not done:
        make_linear(image, rules.asinh)
