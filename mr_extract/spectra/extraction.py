"""The light of a spectrum in each column: in an aperture, and weighted by its profile.

Horne (1986, PASP 98, 609): pixels count by the share of the light that they have, over their
variance, and those that do not fit (cosmic rays) do not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.spectra.medians import running_median
from mr_extract.spectra.profile import Profile

#: Bits of a column's quality.
RAY, BAD, LOST, SATURATED = 1, 2, 4, 8
QUALITY = {
    RAY: "a pixel in the aperture does not fit to the profile and was left out: a cosmic ray",
    BAD: "a pixel in the aperture is bad or beyond the image",
    LOST: "pixels with less than half of the light are left: the flux is nan",
    SATURATED: "a pixel in the aperture is saturated",
}
_ROUNDS, _PASSES, _NEAR = 3, 12, 15
_MISFIT = 0.1  # of a pixel's light, to which the profile is trusted
_LEAST_LIGHT = 0.5


@dataclass(frozen=True)
class Extracted:
    """A spectrum in the units of the image, a value a column.

    Parameters
    ----------
    flux, error : ndarray of float64, shape (n,)
        Weighted by the profile, as the sum over the aperture; nan where `quality` has `LOST`.
    aperture_flux, aperture_error : ndarray of float64, shape (n,)
        Summed over the aperture; pixels that do not count are replaced by the profile.
    quality : ndarray of int32, shape (n,)
        Bits of `QUALITY`.
    profile : ndarray of float64, shape (rows, n)
    rays : int
        Pixels that were left out.
    """

    flux: np.ndarray
    error: np.ndarray
    aperture_flux: np.ndarray
    aperture_error: np.ndarray
    quality: np.ndarray
    profile: np.ndarray
    rays: int


def share_within(offsets: np.ndarray, half: float) -> np.ndarray:
    """Return the part of each pixel that lies no farther than `half` from the trace."""
    return np.clip(half + 0.5 - np.abs(offsets), 0.0, 1.0)


def extracted(
    light: np.ndarray, good: np.ndarray, ground: np.ndarray, gain: float, offsets: np.ndarray,
    half: float, fwhm: float, clip: float, sky_error: np.ndarray, whole_variance: bool = False,
) -> Extracted:
    """Extract a spectrum.

    Parameters
    ----------
    light : ndarray of float64, shape (rows, n)
        Pixels less the sky.
    good : ndarray of bool, shape (rows, n)
    ground : ndarray of float64, shape (rows, n)
        Variance of the pixels without the light of the object, or with it.
    gain : float
        Electrons per image unit, 0 where it is not known: then the object has no photon noise.
    offsets : ndarray of float64, shape (rows, n)
        Rows of the pixels less that of the trace.
    half : float
        Half the aperture in pixels.
    fwhm : float
        Of the light across the trace in pixels.
    clip : float
        Pixels that are so many times their noise from the profile do not count; 0 keeps all.
    sky_error : ndarray of float64, shape (n,)
        Of the level of the sky.
    whole_variance : bool
        `ground` holds the photon noise of the object.

    Returns
    -------
    Extracted

    Raises
    ------
    ImageFailure
        ``no-trace`` where no profile can be had.
    """
    share = share_within(offsets, half)
    inside = share > 0
    usable = good & inside & (ground > 0) & np.isfinite(light)
    light, ground = np.where(usable, light, 0.0), np.where(usable, ground, 1.0)
    with_photons = gain > 0 and not whole_variance

    def variance_of(flux, profile):
        model = np.maximum(np.where(np.isfinite(flux), flux, 0.0) * profile, 0.0)
        return ground + model / gain if with_photons else ground

    shape = Profile(offsets, share, half, fwhm)
    flux, used = (light * share).sum(axis=0), usable.copy()
    # A column with a cosmic ray seems bright, and counts no more than its neighbours.
    profile = shape.fitted(light, ground, flux, used, running_median(flux, _NEAR))
    for _ in range(_ROUNDS):
        if profile is None:
            raise ImageFailure("no-trace", "there is no light of which a profile could be made")
        used = usable.copy()
        for _ in range(_PASSES):
            variance = variance_of(flux, profile)
            flux = _weighted(light, variance, profile, used)[0]
            if not _without_worst(light, variance, flux, profile, used, clip):
                break
        profile = shape.fitted(light, variance_of(flux, profile), flux, used)
    if profile is None:
        raise ImageFailure("no-trace", "there is no light of which a profile could be made")
    variance = variance_of(_weighted(light, variance, profile, used)[0], profile)
    flux, square, tilt = _weighted(light, variance, profile, used)
    lost = ~((np.where(used, profile, 0.0) * share).sum(axis=0) >= _LEAST_LIGHT)
    filled = np.where(used, light, np.where(np.isfinite(flux), flux, 0.0) * profile)
    sky = np.where(np.isfinite(sky_error), sky_error, 0.0) ** 2
    quality = (RAY * (usable & ~used).any(axis=0) + BAD * (inside & ~usable).any(axis=0)
               + LOST * lost).astype(np.int32)
    error = np.sqrt(square + tilt**2 * sky)
    total = (filled * share).sum(axis=0)
    total_error = np.sqrt((share**2 * variance).sum(axis=0) + share.sum(axis=0) ** 2 * sky)
    for one in (flux, error, total, total_error):
        one[lost | ~np.isfinite(sky_error)] = np.nan
    return Extracted(flux, error, total, total_error, quality, profile,
                     int((usable & ~used).sum()))


def _weighted(light, variance, profile, used):
    """Return flux, variance and what a unit of the sky changes of it, in each column."""
    weights = np.where(used, profile / variance, 0.0)
    with np.errstate(all="ignore"):
        square = 1.0 / (weights * profile).sum(axis=0)
        return (weights * light).sum(axis=0) * square, square, weights.sum(axis=0) * square


def _without_worst(light, variance, flux, profile, used, clip):
    """Take the worst pixel of each column that does not fit out of `used`; say if there are any."""
    if not clip > 0:
        return False
    model = np.where(np.isfinite(flux), flux, 0.0) * profile
    away = np.where(used, (light - model) ** 2 / (variance + (_MISFIT * model) ** 2), 0.0)
    rows, columns = np.argmax(away, axis=0), np.arange(light.shape[1])
    out = away[rows, columns] > clip**2
    used[rows[out], columns[out]] = False
    return bool(out.any())
