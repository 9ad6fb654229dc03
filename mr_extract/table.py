"""`mr_extract.extract`: one image to an astropy table, for a notebook."""

import os
from dataclasses import replace

import numpy as np

from mr_extract.columns import catalog_columns
from mr_extract.config import WEIGHT_KINDS, Config
from mr_extract.failures import ImageFailure
from mr_extract.frame import measure_image, measure_targets
from mr_extract.images import Image
from mr_extract.images.cards import cards_of
from mr_extract.images.companions import add_known, add_mask, set_flags, set_weight
from mr_extract.images.general import pixels_of
from mr_extract.images.read import read_unpacked
from mr_extract.lists.association import known_from
from mr_extract.lists.forced import targets_from
from mr_extract.lists.reading import read_table
from mr_extract.sextractor.convert import as_configured
from mr_extract.unpacking import unpack


def extract(
    source, config=None, ext=None, mask=None, header=None, weight=None, flags=None, detect=None,
    **settings
):
    """Detect and measure the sources of one image.

    Parameters
    ----------
    source : path, HDU or ndarray
        Path of a FITS file (plain, gzip, bzip2 or tile-compressed), an
        `astropy.io.fits` image HDU, or an array of shape (height, width) of
        any real type. None of them is changed. The mask of a masked array or
        of a CCDData counts.
    config : mr_extract.Config, optional
        What to do; by default ``Config()``.
    ext : int or str, optional
        Number or EXTNAME of the unit, for a path; by default the first image.
    mask : ndarray of bool or integers, shape (height, width), optional
        True, or not 0, where a pixel does not count, besides blank and NaN pixels;
        the settings `mask_bits` and `mask_type` say otherwise.
    header : mapping, optional
        Header of an array, for sky positions, gain and saturation level.
    weight : ndarray, shape (height, width), optional
        Weight map: inverse variances, or what the setting `weight_type` says:
        ``map_var`` or ``map_rms``. A pixel with 0 does not count.
    flags : ndarray of integers, shape (height, width), optional
        Flag image, for the columns `imaflags_iso` and `nimaflags_iso`.
    detect : path, HDU, ndarray or mr_extract.images.Image, optional
        Another image of the same pixels, on which the sources are found.
    **settings
        Single settings that override those of `config`, such as ``thresh=3``.

    Returns
    -------
    astropy.table.Table
        A row a source, with units and descriptions; positions in 0-based
        pixels. ``meta`` holds the background, its rms, the configuration
        hash and the version.

    Raises
    ------
    mr_extract.failures.ImageFailure
        When the image cannot be measured; `kind` names the reason.
    OSError
        When a path cannot be opened.
    ValueError
        For a setting or an array that makes no sense.

    Examples
    --------
    >>> import numpy as np
    >>> from mr_extract import extract
    >>> image = np.random.default_rng(1).normal(0, 1, (100, 100))
    >>> image[50:53, 40:43] += 50
    >>> table = extract(image, thresh=5)
    >>> len(table), round(float(table["x"][0])), round(float(table["y"][0]))
    (1, 41, 51)
    """
    from astropy.table import Column as TableColumn
    from astropy.table import Table

    from mr_extract import __version__

    config = (config or Config()).updated(**settings)
    image = _image(source, ext, config.companions)
    if header is not None:
        image.header = header
    _add_companions(image, mask, weight, flags, config.companions)
    sources = _sources(image, config, detect)
    chosen = catalog_columns(config)
    columns = as_configured(sources.columns, config, image.hdu)
    table = Table(
        [
            TableColumn(values, name, unit=chosen[name].unit or None,
                        description=chosen[name].description)
            for name, values in columns.items()
        ],
    )
    table.meta.update(
        background=sources.background, rms=sources.rms, config=config.hash(),
        version=__version__, **sources.facts,
    )
    return table


def _sources(image, config, detect):
    if config.pairing.detect_image:
        raise ValueError("a rule that names files is for manifests: give detect as an image")
    if config.targets.forced:
        if detect is not None:
            raise ValueError("nothing is detected at given positions: leave out detect")
        targets = targets_from(_list(config.targets.forced), config.targets.forced_coord)
        return measure_targets(image, config, targets=targets)
    known = None
    if config.association.assoc:
        known = known_from(_list(config.association.assoc), config.association)
    if isinstance(detect, Image):
        detect = replace(detect, data=detect.data.copy())
    elif detect is not None:
        detect = _image(detect, None, config.companions)
    return measure_image(image, config, detection=detect, known=known)


def _list(path):
    with open(path, "rb") as file:
        return read_table(unpack(file.read()))


def _add_companions(image, mask, weight, flags, settings):
    if (settings.mask_image or settings.weight_image or settings.flag_image
            or settings.calibration_file):
        raise ValueError("rules that name files are for manifests: give mask, weight and flags "
                         "as arrays, zero_point and gain as numbers")
    for name, values in (("mask", mask), ("weight", weight), ("flags", flags)):
        if values is not None and np.shape(values) != image.data.shape:
            raise ValueError(f"{name} of shape {np.shape(values)} for image of "
                             f"{image.data.shape}")
    if mask is not None:
        add_mask(image, np.asarray(mask), settings)
    if weight is not None and settings.weight_type in WEIGHT_KINDS:
        set_weight(image, np.asarray(weight), WEIGHT_KINDS[settings.weight_type])
    if flags is not None:
        set_flags(image, np.asarray(flags))


def _image(source, ext, settings):
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            buffer = unpack(file.read())
        image = read_unpacked(buffer, ext)
        add_known(image, buffer, settings)
        return image
    if settings.calibrated != "none":
        raise ValueError(f"calibrated {settings.calibrated} needs the path of a file")
    if isinstance(source, list):
        raise ImageFailure("unsupported-pixels", "a list of HDUs or arrays: choose one of it")
    if hasattr(source, "header"):
        header = cards_of(source.header)  # before the data, which change it
        values = source.data
        if values is None:
            raise ImageFailure("no-image", "the HDU holds no data")
    else:
        header, values = {}, source
    masked = getattr(source, "mask", None)
    values = np.ma.getdata(values)
    data, mask = pixels_of(values, header)
    if np.shares_memory(data, values):
        data = data.copy()  # the kernels work in place
    if masked is not None and np.any(masked):
        masked = np.broadcast_to(masked, values.shape).reshape(data.shape)
        mask = masked.copy() if mask is None else mask | masked
    return Image(data, header, mask)
