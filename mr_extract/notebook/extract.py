"""`mr_extract.extract`: one image to an astropy table, for a notebook."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mr_extract.frames.given_places import measure_targets
from mr_extract.frames.measuring import measure_image
from mr_extract.images import Image
from mr_extract.lists.association import known_from
from mr_extract.lists.targets import targets_from
from mr_extract.notebook.calls import configured, list_of, tables_of
from mr_extract.notebook.companions import add_companions
from mr_extract.notebook.images import give_header, image_of
from mr_extract.notebook.paths import names_extension
from mr_extract.remarks import about, as_cell, hearing
from mr_extract.settings.config import Config
from mr_extract.sextractor.configured import catalog_columns, columns_of
from mr_extract.sextractor.convert import as_configured
from mr_extract.standard_output import to_standard_error

if TYPE_CHECKING:
    from astropy.table import Table


def extract(
    source: Any,
    config: Config | str | os.PathLike | None = None,
    ext: int | str | None = None,
    mask: Any = None,
    header: Any = None,
    weight: Any = None,
    flags: Any = None,
    detect: Any = None,
    plane: Any = None,
    psf: Any = None,
    **settings: Any,
) -> Table:
    """Detect and measure the sources of one image.

    Parameters
    ----------
    source : path, HDU, NDData or ndarray
        Path of a FITS file (plain, gzip, bzip2 or tile-compressed), perhaps with an
        extension as in ``"mef.fits[3]"`` or a plane as in ``"cube.fits[plane=3]"``, an
        `astropy.io.fits` image HDU, or an array of shape (height, width) of
        any real type. None of them is changed. The mask of a masked array
        counts; of a CCDData mask, header, WCS and flags do. Pixels in electrons
        have the gain 1, or that of the settings, whatever a header says.
    config : mr_extract.Config or path, optional
        What to do; by default ``Config()``. A path is that of a configuration of
        SExtractor; names are ours unless ``names="sextractor"`` is given.
    ext : int or str, optional
        Number or EXTNAME of the unit, for a path; by default the first image.
    mask : array of bool or integers, shape (height, width), HDU, CCDData or path, optional
        True, or not 0, where a pixel does not count, besides blank and NaN pixels;
        the settings `mask_bits` and `mask_type` say otherwise. What is masked in it
        does not count either.
    header : mapping, astropy Header or WCS, optional
        For sky positions, gain and saturation level, in place of what `source` has.
    weight : array, shape (height, width), HDU, CCDData or path, optional
        Weight map: inverse variances, or what the setting `weight_type` says:
        ``map_var`` or ``map_rms``. A pixel that is masked or 0 does not count. The
        uncertainty of a CCDData is absolute, as ``map_rms``: ``weight=image.uncertainty``.
    flags : array of integers, shape (height, width), HDU, CCDData or path, optional
        Flag image, for the columns `imaflags_iso` and `nimaflags_iso`.
    psf : path, optional
        A ``.psf`` file of PSFEx, for the columns of the group psf.
    detect : path, HDU, NDData, ndarray or mr_extract.images.Image, optional
        Another image of the same pixels, on which the sources are found.
    plane : int, sequence of int or str, optional
        Of a cube the plane that is measured, from 1: a number for each axis of FITS from the
        third on, ``3`` or ``(3, 1)`` or ``"3,1"``. Of a file no more than that plane is kept. What
        is given beside the image serves every plane if it has one, and gives the same plane
        if it has as many.
    **settings
        Single settings that override those of `config`, such as ``thresh=3``. `columns`
        may be a ``.param`` file, `forced` and `assoc` astropy tables, whose units, masks
        and SkyCoord columns count.

    Returns
    -------
    astropy.table.Table
        A row a source, with units and descriptions; positions in 0-based
        pixels. ``meta`` holds the background, its rms, the configuration
        hash, the version, and as ``remarks`` what else must be said of the image
        (`mr_extract.remarks`).

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

    settings, tables = tables_of(settings)
    config = configured(config, settings, mask=mask, weight=weight, flags=flags,
                        psf=psf)
    with to_standard_error(), hearing() as said:
        image = image_of(source, ext, config, weighted=weight is not None, plane=plane)
        if header is not None:
            give_header(image, header, config.companions)
        add_companions(image, mask, weight, flags, psf, config.companions)
        beside = image if names_extension(source, ext) else None
        sources = _sources(image, config, detect, tables, beside)
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
    if said:
        table.meta["remarks"] = as_cell(said)
    return table


def _sources(image, config, detect, tables, beside):
    if config.pairing.detect_image:
        raise ValueError("a rule that names files is for manifests: give detect as an image")
    if config.targets.forced:
        if detect is not None:
            raise ValueError("nothing is detected at given positions: leave out detect")
        with about("targets"):
            table = tables["forced"] if "forced" in tables else list_of(config.targets.forced)
            targets = targets_from(table, config.targets.forced_coord,
                                   config.lists.list_epoch)
        return measure_targets(image, config, targets=targets, columns=columns_of(config))
    known = None
    if config.association.assoc:
        with about("list"):
            table = tables["assoc"] if "assoc" in tables else list_of(config.association.assoc)
            known = known_from(table, config.association, config.lists.list_epoch)
    if isinstance(detect, Image):
        detect = replace(detect, data=detect.data.copy())
    elif detect is not None:
        with about("detection image"):
            detect = image_of(detect, None, config, weighted=True, of=beside, same=image)
    return measure_image(image, config, detection=detect, known=known,
                         columns=columns_of(config))
