"""Petrosian radii and the fluxes within multiples of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mr_extract.columns.choice import CROWDED, SEARCH_CUT
from mr_extract.measure.apertures import (
    aperture,
    coefficients,
    in_ellipse,
    search_ellipse,
    surrounded,
)
from mr_extract.measure.rings import profiles

if TYPE_CHECKING:
    from mr_extract.measure.surroundings import Surroundings
    from mr_extract.settings.measuring import Measurement

RATIO = 0.2  # of the brightness in the annulus to that within it
# SExtractor steps through annuli from k to 1.2 k twentieths of the search ellipse
# and compares with what lies within 1.1 k of them: all limits are multiples of:
_BIN = 0.1 / 20.0
_BINS = 200
_STEPS = np.arange(1, 17)  # those whose annulus lies within the search ellipse


def petrosian(
    around: Surroundings, search: Surroundings, objects: np.ndarray, settings: Measurement
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Sum the image in Petrosian ellipses.

    The Petrosian radius is the first at which the mean brightness in an annulus
    of 1/1.1 to 1.2/1.1 of it is less than a fifth of that within it, in units of
    a and b. Neighbours' and bad pixels are left out of the search, unless
    neighbours are taken as they are. The aperture is
    ``max(petro_factor * radius, petro_min_radius)`` times a and b; where its mean
    radius is less than half of ``kron_min_diameter`` a circle of that diameter.

    Parameters
    ----------
    around : mr_extract.measure.surroundings.Surroundings
        Image in which the flux is summed.
    search : mr_extract.measure.surroundings.Surroundings
        Image in which the radius is searched: that of the detection.
    objects : structured ndarray, shape (n,)
        From `mr_extract.detection.extraction.detect`.
    settings : mr_extract.settings.measuring.Measurement

    Returns
    -------
    columns : dict of str to ndarray of float64, shape (n,)
        `petro_radius` (0 where the circle was used, or the flux is not
        positive), `flux_petro`, `fluxerr_petro`.
    flag : ndarray of int64, shape (n,)
        sep's aperture flags, and what `surrounded` says of the search ellipse.
    failed : ndarray of bool, shape (n,)
    """
    ellipse, limit = search_ellipse(objects, settings.kron_search_diameter)
    radius = settings.petro_factor * _radius(search, ellipse, limit)
    radius = np.fmax(radius, settings.petro_min_radius)
    beside = surrounded(around, ellipse, limit) & SEARCH_CUT
    beside |= surrounded(
        around, *aperture(objects, radius, settings.kron_min_diameter)[:2]) & CROWDED
    flux, error, radius, flag, failed = in_ellipse(
        around, objects, radius, settings.kron_min_diameter
    )
    columns = {
        "petro_radius": np.where(failed, np.nan, np.where(flux > 0, radius, 0.0)),
        "flux_petro": np.where(failed, np.nan, flux),
        "fluxerr_petro": np.where(failed, np.nan, error),
    }
    return columns, flag | beside, failed


def _radius(search, ellipse, limit):
    """Petrosian radii in units of the ellipse; nan where there is no light."""
    total, count = profiles(search, coefficients(*ellipse), limit, _BINS)
    np.cumsum(total, 1, out=total)
    np.cumsum(count, 1, out=count)
    # Columns of the sums up to 10, 11 and 12 bins a step.
    low, middle, high = (slice(k - 1, k * len(_STEPS), k) for k in (10, 11, 12))
    with np.errstate(divide="ignore", invalid="ignore"):
        annulus = (total[:, high] - total[:, low]) / (count[:, high] - count[:, low])
        within = total[:, middle] / count[:, middle]
    faint = annulus < RATIO * within  # not where either has no pixels
    step = np.where(faint.any(1), faint.argmax(1), len(_STEPS) - 1)
    row = np.arange(len(step))
    found = (annulus[row, step] != 0) & (within[row, step] != 0)
    found &= np.isfinite(annulus[row, step]) & np.isfinite(within[row, step])
    return np.where(found, limit * 11 * _STEPS[step] * _BIN, np.nan)
