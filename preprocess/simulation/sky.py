"""The true sky of a night: stars and galaxies with realistic number counts.

The sky is cut into square cells along the strip, and each cell is drawn from a random generator
of its own: a piece of sky is the same whoever looks at it, through whichever frame.
"""

import numpy as np

from preprocess.simulation.mixtures import SERSIC_INDICES

#: One true source: strip coordinates and half-light radius (semi-major axis), before any PSF.
SOURCE = np.dtype(
    [
        ("source", "i8"),
        ("along", "f8"),  # degrees along the strip
        ("across", "f8"),  # degrees across the strip
        ("star", "?"),
        ("mag", "f8"),
        ("half_light_radius", "f8"),  # arcsec; nan for stars
        ("ellipticity", "f8"),  # 1 - b/a
        ("angle", "f8"),  # degrees, from across the strip towards along it
        ("sersic_index", "f8"),  # nan for stars
    ]
)

#: Side of a cell in degrees.
CELL = 0.04

#: Magnitudes between which sources are drawn; the faint limit is well below detection.
BRIGHT_STAR, BRIGHT_GALAXY, FAINT = 11.0, 14.0, 24.0

#: Sources per square degree above the faint limit, and slope of log10(counts) per magnitude.
STARS, STAR_SLOPE = 20_000, 0.18
GALAXIES, GALAXY_SLOPE = 118_000, 0.40

#: Share of galaxies of each Sersic index: discs, in between, spheroids.
SERSIC_SHARES = (0.62, 0.13, 0.25)

#: Thickness of a disc seen edge on.
DISC_THICKNESS = 0.12

#: Marks the generators of the sky among all those of a night.
_SKY = 1

#: What is added to the indices of a cell to keep them positive, and sources that it may hold.
_FIRST_CELL, _CELL_CAPACITY = 1000, 10_000


def sky_sources(
    seed: int,
    along: tuple[float, float],
    across: tuple[float, float],
    density: float = 1.0,
) -> np.ndarray:
    """Give the sources of a piece of the strip.

    Parameters
    ----------
    seed : int
        Seed of the night.
    along, across : tuple of float
        Lower and upper strip coordinates in degrees. All the cells that the piece touches are
        given whole.
    density : float, optional
        Factor on the number of sources per area, at most 50.

    Returns
    -------
    sources : ndarray
        Of type `SOURCE`, in order of the source number.
    """
    cells = [
        _cell_sources(seed, i, j, density)
        for i in range(int(np.floor(along[0] / CELL)), int(np.floor(along[1] / CELL)) + 1)
        for j in range(int(np.floor(across[0] / CELL)), int(np.floor(across[1] / CELL)) + 1)
    ]
    return np.concatenate(cells)


def _cell_sources(seed: int, i: int, j: int, density: float) -> np.ndarray:
    """Draw the sources of one cell."""
    i_positive, j_positive = i + _FIRST_CELL, j + _FIRST_CELL
    rng = np.random.default_rng([seed, i_positive, j_positive, _SKY])
    area = density * CELL**2
    stars = _stars(rng, rng.poisson(STARS * area))
    galaxies = _galaxies(rng, rng.poisson(GALAXIES * area))
    sources = np.concatenate([stars, galaxies])[:_CELL_CAPACITY]
    cell = i_positive * 2 * _FIRST_CELL + j_positive
    sources["source"] = cell * _CELL_CAPACITY + np.arange(len(sources))
    sources["along"] = CELL * (i + rng.random(len(sources)))
    sources["across"] = CELL * (j + rng.random(len(sources)))
    return sources


def _magnitudes(rng: np.random.Generator, count: int, bright: float, slope: float) -> np.ndarray:
    """Draw magnitudes whose counts grow by 10^slope each magnitude."""
    least = 10 ** (slope * (bright - FAINT))
    return FAINT + np.log10(least + (1 - least) * rng.random(count)) / slope


def _stars(rng: np.random.Generator, count: int) -> np.ndarray:
    """Draw stars."""
    stars = np.zeros(count, SOURCE)
    stars["star"] = True
    stars["mag"] = _magnitudes(rng, count, BRIGHT_STAR, STAR_SLOPE)
    stars["half_light_radius"] = stars["sersic_index"] = np.nan
    return stars


def _galaxies(rng: np.random.Generator, count: int) -> np.ndarray:
    """Draw galaxies: thin discs at random inclinations, and rounder, denser spheroids."""
    galaxies = np.zeros(count, SOURCE)
    mag = _magnitudes(rng, count, BRIGHT_GALAXY, GALAXY_SLOPE)
    index = rng.choice(SERSIC_INDICES, size=count, p=SERSIC_SHARES)
    cosine = rng.random(count)
    disc = np.sqrt(DISC_THICKNESS**2 + (1 - DISC_THICKNESS**2) * cosine**2)
    axis_ratio = np.where(index < 1.5, disc, 0.35 + 0.65 * cosine)
    log_radius = 0.3 - 0.13 * (mag - 18) + 0.2 * rng.standard_normal(count)
    galaxies["mag"] = mag
    galaxies["half_light_radius"] = np.clip(10**log_radius, 0.15, 12.0)
    galaxies["ellipticity"] = 1 - axis_ratio
    galaxies["angle"] = rng.uniform(-90, 90, count)
    galaxies["sersic_index"] = index
    return galaxies
