"""The light of a circle less the background of a ring around it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.around.samples import ARCMIN, Samples
from mr_extract.portable.exponential import exponential

if TYPE_CHECKING:
    from mr_extract.around.measuring import Radii

_CLIP = 3.0  # sigma
# A normal deviate that is cut at three sigma scatters by this part of one.
_CUT_SCATTER = 0.986578
_MAD = 1.482602  # sigma, of a median of magnitudes
_FOUR_LN2 = 4.0 * math.log(2.0)
_ROUNDS = 2


@dataclass
class Light:
    """What a circle holds.

    Parameters
    ----------
    pixels, ring : int
        Good pixels of the circle and of the ring.
    background, noise : float
        Of a pixel, in units of the map: mean and scatter of the ring.
    total, error : float
        Sum of the circle's pixels less the background, in units of the map.
    flux, flux_error : float
        Jy.
    scale : float
        By which `sigma` of the pixels is multiplied to be in units of the map.
    """

    pixels: int = 0
    ring: int = 0
    background: float = np.nan
    noise: float = np.nan
    total: float = np.nan
    error: float = np.nan
    flux: float = np.nan
    flux_error: float = np.nan
    scale: float = 1.0

    def columns(self) -> dict[str, float | int]:
        """Return it by the names of columns."""
        return {"pixels_aper": self.pixels, "background": self.background,
                "background_rms": self.noise, "sum_aper": self.total, "sumerr_aper": self.error,
                "flux_aper": self.flux, "fluxerr_aper": self.flux_error}


def aperture(samples: Samples, radii: Radii, brightness: float, least: int) -> Light:
    """Measure a circle: a pixel is in it whose centre is.

    Parameters
    ----------
    samples : mr_extract.around.samples.Samples
    radii : mr_extract.around.measuring.Radii
        ``aperture``, ``inner``, ``outer`` and ``beam``.
    brightness : float
        Jy/sr of one unit of the map.
    least : int
        Good pixels that the ring must have.

    Notes
    -----
    The ring's mean is of the pixels within three sigma of its median. The error is that of
    independent pixels of the ring's scatter: with n pixels in the circle and m in the ring,
    s^2 n (1 + n / m). Where pixels have a sigma of their own the mean is weighted and the clipped
    deviations are in sigmas; the error is the root of the sum of squares of the circle's sigmas
    and of n times that of the mean. Unless they are absolute, the sigmas are multiplied first by
    what gives the ring's pixels chi squared 1.

    With a beam the flux is that of a point source: the sum is divided by what the very same
    pixels would hold of a Gaussian of height 1, and what the source has in the ring is taken off
    there, in a second round. So neither the light beyond the circle, nor that in the ring, nor
    the grid of pixels matters. The solid angle of a Gaussian beam is pi FWHM^2 / (4 ln 2).
    """
    good = np.isfinite(samples.values)
    circle = np.flatnonzero((samples.distance <= radii.aperture) & good)
    ring = np.flatnonzero((samples.distance > radii.inner) & (samples.distance <= radii.outer)
                          & good)
    light = Light(len(circle), len(ring))
    if len(ring) < least:
        return light
    inside, around = samples.some(circle), samples.some(ring)
    if not radii.beam:
        _sum_up(light, inside, around, around.values)
        factor = brightness * samples.area
    else:
        beam = exponential(-_FOUR_LN2 * (samples.distance / radii.beam) ** 2)
        held = beam[circle].sum()
        _sum_up(light, inside, around, around.values)
        for _ in range(_ROUNDS if len(circle) else 0):
            _sum_up(light, inside, around, around.values - light.total / held * beam[ring])
        # What a pixel has of a source of 1 Jy is its share in the beam's solid angle.
        factor = brightness * np.pi * (radii.beam * ARCMIN) ** 2 / _FOUR_LN2 / held
    light.flux, light.flux_error = light.total * factor, light.error * factor
    return light


def _sum_up(light, inside, around, values):
    """Set background, noise, sum and error from circle and ring, of which these are the values."""
    n, sigma = len(inside.values), around.sigma
    apart = values - np.median(values)
    if sigma is not None:
        apart /= sigma
    kept = np.abs(apart) <= _CLIP * _MAD * np.median(np.abs(apart))
    values, m = values[kept], int(kept.sum())
    if sigma is None:
        light.background = float(values.mean())
    else:
        weights = sigma[kept] ** -2
        light.background = float((weights * values).sum() / weights.sum())
    light.noise = float(values.std(ddof=1)) / _CUT_SCATTER if m > 1 else np.nan
    if sigma is None:
        variance = light.noise**2 * n * (1.0 + n / m)
    else:
        if not around.absolute:
            square = (weights * (values - light.background) ** 2).sum() / max(m - 1, 1)
            light.scale = float(np.sqrt(square)) / _CUT_SCATTER
        variance = light.scale**2 * ((inside.sigma**2).sum() + n**2 / weights.sum())
    if n:
        light.total = float((inside.values - light.background).sum())
        light.error = float(np.sqrt(variance))
