"""Moffat and Sersic profiles as sums of Gaussians.

Both profiles fall off as mixtures of Gaussians of all widths, with densities known in closed
form. Sampled at equal steps of the logarithm of the width, the sum follows the profile to a few
parts in a thousand at every radius that holds light, and its total is exact. Gaussians are what
is easy to stretch, turn and convolve.
"""

import math
from functools import cache

import numpy as np

#: Sersic indices that can be written this way, with the powers of the normal deviates below.
SERSIC_INDICES = (1.0, 2.0, 4.0)

#: Step between the widths of neighbouring Gaussians of a Sersic profile, in ln(width).
_STEP = 0.45

#: Share of the light at either end that is lumped into the last Gaussian kept.
_NARROW_TAIL = 0.003
_WIDE_TAIL = 0.002


@cache
def sersic_mixture(index: float) -> tuple[np.ndarray, np.ndarray]:
    """Write a circular Sersic profile as Gaussians.

    Parameters
    ----------
    index : float
        Sersic index n, one of `SERSIC_INDICES`.

    Returns
    -------
    weights : ndarray
        Share of the light of each Gaussian; the sum is 1.
    sigmas : ndarray
        Standard deviation along one axis of each Gaussian, increasing, in units of the radius
        that holds half of the light.

    Notes
    -----
    Let N1, N2 ... be standard normal deviates. The mean of a Gaussian profile of width abs(N1)
    over N1 is exp(-r), since exp(-sqrt(x)) is the Laplace transform of the density of
    1 / (2 N1^2). Doing this again under the root gives widths of abs(N2) N1^2 for exp(-r^(1/2))
    and abs(N3) N2^2 N1^4 for exp(-r^(1/4)). A Gaussian's share of the light goes with the
    square of its width.
    """
    if index not in SERSIC_INDICES:
        raise ValueError(f"no mixture for Sersic index {index}: take one of {SERSIC_INDICES}")
    fine = _STEP / 16
    log_width = np.arange(-2048, 2049) * fine
    density = _log_normal_deviate(log_width)
    for power in (2, 4)[: SERSIC_INDICES.index(index)]:
        factor = _log_normal_deviate(log_width / power) / power
        density = np.convolve(density, factor, mode="same") * fine
    light = density * np.exp(2 * log_width)
    light /= light.sum()
    below = np.cumsum(light)
    peak = int(np.argmax(light))
    weights = light[peak % 16 :: 16]
    log_sigmas = log_width[peak % 16 :: 16]
    share_below = below[peak % 16 :: 16]
    kept = np.flatnonzero((share_below > _NARROW_TAIL) & (share_below < 1 - _WIDE_TAIL))
    first, last = kept[0], kept[-1] + 1
    weights = np.concatenate(
        [
            [weights[: first + 1].sum()],
            weights[first + 1 : last],
            [weights[last:].sum()],
        ]
    )
    weights /= weights.sum()
    sigmas = np.exp(log_sigmas[first : last + 1])
    return weights, sigmas / half_light_radius(weights, sigmas)


def _log_normal_deviate(log_width: np.ndarray) -> np.ndarray:
    """Give the density of ln(abs(N)) for a standard normal deviate N."""
    with np.errstate(over="ignore"):
        return math.sqrt(2 / math.pi) * np.exp(log_width - np.exp(2 * log_width) / 2)


def half_light_radius(weights: np.ndarray, sigmas: np.ndarray) -> float:
    """Find the radius that holds half of the light of concentric circular Gaussians.

    Parameters
    ----------
    weights, sigmas : ndarray
        Shares of the light (sum 1) and standard deviations.

    Returns
    -------
    radius : float
        In the unit of `sigmas`.
    """
    low, high = 0.0, 2 * float(sigmas.max())
    for _ in range(60):
        radius = (low + high) / 2
        if np.sum(weights * np.exp(-(radius**2) / (2 * sigmas**2))) > 0.5:
            low = radius
        else:
            high = radius
    return radius


def moffat_radius(fwhm: float, beta: float) -> float:
    """Give the scale radius of a Moffat profile from its full width at half maximum.

    Parameters
    ----------
    fwhm : float
        Full width at half maximum.
    beta : float
        Exponent: the profile is (1 + (r / radius)^2)^-beta.

    Returns
    -------
    radius : float
        In the unit of `fwhm`.
    """
    return fwhm / (2 * math.sqrt(2 ** (1 / beta) - 1))


@cache
def moffat_mixture(beta: float, step: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """Write a circular Moffat profile as Gaussians.

    Parameters
    ----------
    beta : float
        Exponent of the profile, above 1.
    step : float, optional
        Step between neighbouring Gaussians in ln(variance).

    Returns
    -------
    weights : ndarray
        Share of the light of each Gaussian; the sum is 1.
    variances : ndarray
        Variance along one axis of each Gaussian, in units of the squared scale radius.

    Notes
    -----
    (1 + r^2)^-beta is the mean of exp(-s r^2) over s with a gamma density of shape beta; a
    Gaussian's share of the light goes as 1 / s, which makes the shape beta - 1.
    """
    log_s = np.arange(-12.0 / (beta - 1) ** 0.5, 4.0, step)
    weights = np.exp((beta - 1) * log_s - np.exp(log_s))
    return weights / weights.sum(), 0.5 * np.exp(-log_s)
