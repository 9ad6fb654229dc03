"""How much larger than a point source each object is."""

import numpy as np

from mr_extract.portable.exponential import exponential
from mr_extract.portable.logarithm import logarithm

LEAST_SNR = 20.0  # of a source that takes part in finding the locus
LEAST_SOURCES = 10  # point sources below which there is no locus
_RADIUS_NOISE = 1.3  # sigma(r)/r times S/N of a star in its Kron aperture, to begin with
_LEAST_SCATTER = 0.003
_FIRST_SCATTER = 0.02
_MOST = 1000  # sources that the locus is looked for among, the brightest
_GRID = 0.005  # of log r
_WINDOW = 31  # sources of the running median
_ROUNDS = 5
_CLIP = 3.0
_SIGMA_PER_MEDIAN = 1.4826  # of the absolute value of a normal deviate


def size_excess(
    radius: np.ndarray, flux: np.ndarray, error: np.ndarray, usable: np.ndarray
) -> np.ndarray:
    """Return how far half-light radii stand out of those of the frame's point sources.

    The point sources are where most radii of sources with S/N over 20 are: in
    the mode of log r, to which each source counts with its own uncertainty, and
    within three sigma of it. r0 is their running median along S/N, which follows
    what the Kron aperture loses of faint stars, and the scatter s that of the
    smaller ones, which no galaxies are among: s^2 = s0^2 + (k / (S/N))^2.

    Parameters
    ----------
    radius : ndarray of float64, shape (n,)
        Half-light radius in pixels.
    flux, error : ndarray of float64, shape (n,)
        Flux it is half of, and its error from noise and gain.
    usable : ndarray of bool, shape (n,)
        Sources without saturation, neighbours or other defects.

    Returns
    -------
    ndarray of float64, shape (n,)
        (r / r0 - 1) / s. About a standard normal deviate for point sources;
        large for galaxies, below -3 for cosmic rays and hot pixels. nan where the
        radius is, and everywhere in a frame with fewer than ten point sources.

    Notes
    -----
    It is no probability: how many sources of an excess are stars depends on how
    many stars there are. One locus is taken for the whole frame, so a PSF that
    changes across it widens s0. Where galaxies of one size are more than stars
    of S/N over 20 they are taken for the locus. Photon noise that the gain is
    not given for is not in the S/N; s0 takes it up.
    """
    excess = np.full(len(radius), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = error / flux
        fine = (radius > 0) & (flux > 0) & (error > 0) & np.isfinite(radius) & np.isfinite(noise)
        chosen = np.flatnonzero(fine & usable & (noise < 1.0 / LEAST_SNR))
    locus = _locus(logarithm(radius[chosen]), noise[chosen])
    if locus is None:
        return excess
    level, scatter, slope = locus
    excess[fine] = (radius[fine] / exponential(level(noise[fine])) - 1.0) / np.hypot(
        scatter, slope * noise[fine]
    )
    return excess


def _locus(size, noise):
    """Log r of point sources along noise, and the two parts of their scatter; None for too few."""
    if len(size) < LEAST_SOURCES:
        return None
    order = np.lexsort((size, noise))
    size, noise = size[order], noise[order]
    scatter, slope = _FIRST_SCATTER, _RADIUS_NOISE
    middle = np.full(len(size), mode(size[:_MOST], np.hypot(scatter, slope * noise[:_MOST])))
    for _ in range(_ROUNDS):
        member = np.abs(size - middle) < _CLIP * np.hypot(scatter, slope * noise)
        if np.count_nonzero(member) < LEAST_SOURCES:
            return None
        level = _running_median(noise[member], size[member])
        middle = level(noise)
        scatter, slope = _scatter((size - middle)[member], noise[member])
    return level, scatter, slope


def mode(size: np.ndarray, width: np.ndarray) -> float:
    """Return where sources of given uncertainty are densest.

    Parameters
    ----------
    size, width : ndarray of float64, shape (n,)
        Log r, and its uncertainty.
    """
    grid = np.arange(size.min(), size.max() + _GRID, _GRID)
    density = np.zeros(len(grid))
    for k in range(0, len(grid), 256):
        apart = (grid[k:k + 256, None] - size) / width
        density[k:k + 256] = (exponential(-0.5 * apart * apart) / width).sum(1)
    return float(grid[density.argmax()])


def _running_median(noise, size):
    """Return the median of sizes as a function of noise, which is ascending."""
    window = min(_WINDOW, len(size))
    windows = np.lib.stride_tricks.sliding_window_view
    x = logarithm(np.median(windows(noise, window), axis=1))
    y = np.median(windows(size, window), axis=1)
    return lambda noise: np.interp(logarithm(noise), x, y)


def _scatter(offset, noise):
    """Return the scatter of bright sources and the growth of that of faint ones with noise."""
    below = offset < 0
    offset, noise = -offset[below], noise[below]
    bright = noise < 0.01
    scatter, slope = _FIRST_SCATTER, _RADIUS_NOISE
    if np.count_nonzero(~bright) >= LEAST_SOURCES:
        slope = _SIGMA_PER_MEDIAN * float(np.median(offset[~bright] / noise[~bright]))
    if np.count_nonzero(bright) >= LEAST_SOURCES // 2:
        whole = _SIGMA_PER_MEDIAN * float(np.median(offset[bright]))
        rest = whole**2 - (slope * float(np.median(noise[bright]))) ** 2
        scatter = np.sqrt(max(rest, _LEAST_SCATTER**2))
    return scatter, slope
