"""What a notebook gives to `mr_extract.extract`: paths, units, arrays and tables made ready."""

import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from mr_extract.images.asinh import is_asinh, make_linear
from mr_extract.images.cards import cards_of
from mr_extract.images.companion_values import linear_map, read_map, read_values, units_of
from mr_extract.images.companions import add_known, add_mask, read_mask, set_flags, set_weight
from mr_extract.images.cubes import index_beside, plane_index, single_plane
from mr_extract.images.extensions import meant_unit
from mr_extract.images.image import Image
from mr_extract.images.read import read_unpacked
from mr_extract.images.region import looks_like_region
from mr_extract.images.section import Section
from mr_extract.images.units import reader_of
from mr_extract.lists.columns import Table
from mr_extract.lists.reading import read_table
from mr_extract.notebook.astropy_objects import header_of, image_in, values_of
from mr_extract.remarks import about, say
from mr_extract.settings.beside import WEIGHT_KINDS, Companions
from mr_extract.settings.config import Config
from mr_extract.settings.options import settled, with_files
from mr_extract.sextractor.hints import keyword_hint
from mr_extract.unpacking import unpack

_PLANE = re.compile(r"(.+)\[plane=([^\[\]]+)\]")
_EXTENSION = re.compile(r"(.+)\[([^\[\]]+)\]")
_LISTS = ("forced", "assoc")
_RULES = {"mask": "mask_image", "weight": "weight_image", "flags": "flag_image"}


def configured(
    config: Config | str | os.PathLike | None, given: Mapping[str, Any], **companions: Any
) -> Config:
    """Return the configuration that a call means.

    Parameters
    ----------
    config : mr_extract.Config, path or None
        A path is that of a ``.sex`` file; names are ours all the same.
    given : dict of str to object
        Settings that stand above it; columns may be ``.param`` files.
    **companions
        What is given of them stands above the rule that a ``.sex`` file has for it.

    Returns
    -------
    mr_extract.settings.config.Config

    Raises
    ------
    ValueError
        For what makes no sense; a keyword of SExtractor is told by its name here.
    """
    names = {one.name for _, one in Config.declared()}
    for name in given:
        if name not in names:
            raise ValueError(keyword_hint(name) or f"there is no setting {name!r}")
    given = dict(given)
    if isinstance(given.get("columns"), (str, os.PathLike)):
        given["columns"] = [part.strip() for part in os.fspath(given["columns"]).split(",")]
    if not isinstance(config, (str, os.PathLike)):
        config = config or Config()
        if "columns" in given:
            ours = given.get("names", config.output.names) == "ours"
            given["columns"] = with_files(given["columns"], ours)
        return config.updated(**given)
    for name, rule in _RULES.items():
        if companions.get(name) is not None:
            given.setdefault(rule, "")
    return settled(given, os.fspath(config))


def tables_of(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Table]]:
    """Take the tables out of settings that name lists.

    Returns
    -------
    given : dict of str to object
        With text for every list.
    tables : dict of str to mr_extract.lists.reading.Table

    Raises
    ------
    ValueError
        For a list that is neither path nor table, or a table that is no list.
    """
    given, tables = dict(given), {}
    for name in _LISTS:
        value = given.get(name, "")
        if isinstance(value, os.PathLike):
            given[name] = os.fspath(value)
        elif hasattr(value, "colnames"):
            from mr_extract.lists.astropy_tables import table_of

            tables[name], given[name] = table_of(value), "a table"
        elif not isinstance(value, str):
            raise ValueError(f"{name} takes a path, or an astropy table with columns ra and dec "
                             "(angles) or a SkyCoord, x and y (from 0), or X_IMAGE and Y_IMAGE "
                             f"(from 1), not an object of type {type(value).__name__}")
    return given, tables


def list_of(path: str) -> Table:
    """Return a list from its file."""
    with open(path, "rb") as file:
        return read_table(unpack(file.read()))


def add_companions(image: Image, mask: Any, weight: Any, flags: Any, rules: Companions) -> None:
    """Give an image what was given with it: arrays, or paths with perhaps an ``[extension]``.

    Parameters
    ----------
    image : mr_extract.images.Image
    mask, weight, flags : array, HDU, NDData, path or None
        As for `mr_extract.notebook.astropy_objects.values_of`; masked pixels are bad, have
        no weight and no flags.
    rules : mr_extract.settings.beside.Companions

    Raises
    ------
    ValueError
        For an array of another shape, and where rules are left that name files.
    ImageFailure
        For a file that is no companion of the image.
    """
    if rules.mask_image or rules.weight_image or rules.flag_image or rules.calibration_file:
        raise ValueError("rules that name files are for manifests: give mask, weight and flags "
                         "as arrays or paths, zero_point and gain as numbers")
    kind = WEIGHT_KINDS.get(rules.weight_type)
    missing = {}

    def plane(values):
        return None if values is None else beside(values, image)
    if _is_path(mask):
        with about("mask"):
            buffer, ext = _companion(mask, image)
            read_mask(image, buffer, ext, rules)
        mask = None
    elif mask is not None:
        mask, missing["mask"] = map(plane, values_of(mask)[:2])
    if _is_path(weight):
        with about("weight"):
            buffer, ext = _companion(weight, image)
            weight, missing["weight"] = read_map(buffer, image, ext, rules)
    elif weight is not None:
        cards = cards_of(getattr(weight, "header", {}))
        weight, missing["weight"], own = values_of(weight)
        weight, missing["weight"] = plane(weight), plane(missing["weight"])
        with about("weight"):
            weight, missing["weight"] = linear_map(weight, missing["weight"], cards, rules)
        kind = kind and (own or kind)
    if _is_path(flags):
        with about("flags"):
            buffer, ext = _companion(flags, image)
            flags = read_values(buffer, image, ext)[0]
    elif flags is not None:
        flags, missing["flags"] = map(plane, values_of(flags)[:2])
    for name, values in (("mask", mask), ("weight", weight), ("flags", flags)):
        if values is not None and np.shape(values) != image.data.shape:
            raise ValueError(f"{name} of shape {np.shape(values)} for image of "
                             f"{image.data.shape}")
    if mask is not None:
        add_mask(image, mask, rules)
        if missing["mask"] is not None:
            image.mask = missing["mask"] if image.mask is None else image.mask | missing["mask"]
    if weight is not None and kind:
        set_weight(image, weight, kind, missing["weight"])
    elif weight is not None:
        say("not-used", "weight: the setting weight_type is none")
    if flags is not None:
        set_flags(image, flags)
        gone = missing.get("flags")
        if gone is not None and image.flags is not None:
            image.flags[gone] = 0
            say("not-used", f"flags: those of {gone.sum()} masked pixels count as 0")


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
    if _is_path(source):
        buffer, own, named = _opened(source)
        if named is not None and plane is not None:
            raise ValueError(f"{os.fspath(source)} names a plane, and plane={plane!r} another")
        named = plane_of(plane if named is None else named)
        if same is not None and same.plane is not None and named is None:
            buffer = Section(reader_of(buffer))
            buffer.belong_to(same)
        elif named is not None:
            buffer = Section(reader_of(buffer), plane=named)
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


def _companion(path, image):
    """Return the file of a companion, or the plane of it that is the image's, and extension."""
    buffer, ext, plane = _opened(path)
    if plane is not None:
        raise ValueError(f"{os.fspath(path)} names a plane: a companion has that of the image")
    return (buffer if image.plane is None else Section(reader_of(buffer))), ext


def give_header(image: Image, header: Any, rules: Companions) -> None:
    """Give an image a header in the place of its own, made ready by `header_of`."""
    done = is_asinh(image.header)
    image.header, image.primary = header_of(header), {}
    if not done:
        make_linear(image, rules.asinh)


def names_extension(source: Any, ext: int | str | None) -> bool:
    """Say whether an extension of a path is asked for."""
    return _is_path(source) and (ext is not None or _split(_split_plane(source)[0])[1] is not None)


def _is_path(value):
    return isinstance(value, (str, os.PathLike))


def _split(path):
    """Return a path, and the extension that stands behind it, or None; a file wins."""
    path = os.fspath(path)
    match = _EXTENSION.fullmatch(path) if isinstance(path, str) else None
    return match.groups() if match and not os.path.exists(path) else (path, None)


def _split_plane(path):
    """Return a path, and the plane that stands behind it, or None; a file wins."""
    path = os.fspath(path)
    match = _PLANE.fullmatch(path) if isinstance(path, str) else None
    return match.groups() if match and not os.path.exists(path) else (path, None)


def _opened(path):
    """Return a file, unpacked, and the extension and plane that its path names, or None."""
    path, plane = _split_plane(path)
    path, ext = _split(path)
    if ext is not None:
        ext = ext.strip()
        if looks_like_region(ext):
            raise ValueError(f"[{ext}] is a region, which a manifest may name: here, give a slice "
                             "of the array")
        ext = int(ext) if ext.isdecimal() and len(ext) < 10 else ext
    with open(path, "rb") as file:
        return unpack(file.read()), ext, plane
