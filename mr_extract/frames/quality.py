"""How good an image is: its noise, its seeing, what of it is of use, and where it is."""

from typing import Any

import numpy as np

from mr_extract.astrometry import sky_positions
from mr_extract.columns.choice import CROWDED, FAILED, SATURATED, TRUNCATED
from mr_extract.frames.measuring import measure_image
from mr_extract.images.image import Image
from mr_extract.measure.sizes import LEAST_SNR
from mr_extract.measure.sky_shapes import local_scale, pixel_area
from mr_extract.settings.config import Config, Output

_MEASURED = ("fwhm_iso", "ellipticity", "flux_auto", "fluxerr_auto", "size_excess", "flag")
_DEBLENDED = 0x0001
_POINTLIKE = 3.0  # sigma about the sizes of the image's point sources


def quality(image: Image, settings: Any, zero_point: float | None = None) -> dict[str, float]:
    """Say how good an image is.

    Parameters
    ----------
    image : mr_extract.images.Image
        Its data are overwritten.
    settings : object
        With the sections `background`, `detection`, `measurement` and `companions` of
        `mr_extract.settings.config.Config`.
    zero_point : float, optional
        Magnitude of one image unit, in place of the header's and the settings'.

    Returns
    -------
    dict of str to (int or float)
        In image units, pixels, degrees and magnitudes:

        ``width``, ``height``, ``background``, ``rms``;
        ``sources``, the detections, and ``stars``, the point sources among them that the
        seeing is of: S/N over 20, no flag of neighbours, border or saturation, and of the
        size that most such sources have (`mr_extract.measure.sizes.size_excess`);
        ``seeing``, the median of their FWHM as of `fwhm_iso`, in pixels, and
        ``seeing_sky`` in arcseconds; ``star_ellipticity``, the median;
        ``bad``, the fraction of pixels that are masked, blank or without weight;
        ``saturation``, the level, and ``saturated``, the fraction of pixels that reach it;
        ``zero_point`` and ``gain`` as they are used;
        ``ra``, ``dec`` of the middle, ``pixel_scale`` in arcseconds there, and ``ra_1`` to
        ``dec_4``, the outer corners of the image in the order of (x, y): lower left, lower
        right, upper right, upper left.

        What cannot be had is nan, such as the seeing of fewer than ten point sources.

    Raises
    ------
    ImageFailure
        As `mr_extract.frames.measuring.measure_image`.
    """
    config = Config(settings.background, settings.detection, settings.measurement,
                    settings.companions, output=Output(columns=_MEASURED))
    header = image.header
    sources = measure_image(image, config, zero_point)
    columns, used = sources.columns, sources.used
    stars = _stars(columns)
    height, width = sources.shape
    place = _footprint(header, width, height)
    seeing = _median(columns["fwhm_iso"][stars])
    return {
        "width": width, "height": height,
        "background": sources.background, "rms": sources.rms,
        "sources": len(sources), "stars": int(np.count_nonzero(stars)),
        "seeing": seeing, "seeing_sky": seeing * place["pixel_scale"],
        "star_ellipticity": _median(columns["ellipticity"][stars]),
        "bad": 1.0 - sources.valid / (width * height),
        "saturation": used["saturation"], "saturated": used["saturated"] / (width * height),
        "zero_point": used["zero_point"], "gain": used["gain"], **place,
    }


def _stars(columns):
    with np.errstate(divide="ignore", invalid="ignore"):
        bright = columns["flux_auto"] > LEAST_SNR * columns["fluxerr_auto"]
    hindered = _DEBLENDED | TRUNCATED | SATURATED | FAILED | CROWDED
    return bright & (np.abs(columns["size_excess"]) < _POINTLIKE) & (
        (columns["flag"] & hindered) == 0) & np.isfinite(columns["fwhm_iso"])


def _median(values):
    return float(np.median(values)) if len(values) else np.nan


def _footprint(header, width, height):
    """Return where the image is on the sky; nan without coordinates."""
    left, right, bottom, top = -0.5, width - 0.5, -0.5, height - 0.5
    x = np.array([(left + right) / 2, left, right, right, left])
    y = np.array([(bottom + top) / 2, bottom, bottom, top, top])
    sky = sky_positions(header, x, y) or (np.full(5, np.nan),) * 2
    scale = local_scale(lambda u, v: sky_positions(header, u, v, "native"), x[:1], y[:1])
    found = {"ra": sky[0][0], "dec": sky[1][0],
             "pixel_scale": 3600.0 * float(np.sqrt(pixel_area(scale)[0])) if scale else np.nan}
    for k in range(1, 5):
        found |= {f"ra_{k}": sky[0][k], f"dec_{k}": sky[1][k]}
    return found
