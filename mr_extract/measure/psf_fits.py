"""Fluxes and places of stars by a fit of the PSF, and how much wider than it sources are."""

from __future__ import annotations

import numpy as np

from mr_extract.images.psf_model import PsfModel
from mr_extract.measure.star_cuts import cuts_of, sample_weights, samples_of, stars, variance
from mr_extract.measure.surroundings import Surroundings

RESULTS = ("flux_psf", "fluxerr_psf", "x_psf", "y_psf", "chi2_psf", "spread_model",
           "spreaderr_model")
_REACH = 1.5  # FWHM that enter the fit
_STEP = 0.05  # pixels of a difference
_ROUNDS = 20
_AT_REST = 1e-4  # pixels
_LEAST_LIGHT = 0.5  # of the star on good pixels
_AT_ONCE = 200_000  # pixels of cut-outs


def psf_fits(
    around: Surroundings, model: PsfModel, origin: tuple[int, int] = (0, 0),
    which: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Fit the PSF to sources.

    Parameters
    ----------
    around : mr_extract.measure.surroundings.Surroundings
        Neighbours' and bad pixels do not count.
    model : mr_extract.images.psf_model.PsfModel
    origin : tuple of int
        x and y of the plane's first pixel in the image that the model is of.
    which : ndarray of int64, shape (n,), optional
        The sources; by default all.

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
        ``flux_psf`` and ``fluxerr_psf`` in units of the plane, ``x_psf`` and ``y_psf`` in its
        0-based pixels; ``chi2_psf``, reduced; ``spread_model`` and ``spreaderr_model``. nan
        where less than half of the star's light falls on pixels that count, or the fit leaves
        the source by more than the FWHM.

    Notes
    -----
    Pixels within 1.5 FWHM are weighted by the noise of the sky, so that weights do not depend on
    the source; errors have its photons. With p the pixels, f the PSF, g that of a disc of 1/16
    FWHM, spread_model is sum(g p) / sum(f p) - sum(g f) / sum(f f), weighted alike (Desai et al.
    2012, ApJ 757, 83).
    """
    which = np.arange(len(around.x)) if which is None else which
    n, reach = len(which), int(np.ceil(_REACH * model.fwhm))
    result = {name: np.full(n, np.nan) for name in RESULTS}
    wide = model.widened()
    step = max(1, _AT_ONCE // (2 * reach + 1) ** 2)
    for first in range(0, n, step):
        part = slice(first, first + step)
        values = _fitted(around, model, wide, which[part], reach, origin)
        for name, value in zip(RESULTS, values):
            result[name][part] = value
    return result


def _fitted(around, model, wide, part, reach, origin):
    cuts = cuts_of(around, part, reach)
    x0, y0 = around.x[part], around.y[part]
    terms = model.terms(x0 + origin[0], y0 + origin[1])
    local, broad = (np.einsum("nt,thw->nhw", terms, one.samples) for one in (model, wide))
    x, y = x0.copy(), y0.copy()
    moving = np.ones(len(part), bool)
    for _ in range(_ROUNDS):
        k = np.flatnonzero(moving)
        if not len(k):
            break
        design = _design(model.step, local[k], cuts, k, x[k], y[k])
        _, solved, _ = _solved(design, cuts.weight[k], cuts.values[k])
        flux = solved[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            move = np.clip(np.nan_to_num(solved[1:] / flux), -0.5, 0.5)
        move[:, ~(flux > 0)] = 0.0
        x[k] += move[0]
        y[k] += move[1]
        moving[k[np.abs(move).max(0) < _AT_REST]] = False
    design = _design(model.step, local, cuts, np.arange(len(part)), x, y)
    inverse, solved, weighted = _solved(design, cuts.weight, cuts.values)
    flux, star = solved[0], design[:, 0]
    noise = variance(cuts, star, flux, around.plane.gain)
    row = np.einsum("na,nap->np", inverse[:, 0], weighted)  # of each pixel in the flux
    error = np.sqrt((row**2 * noise).sum(1))
    good = cuts.weight > 0
    left = cuts.values - flux[:, None] * star
    chi2 = np.where(good, left**2 / noise, 0.0).sum(1) / np.maximum(good.sum(1) - 3, 1)
    disc = stars(wide.step, broad, cuts, np.arange(len(part)), x, y)
    spread, spread_error = _spread(star, disc, cuts, noise)
    whole = star.sum(1)
    lost = ~((star * good).sum(1) > _LEAST_LIGHT * whole) | ~np.isfinite(flux) | (
        np.hypot(x - x0, y - y0) > model.fwhm)
    found = (flux, error, x, y, chi2, spread, spread_error)
    return [np.where(lost, np.nan, value) for value in found]


def _design(step, local, cuts, k, x, y):
    """Return the star and how it changes with its place, shape (n, 3, pixels)."""
    height, width = local.shape[1:]
    pairs = []
    for places, size in zip(samples_of(step, cuts, k, x, y, (height, width)), (width, height)):
        ahead, behind = (sample_weights(places + sign * _STEP / step, size) for sign in (-1, 1))
        pairs.append((sample_weights(places, size), (ahead - behind) / (2 * _STEP)))
    (by_column, its_change), (by_row, row_change) = pairs
    across, across_change = (np.einsum("nhw,niw->nhi", local, one)
                             for one in (by_column, its_change))
    return np.stack([np.einsum("njh,nhi->nji", one, other).reshape(len(k), -1)
                     for one, other in ((by_row, across), (by_row, across_change),
                                        (row_change, across))], 1)


def _solved(design, weight, values):
    """Return the inverse of the normal matrix, the solution, and the weighted design."""
    weighted = design * weight[:, None, :]
    matrix = np.einsum("nap,nbp->nab", weighted, design)
    right = np.einsum("nap,np->na", weighted, values)
    inverse = _inverse(matrix)
    return inverse, np.einsum("nab,nb->an", inverse, right), weighted


def _inverse(m):
    """Return the inverses of symmetric matrices of 3 x 3, nan where there is none."""
    a, b, c, d, e, f = (m[:, i, j] for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)))
    rows = np.array([[d * f - e * e, c * e - b * f, b * e - c * d],
                     [c * e - b * f, a * f - c * c, b * c - a * e],
                     [b * e - c * d, b * c - a * e, a * d - b * b]])
    whole = a * rows[0, 0] + b * rows[0, 1] + c * rows[0, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.moveaxis(rows / np.where(whole > 0, whole, np.nan), 2, 0)


def _spread(star, disc, cuts, noise):
    weight, values = cuts.weight, cuts.values
    by_disc, by_star = (disc * weight * values).sum(1), (star * weight * values).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = by_disc / by_star - (disc * weight * star).sum(1) / (star * weight * star).sum(1)
        squares = weight**2 * noise
        variance = ((disc**2 * squares).sum(1) * by_star**2 + (star**2 * squares).sum(1)
                    * by_disc**2 - 2 * (disc * star * squares).sum(1) * by_disc * by_star)
        return spread, np.sqrt(np.maximum(variance, 0.0)) / by_star**2
