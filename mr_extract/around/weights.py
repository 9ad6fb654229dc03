"""The noise of an image's pixels, as its weight map says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mr_extract.images.exponents import times_power

if TYPE_CHECKING:
    from mr_extract.images.image import Image
    from mr_extract.settings.beside import Companions


def pixel_noise(image: Image, settings: Companions) -> tuple[np.ndarray | None, bool]:
    """Return the standard deviation of each pixel.

    Parameters
    ----------
    image : mr_extract.images.Image
        Its `weight` and `weight_kind`.
    settings : mr_extract.settings.beside.Companions
        `weight_thresh`, `rescale_weights`.

    Returns
    -------
    sigma : ndarray of float64, shape (height, width), or None
        nan where a pixel is of no use; None where there is no map.
    absolute : bool
        It is in the units of the image; else a factor is missing, which is told by the scatter of
        pixels: weights and variances are taken as SExtractor takes them, unless
        `rescale_weights` is off.
    """
    if image.weight is None:
        return None, False
    from mr_extract.planes.noise import without_weight

    values = times_power(image.weight.astype(np.float64), image.weight_exponent)
    bad = without_weight(image, settings)
    if bad is not None:
        values[bad] = np.nan
    if image.weight_kind == "rms":
        return values, True
    with np.errstate(divide="ignore"):
        sigma = np.sqrt(values if image.weight_kind == "variance" else 1.0 / values)
    return sigma, not settings.rescale_weights
