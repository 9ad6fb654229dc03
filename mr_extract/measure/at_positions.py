"""Light at given positions: in circles, in ellipses and of Gaussian stars.

Each comes with what a sky of 1 a pixel adds to it, which is the same sum over an image
of ones: what of an aperture counts depends on the border, on bad pixels and on how the
pixels are divided, and is pi r^2 for none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import sep

from mr_extract.columns.choice import (
    APERTURE_BAD,
    APERTURE_CUT,
    APERTURE_ONLY_BAD,
    FAILED,
    SATURATED,
)
from mr_extract.measure.apertures import circular, coefficients, in_ellipse
from mr_extract.measure.ellipses import extents
from mr_extract.measure.stamps import gaussian_fluxes, gaussian_reach

if TYPE_CHECKING:
    from mr_extract.measure.surroundings import Surroundings
    from mr_extract.planes.plane import Plane


@dataclass
class Light:
    """What one kind of aperture holds at n positions.

    Parameters
    ----------
    flux : ndarray of float64, shape (n,)
        In image units, with the sky that is in it.
    variance : ndarray of float64, shape (n,)
        Of the noise of the background.
    photons : float or ndarray of float64, shape (n,)
        What a flux of 1 adds to the variance.
    area : ndarray of float64, shape (n,), or None
        What a sky of 1 adds to the flux; None where it was not asked for.
    flag : ndarray of int64, shape (n,)
        Border, bad and saturated pixels, and whether there is no flux to be had.
    """

    flux: np.ndarray
    variance: np.ndarray
    photons: float | np.ndarray
    area: np.ndarray | None
    flag: np.ndarray

    def __post_init__(self) -> None:
        # 0 +- 0 is what no pixel gives.
        lost = ~(self.variance > 0) | (self.flag & APERTURE_ONLY_BAD > 0)
        self.flux = np.where(lost, np.nan, self.flux)
        unsaid = lost & (self.flag & (APERTURE_CUT | APERTURE_BAD | APERTURE_ONLY_BAD) == 0)
        self.flag = self.flag | np.where(unsaid, FAILED, 0)

    def less(
        self, sky: np.ndarray | float, error: np.ndarray | float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the fluxes without a local sky, and their errors.

        Parameters
        ----------
        sky, error : ndarray of float64, shape (n,), or 0.0
            A pixel; nan where the sky is not known.

        Returns
        -------
        flux, error : ndarray of float64, shape (n,)
        """
        flux, variance = self.flux, self.variance
        if self.area is not None:
            flux, variance = flux - sky * self.area, variance + (error * self.area) ** 2
        variance = variance + self.photons * np.maximum(flux, 0.0)
        return flux, np.where(np.isnan(flux), np.nan, np.sqrt(variance))

    def limit(self, flux: np.ndarray, error: np.ndarray, sigma: float) -> np.ndarray:
        """Return max(flux, 0) + sigma error; nan where pixels of the aperture are not known.

        What is beyond the border, on bad pixels or above saturation may be any light, so
        that no limit would hold for the whole of the aperture.
        """
        unknown = self.flag & (APERTURE_CUT | APERTURE_BAD | APERTURE_ONLY_BAD | SATURATED) > 0
        return np.where(unknown, np.nan, np.maximum(flux, 0.0) + sigma * error)


def in_circles(
    around: Surroundings, diameters: Sequence[float], gain: float, areas: bool
) -> list[Light]:
    """Measure circles.

    Parameters
    ----------
    around : mr_extract.measure.surroundings.Surroundings
        Of a plane whose gain is 0, as the photons are those of what is left of the flux.
    diameters : sequence of float, length k
        In pixels.
    gain : float
        Electrons per image unit, 0 for no photon noise.
    areas : bool
        Whether to find the areas.

    Returns
    -------
    list of Light, length k
    """
    flux, error, _, failed = circular(around, diameters)
    area = circular(around.of_ones(), diameters)[0] if areas else None
    marked, lights = _marks(around.plane), []
    for k, diameter in enumerate(diameters):
        radius = np.full(len(around.x), diameter / 2.0)

        def total(image, radius=radius):
            return sep.sum_circle(image, around.x, around.y, radius, subpix=5)[0]

        flag = _touched(marked, around.x, around.y, radius, radius, total)
        lights.append(Light(
            flux[:, k], error[:, k] ** 2, _photons(gain), area if area is None else area[:, k],
            flag | np.where(failed, FAILED, 0),
        ))
    return lights


def in_given_ellipses(around: Surroundings, ellipses: np.ndarray, gain: float) -> Light:
    """Measure ellipses.

    Parameters
    ----------
    around, gain
        As for `in_circles`.
    ellipses : ndarray of float64, shape (3, n)
        Half axes in pixels and angles in degrees from the x axis.

    Returns
    -------
    Light
        Failed where the half axes are none, or no centre of a pixel lies in the ellipse.
    """
    a, b, theta = ellipses
    fine = (a >= b) & (b > 0) & np.isfinite(a) & np.isfinite(theta)
    a, b, theta = np.where(fine, a, 1.0), np.where(fine, b, 1.0), np.where(fine, theta, 0.0)
    theta = np.radians((theta + 90.0) % 180.0 - 90.0)
    shape = {"a": a, "b": b, "theta": theta}
    once = np.ones(len(a))
    flux, error, _, _, failed = in_ellipse(around, shape, once, 0.0)
    area = in_ellipse(around.of_ones(), shape, once, 0.0)[0]

    def total(image):
        return sep.sum_ellipse(image, around.x, around.y, a, b, theta, once, subpix=1)[0]

    reach = extents(*coefficients(a, b, theta), once)
    flag = _touched(_marks(around.plane), around.x, around.y, *reach, total)
    lost = ~fine | failed
    return Light(np.where(lost, np.nan, flux), np.where(lost, np.nan, error**2), _photons(gain),
                 area, np.where(lost, FAILED, flag))


def of_gaussians(plane: Plane, x: np.ndarray, y: np.ndarray, fwhm: float) -> Light:
    """Fit Gaussian stars.

    Parameters
    ----------
    plane : mr_extract.planes.plane.Plane
    x, y : ndarray of float64, shape (n,)
        0-based pixels.
    fwhm : float
        In pixels.

    Returns
    -------
    Light
        nan where less than half of a star's light falls on good pixels.
    """
    flux, variance, photons, area = gaussian_fluxes(plane, x, y, fwhm)
    reach = np.full(len(x), gaussian_reach(fwhm))

    def total(image):
        return sep.sum_circle(image, x, y, reach, subpix=1)[0]

    flag = _touched(_marks(plane), x, y, reach, reach, total)
    return Light(flux, variance, photons, area, flag)


def _photons(gain):
    return 1.0 / gain if gain > 0 else 0.0


def _marks(plane):
    """Return the shape of an image, and images of its bad, good and saturated pixels or None."""
    bad, saturated = plane.mask, plane.saturated
    images = bad, None if bad is None else ~bad, saturated
    return plane.data.shape, *(v if v is None else v.astype(np.float32) for v in images)


def _touched(marked, x, y, reach_x, reach_y, total):
    """Return flags of apertures: `total` sums an image of float32 in them, as it is."""
    (height, width), bad, good, saturated = marked
    cut = (x - reach_x < -0.5) | (x + reach_x > width - 0.5)
    cut |= (y - reach_y < -0.5) | (y + reach_y > height - 0.5)
    flag = np.where(cut, APERTURE_CUT, 0)
    if bad is not None and len(x):
        beset = total(bad) > 0
        flag |= np.where(beset, APERTURE_BAD, 0)
        flag |= np.where(beset & ~(total(good) > 0), APERTURE_ONLY_BAD, 0)
    if saturated is not None and len(x):
        flag |= np.where(total(saturated) > 0, SATURATED, 0)
    return flag
