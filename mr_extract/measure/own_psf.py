"""The PSF of a frame, of its own stars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.images.psf_model import PsfModel
from mr_extract.measure.psf_fits import psf_fits
from mr_extract.measure.sizes import LEAST_SNR, mode
from mr_extract.measure.star_cuts import cuts_of, sample_weights, samples_of, variance
from mr_extract.portable.logarithm import logarithm

if TYPE_CHECKING:
    from mr_extract.measure.surroundings import Surroundings

LEAST_STARS = 5
_MOST_STARS = 300  # the brightest
_MOST_ELLIPTICAL = 0.3
_LEAST_RADIUS = 0.65  # pixels; smaller ones are hot pixels and cosmic rays
_LOCUS, _RADIUS_NOISE = 0.03, 1.3  # scatter of log r, and its growth with noise
_HALF_LIGHT = 0.6436  # of the core of the Moffat profile of beta 3 that is begun with
_FINE = 4  # samples in a FWHM
_EXTENT = 4  # FWHM of the model to each side, and the radius of its unit flux
_ROUNDS = 4
_STEPS = 12  # of conjugate gradients
_ACCURACY = 0.02  # of the model, in the weights of bright pixels
_CLIP = 5.0
_CHI2, _MISFIT = 2.5, 0.006  # times the median; a pixel's share of S/N in the chi of a star
_PRIOR = 0.5, 0.02  # sigma of a sample, of itself and of the highest


@dataclass(frozen=True)
class OwnPsf:
    """A model, and what it is of.

    Parameters
    ----------
    model : mr_extract.images.psf_model.PsfModel or None
        None for fewer than `LEAST_STARS` stars.
    stars : int
        How many it is of.
    chi2 : float
        The median of their reduced chi squares within the fit.
    """

    model: PsfModel | None
    stars: int
    chi2: float = np.nan


def point_sources(
    radius: np.ndarray, flux: np.ndarray, error: np.ndarray, ellipticity: np.ndarray,
    usable: np.ndarray,
) -> np.ndarray:
    """Return which sources are stars that a PSF may be made of, the brightest first.

    Parameters
    ----------
    radius : ndarray of float64, shape (n,)
        Half-light radius in pixels.
    flux, error : ndarray of float64, shape (n,)
    ellipticity : ndarray of float64, shape (n,)
    usable : ndarray of bool, shape (n,)
        Sources without saturation, neighbours or other defects.

    Returns
    -------
    ndarray of int64, shape (k,)
        Those of S/N over 20 and ellipticity below 0.3, larger than a hot pixel, within three
        sigma of the mode of radii.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = error / flux
        fine = usable & (radius > _LEAST_RADIUS) & (flux > 0) & (noise < 1.0 / LEAST_SNR) & (
            ellipticity < _MOST_ELLIPTICAL)
    chosen = np.flatnonzero(fine)
    if not len(chosen):
        return chosen
    chosen = chosen[np.lexsort((chosen, noise[chosen]))]
    size, width = logarithm(radius[chosen]), np.hypot(_LOCUS, _RADIUS_NOISE * noise[chosen])
    on_locus = np.abs(size - mode(size[:1000], width[:1000])) < 3.0 * width
    return chosen[on_locus][:_MOST_STARS]


def own_psf(around: Surroundings, chosen: np.ndarray, radius: np.ndarray) -> OwnPsf:
    """Fit a model of the PSF, the same all over the frame, to stars.

    Parameters
    ----------
    around : mr_extract.measure.surroundings.Surroundings
        Neighbours' and bad pixels do not count.
    chosen : ndarray of int64, shape (n,)
        The stars.
    radius : ndarray of float64, shape (n,)
        Their half-light radii in pixels.

    Returns
    -------
    OwnPsf

    Notes
    -----
    In turn flux and place of each star are fitted with the model, and the model to the pixels
    of all stars (Anderson & King 2000, PASP 112, 1360): least squares by conjugate gradients
    on four samples a FWHM, between which the kernel is that of the fits. Where stars say little
    samples keep to a Moffat profile of their size. Pixels beyond five sigma do not count, nor do
    stars whose chi or spread_model stands out. The light within four FWHM is the unit.
    """
    if len(chosen) < LEAST_STARS:
        return OwnPsf(None, len(chosen))
    core = max(float(np.median(radius)) / _HALF_LIGHT, 1.0)
    first = _moffat(core)
    model, scaled = first, np.zeros(first.samples[0].shape)
    fits = psf_fits(around, model, which=chosen)
    for turn in range(_ROUNDS):
        keep = _alike(fits, turn == 0)
        if np.count_nonzero(keep) < LEAST_STARS:
            return OwnPsf(None, int(np.count_nonzero(keep)))
        chosen, fits = chosen[keep], {name: value[keep] for name, value in fits.items()}
        model, scaled = _improved(around, chosen, fits, model, first, scaled, turn > 0)
        fits = psf_fits(around, model, which=chosen)
    return OwnPsf(model, len(chosen), float(np.median(fits["chi2_psf"])))


def _moffat(core):
    fwhm = 2.0 * core * np.sqrt(2.0 ** (1.0 / 3.0) - 1.0)
    along = np.arange(-_FINE * _EXTENT, _FINE * _EXTENT + 1) * fwhm / _FINE
    squares = along**2 + along[:, None] ** 2
    base = 1.0 + squares / core**2
    return _of_unit_flux(1.0 / (base * base * base), fwhm / _FINE)


def _of_unit_flux(samples, step):
    along = np.arange(-(len(samples) // 2), len(samples) // 2 + 1)
    disc = along**2 + along[:, None] ** 2 <= (_FINE * _EXTENT) ** 2
    samples = samples / (samples[disc].sum() * step**2)
    fine = 8
    places = np.arange(-2 * _FINE * fine, 2 * _FINE * fine + 1) / fine + len(samples) // 2
    weights = sample_weights(places[None], len(samples))[0]
    drawn = np.einsum("iw,jw->ij", weights, np.einsum("hw,jh->jw", samples, weights))
    # The area above half of the height is that of a circle.
    above = np.count_nonzero(drawn > 0.5 * drawn.max())
    fwhm = 2.0 * np.sqrt(above / np.pi) / fine * step
    return PsfModel(samples[None], float(step), float(fwhm))


def _alike(fits, first):
    """Return which stars have a fit whose chi and width, but of the first, do not stand out."""
    flux, chi2 = fits["flux_psf"], fits["chi2_psf"]
    fine = np.isfinite(flux) & (flux > 0) & np.isfinite(chi2)
    if first or not fine.any():
        return fine
    spread, error = fits["spread_model"], fits["spreaderr_model"]
    apart = np.abs(spread - np.median(spread[fine]))
    scatter = 1.4826 * np.median(apart[fine])
    with np.errstate(divide="ignore", invalid="ignore"):
        most = _CHI2 * np.median(chi2[fine]) + (_MISFIT * flux / fits["fluxerr_psf"]) ** 2
        return fine & (chi2 < most) & (apart < 3.0 * np.hypot(error, scatter))


def _improved(around, chosen, fits, model, first, scaled, clip):
    """Return the model that the pixels of stars of known flux and place say."""
    size = model.samples.shape[1]
    cuts = cuts_of(around, chosen, int(_EXTENT * _FINE * model.step))
    k = np.arange(len(chosen))
    x, y, flux = fits["x_psf"], fits["y_psf"], fits["flux_psf"]
    u, v = (sample_weights(places, size)
            for places in samples_of(model.step, cuts, k, x, y, (size, size)))

    def drawn(samples):
        across = np.einsum("hw,niw->nhi", samples, u)
        return np.einsum("njh,nhi->nji", v, across).reshape(len(k), -1)

    def gathered(pixels):
        rows = np.einsum("njh,nji->nhi", v, pixels.reshape(len(k), v.shape[1], -1))
        return np.einsum("nhi,niw->hw", rows, u)

    star = drawn(model.samples[0])
    noise = variance(cuts, star, flux, around.plane.gain) + (_ACCURACY * flux[:, None] * star) ** 2
    weight = np.where(cuts.weight > 0, 1.0 / noise, 0.0)
    if clip:
        weight[(cuts.values - flux[:, None] * star) ** 2 > _CLIP**2 * noise] = 0.0
    base = first.samples[0]
    sigma = _PRIOR[0] * base + _PRIOR[1] * base.max()
    squares = weight * flux[:, None] ** 2

    def normal(z):
        return z + sigma * gathered(squares * drawn(sigma * z))

    right = sigma * gathered(weight * flux[:, None] * (cuts.values - flux[:, None] * drawn(base)))
    scaled = _solved(normal, right, scaled)
    return _of_unit_flux(base + sigma * scaled, model.step), scaled


def _solved(matrix, right, start):
    """Return the solution of a positive system after some steps of conjugate gradients."""
    z, left = start, right - matrix(start)
    way, square = left, (left * left).sum()
    for _ in range(_STEPS):
        if not square > 0:
            break
        along = matrix(way)
        step = square / (way * along).sum()
        z, left = z + step * way, left - step * along
        before, square = square, (left * left).sum()
        way = left + square / before * way
    return z
