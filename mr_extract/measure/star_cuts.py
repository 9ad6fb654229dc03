"""Cut-outs around sources, and stars of a PSF drawn on their pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mr_extract.measure.surroundings import Surroundings

_LOBES = 4  # of the Lanczos kernel between samples


@dataclass
class Cuts:
    """Pixels around sources.

    Parameters
    ----------
    column, row : ndarray of int64, shape (n, side)
        Of the plane; they may lie outside of it.
    values, weight : ndarray of float64, shape (n, side * side)
        Pixels row by row, and the inverse variance of the sky in them: 0 for those that do
        not count.
    """

    column: np.ndarray
    row: np.ndarray
    values: np.ndarray
    weight: np.ndarray


def cuts_of(around: Surroundings, part: np.ndarray, reach: int) -> Cuts:
    """Return the pixels around some sources.

    Parameters
    ----------
    around : mr_extract.measure.surroundings.Surroundings
        Neighbours' and bad pixels do not count.
    part : ndarray of int64, shape (n,)
        The sources.
    reach : int
        Pixels to each side of that in which a source lies.
    """
    plane = around.plane
    height, width = plane.data.shape
    along = np.arange(-reach, reach + 1)
    left, low = (np.rint(v[part]).astype(np.int64) - reach for v in (around.x, around.y))
    column, row = left[:, None] + along + reach, low[:, None] + along + reach
    inside = ((row >= 0) & (row < height))[:, :, None] & (
        (column >= 0) & (column < width))[:, None, :]
    at = (np.clip(row, 0, height - 1)[:, :, None], np.clip(column, 0, width - 1)[:, None, :])
    noise = plane.noise[at] if isinstance(plane.noise, np.ndarray) else plane.noise
    with np.errstate(divide="ignore"):
        weight = np.where(inside, 1.0 / np.square(noise, dtype=np.float64), 0.0)
    side = 2 * reach + 1
    box, pixel = around.replaced(part, *around.within(left, left + side, low, low + side))
    weight[box, pixel // width - low[box], pixel % width - left[box]] = 0.0
    weight[~np.isfinite(weight)] = 0.0
    n = len(part)
    return Cuts(column, row, plane.data[at].astype(np.float64).reshape(n, -1),
                weight.reshape(n, -1))


def variance(cuts: Cuts, star: np.ndarray, flux: np.ndarray, gain: float) -> np.ndarray:
    """Return the variance of each pixel, with the photons of the star; 1 where none counts.

    Parameters
    ----------
    cuts : Cuts
    star : ndarray of float64, shape (n, pixels)
        Stars of unit flux on them.
    flux : ndarray of float64, shape (n,)
    gain : float
        0 for no photon noise.
    """
    sky = np.where(cuts.weight > 0, 1.0 / np.where(cuts.weight > 0, cuts.weight, 1.0), 1.0)
    if not gain > 0:
        return sky
    return sky + np.maximum(np.nan_to_num(flux)[:, None] * star, 0.0) / gain


def sample_weights(places: np.ndarray, size: int) -> np.ndarray:
    """Return weights of samples at places among them, shape (n, m, size): Lanczos, of sum 1.

    Parameters
    ----------
    places : ndarray of float64, shape (n, m)
        The first sample is 0; weights are 0 beyond the samples.
    size : int
        Number of samples.
    """
    apart = places[:, :, None] - np.arange(size)
    weight = np.where(np.abs(apart) < _LOBES, np.sinc(apart) * np.sinc(apart / _LOBES), 0.0)
    within = (places > -1) & (places < size)
    total = weight.sum(2, keepdims=True)
    return np.where(within[:, :, None] & (total > 0.1), weight / np.where(
        total > 0.1, total, 1.0), 0.0)


def samples_of(step: float, cuts: Cuts, k: np.ndarray, x: np.ndarray, y: np.ndarray,
               shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return where the columns and rows of cuts `k` lie among the samples of stars at x, y."""
    return ((cuts.column[k] - x[:, None]) / step + shape[1] // 2,
            (cuts.row[k] - y[:, None]) / step + shape[0] // 2)


def stars(step: float, local: np.ndarray, cuts: Cuts, k: np.ndarray, x: np.ndarray,
          y: np.ndarray) -> np.ndarray:
    """Return stars of unit flux on the pixels of cuts `k`, shape (n, pixels).

    Parameters
    ----------
    step : float
        Pixels from sample to sample.
    local : ndarray of float64, shape (n, height, width)
        Samples of each star.
    cuts : Cuts
    k : ndarray of int64, shape (n,)
    x, y : ndarray of float64, shape (n,)
        Where the stars are in the plane.
    """
    height, width = local.shape[1:]
    u, v = samples_of(step, cuts, k, x, y, (height, width))
    across = np.einsum("nhw,niw->nhi", local, sample_weights(u, width))
    return np.einsum("njh,nhi->nji", sample_weights(v, height), across).reshape(len(k), -1)
