"""Fluxes in circles and in Kron ellipses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import sep

from mr_extract.columns.choice import CROWDED, SEARCH_CUT
from mr_extract.measure.border import over_border
from mr_extract.measure.ellipse_sums import kron_radius, sum_ellipse
from mr_extract.measure.ellipses import extents
from mr_extract.measure.isolation import each_object
from mr_extract.measure.surroundings import NONE
from mr_extract.measure.within import count_within

if TYPE_CHECKING:
    from mr_extract.measure.surroundings import Surroundings
    from mr_extract.planes.plane import Plane
    from mr_extract.settings.measuring import Measurement

SEARCH = 6.0  # SExtractor's KRON_NSIG: the Kron radius is measured in 6 a, 6 b
_CROWDED = 0.1  # of the search ellipse


def circular(
    around: Surroundings, diameters: Sequence[float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sum the image in circles.

    Parameters
    ----------
    around : mr_extract.measure.surroundings.Surroundings
        Image and centres.
    diameters : sequence of float, length k
        In pixels.

    Returns
    -------
    flux, error : ndarray of float64, shape (n, k)
        In image units.
    flag : ndarray of int64, shape (n,)
        Union of sep's aperture flags.
    failed : ndarray of bool, shape (n,)
    """
    radii, gain = np.asarray(diameters, float) / 2.0, around.plane.gain or None

    def total(data, noise, mask, x, y):
        sums = [sep.sum_circle(data, x, y, r, err=noise, gain=gain, mask=mask, subpix=5)
                for r in radii]
        bits = np.bitwise_or.reduce([one[2] for one in sums])
        return (np.stack([one[0] for one in sums], 1), np.stack([one[1] for one in sums], 1),
                bits.astype(np.int64))

    reach = np.full(len(around.x), radii.max())
    (flux, error, bits), failed = around.measure(total, reach, reach, outputs=3)
    return flux, error, bits, failed


def kron(
    around: Surroundings, shape_plane: Plane, objects: np.ndarray, settings: Measurement
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Sum the image in Kron ellipses, with SExtractor's rule for small sources.

    The ellipse is ``max(kron_factor * r, kron_min_radius)`` times a and b, with
    r the first radial moment within 6 a and 6 b, leaving out neighbours' pixels
    unless they are taken as they are. Where its mean radius is less than half
    of ``kron_min_diameter`` a circle of that diameter is used and `kron_radius`
    is 0, as it is where the flux is not positive.

    Parameters
    ----------
    around : mr_extract.measure.surroundings.Surroundings
        Image in which the flux is summed.
    shape_plane : mr_extract.planes.plane.Plane
        Image in which the radius is measured: that of the detection.
    objects : structured ndarray, shape (n,)
        From `mr_extract.detection.extraction.detect`.
    settings : mr_extract.settings.measuring.Measurement

    Returns
    -------
    columns : dict of str to ndarray, shape (n,)
        `kron_radius`, `flux_auto`, `fluxerr_auto`.
    flag : ndarray of int64, shape (n,)
        sep's aperture flags, and what `surrounded` says of the search ellipse.
    failed : ndarray of bool, shape (n,)
    """
    ellipse, limit = search_ellipse(objects, settings.kron_search_diameter)
    radius, search_flag, no_radius = _first_moment(around, shape_plane, ellipse, limit)
    # The search ellipse may well leave the image; only what the flux is
    # summed over, and a radius that could not be had, are worth a flag.
    flag = search_flag.astype(np.int64) & (sep.APER_NONPOSITIVE | sep.APER_ALLMASKED)
    unusable = ~(radius > 0) | (flag != 0)
    radius = np.where(unusable, 0.0, settings.kron_factor * radius)
    radius = np.maximum(radius, settings.kron_min_radius)
    flag |= surrounded(around, ellipse, limit)
    flag |= surrounded(around, *aperture(objects, radius, settings.kron_min_diameter)[:2]) & CROWDED
    flux, error, radius, bits, no_flux = in_ellipse(
        around, objects, radius, settings.kron_min_diameter
    )
    failed = no_radius | no_flux
    columns = {
        "kron_radius": np.where(failed, np.nan, np.where(flux > 0, radius, 0.0)),
        "flux_auto": np.where(failed, np.nan, flux),
        "fluxerr_auto": np.where(failed, np.nan, error),
    }
    return columns, flag | bits, failed


def search_ellipse(
    objects: np.ndarray, least_diameter: float
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Return the ellipse in which Kron and Petrosian radii are searched.

    Parameters
    ----------
    objects : structured ndarray, shape (n,)
    least_diameter : float
        In pixels; a circle of it where 6 a, 6 b are smaller in the mean.

    Returns
    -------
    ellipse : tuple of three ndarrays, shape (n,)
        a, b in pixels and theta in radians, of the unit ellipse.
    limit : ndarray of float64, shape (n,)
        How many times that.
    """
    ellipse, limit, _ = aperture(objects, SEARCH, least_diameter)
    return ellipse, limit


def surrounded(
    around: Surroundings, ellipse: tuple[np.ndarray, ...], limit: np.ndarray
) -> np.ndarray:
    """Return flags of ellipses for neighbours and the border.

    Parameters
    ----------
    around : mr_extract.measure.surroundings.Surroundings
    ellipse : tuple of three ndarrays, shape (n,)
        a, b, theta of the unit ellipse.
    limit : ndarray of float64, shape (n,)
        How many times that.

    Returns
    -------
    ndarray of int64, shape (n,)
        `CROWDED` where neighbours and bad pixels fill more than a tenth of what of the
        ellipse is on the image (bad pixels alone where neighbours are taken as they are),
        `SEARCH_CUT` where it reaches over the border of the image.
    """
    shape = coefficients(*ellipse)
    owner, _, bad = around.intruders(*shape, limit)
    if around.how == NONE:
        owner = owner[bad]
    size, reach = around.plane.data.shape, extents(*shape, limit)
    cut = over_border(size, around.x, around.y, *reach)
    area = np.pi * ellipse[0] * ellipse[1] * limit**2
    beset = np.bincount(owner, minlength=len(around.x))
    part = np.flatnonzero(cut & (beset > 0))
    area[part] = count_within(size, *(v[part] for v in (around.x, around.y, *shape, limit,
                                                        reach[1])))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = beset / area
    return np.where(share > _CROWDED, CROWDED, 0) | np.where(cut, SEARCH_CUT, 0)


def _first_moment(around, plane, ellipse, limit):
    labels, number = around.segments.labels, np.arange(1, len(around.x) + 1)
    mask, fragments = plane.mask, around.segments.fragments
    if around.how != NONE and len(fragments):
        mask = np.zeros(labels.shape, bool) if mask is None else mask.copy()
        mask.ravel()[fragments] = True

    def radii(number, *ellipses):
        if around.how == NONE:
            return kron_radius(plane.data, plane.mask, None, number, ellipses)
        return kron_radius(plane.data, mask, labels, number, ellipses)

    (radius, bits), failed = each_object(
        radii, number, around.x, around.y, *ellipse, limit, outputs=2
    )
    return radius, bits, failed


def in_ellipse(
    around: Surroundings, objects: np.ndarray | Mapping[str, np.ndarray], radius: np.ndarray,
    least_diameter: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sum the image in multiples of the objects' ellipses.

    Parameters
    ----------
    around : mr_extract.measure.surroundings.Surroundings
    objects : structured ndarray, shape (n,)
        Their a, b and theta.
    radius : ndarray of float64, shape (n,)
        How many times a and b.
    least_diameter : float
        In pixels; a circle of it is taken where the ellipse is smaller.

    Returns
    -------
    flux, error : ndarray of float64, shape (n,)
    radius : ndarray of float64, shape (n,)
        As it was, 0 where the circle was taken.
    flag : ndarray of int64, shape (n,)
    failed : ndarray of bool, shape (n,)
    """
    (a, b, theta), times, small = aperture(objects, radius, least_diameter)

    def total(data, noise, mask, *ellipses):
        flux, error, bits = sum_ellipse(data, noise, mask, around.plane.gain, ellipses)
        return flux, error, bits.astype(np.int64)

    reach = extents(*coefficients(a, b, theta), times)
    (flux, error, bits), failed = around.measure(
        total, *reach, a, b, theta, times, outputs=3
    )
    return flux, error, np.where(small, 0.0, radius), bits, failed


def aperture(
    objects: np.ndarray | Mapping[str, np.ndarray], radius: np.ndarray | float,
    least_diameter: float,
) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
    """Return multiples of the objects' ellipses, or circles in their place.

    Parameters
    ----------
    objects, radius, least_diameter
        As for `in_ellipse`.

    Returns
    -------
    ellipse : tuple of three ndarrays of float64, shape (n,)
        a, b in pixels and theta in radians, of the unit ellipse.
    times : ndarray of float64, shape (n,)
        How many times that.
    small : ndarray of bool, shape (n,)
        True where it is the circle.
    """
    a, b = objects["a"].astype(float), objects["b"].astype(float)
    # sep refuses angles that rounding has put a hair beyond a right angle.
    theta = np.clip(objects["theta"].astype(float), -np.pi / 2, np.pi / 2)
    small = radius * np.sqrt(a * b) <= least_diameter / 2.0
    ellipse = tuple(np.where(small, v, w) for v, w in ((1.0, a), (1.0, b), (0.0, theta)))
    return ellipse, np.where(small, least_diameter / 2.0, radius), small


def coefficients(
    a: np.ndarray, b: np.ndarray, theta: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return cxx, cyy, cxy of ellipses.

    Parameters
    ----------
    a, b, theta : ndarray of float64, shape (n,)
        Pixels and radians.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        cos, sin = np.cos(theta), np.sin(theta)
        p, q = 1.0 / (a * a), 1.0 / (b * b)
        return cos * cos * p + sin * sin * q, sin * sin * p + cos * cos * q, 2 * cos * sin * (p - q)
