"""`mr_extract.extract`: one image to an astropy table, for a notebook."""

import os

import numpy as np

from mr_extract.columns import choose
from mr_extract.config import Config
from mr_extract.failures import ImageFailure
from mr_extract.frame import measure_image
from mr_extract.images import Image, read_image
from mr_extract.images.cards import cards_of
from mr_extract.images.general import pixels_of


def extract(source, config=None, ext=None, mask=None, header=None, **settings):
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
    mask : ndarray of bool, shape (height, width), optional
        True where a pixel does not count, besides blank and NaN pixels.
    header : mapping, optional
        Header of an array, for sky positions, gain and saturation level.
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
        For a setting or mask that makes no sense.

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
    image = _image(source, ext)
    if header is not None:
        image.header = header
    if mask is not None:
        mask = np.asarray(mask, bool)
        if mask.shape != image.data.shape:
            raise ValueError(f"mask of shape {mask.shape} for image of {image.data.shape}")
        image.mask = mask if image.mask is None else mask | image.mask
    sources = measure_image(image, config)
    chosen = choose(config.output.columns, config.measurement)
    table = Table(
        [
            TableColumn(values, name, unit=chosen[name].unit or None,
                        description=chosen[name].description)
            for name, values in sources.columns.items()
        ],
    )
    table.meta.update(
        background=sources.background, rms=sources.rms, config=config.hash(), version=__version__
    )
    return table


def _image(source, ext):
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            return read_image(file.read(), ext)
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
