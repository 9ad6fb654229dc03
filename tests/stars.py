"""Stars whose true numbers are known, drawn without any part of the package."""

from dataclasses import dataclass
from math import erf

import numpy as np

FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))
_erf = np.vectorize(erf)


@dataclass
class Field:
    """A frame and what is in it: 0-based positions, fluxes in image units."""

    data: np.ndarray
    x: np.ndarray
    y: np.ndarray
    flux: np.ndarray
    sigma: float
    noise: float

    @property
    def signal_to_noise(self):
        """Of the best of all photometry of a Gaussian star under the noise of the sky."""
        return self.flux / (self.noise * np.sqrt(4.0 * np.pi) * self.sigma)


def grid(shape, spacing, rng):
    """Positions far from each other and from the border, at any place within a pixel."""
    rows, columns = (np.arange(spacing, n - spacing + 1, spacing) for n in shape)
    x, y = (a.ravel().astype(float) for a in np.meshgrid(columns, rows))
    return x + rng.uniform(-0.5, 0.5, x.size), y + rng.uniform(-0.5, 0.5, y.size)


def add_gaussian(data, x, y, flux, sigma):
    """Add a round Gaussian, integrated over the pixels."""
    reach = int(8 * sigma) + 2
    rows, columns = _window(data, x, y, reach)

    def fractions(pixels, centre):
        edges = _erf((np.append(pixels, pixels[-1] + 1) - 0.5 - centre) / (sigma * np.sqrt(2.0)))
        return np.diff(edges) / 2.0

    data[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += flux * np.outer(
        fractions(rows, y), fractions(columns, x)
    )


def add_profile(data, x, y, flux, profile, reach, fine=7):
    """Add any profile of (dx, dy), with unit integral, averaged over each pixel."""
    rows, columns = _window(data, x, y, reach)
    steps = (np.arange(fine) + 0.5) / fine - 0.5
    dx = (columns[:, None] + steps - x).ravel()
    dy = (rows[:, None] + steps - y).ravel()
    fine_values = profile(dx[None, :], dy[:, None])
    values = fine_values.reshape(len(rows), fine, len(columns), fine).mean((1, 3))
    data[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += flux * values


def elongated(a, b, degrees):
    """Return the profile of a Gaussian of axes a, b, turned counter-clockwise from x."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))

    def profile(dx, dy):
        u, v = (dx * c + dy * s) / a, (dy * c - dx * s) / b
        return np.exp(-0.5 * (u * u + v * v)) / (2.0 * np.pi * a * b)
    return profile


def moffat(fwhm, beta):
    """Return the profile of a star with wings."""
    core = fwhm / (2.0 * np.sqrt(2.0 ** (1.0 / beta) - 1.0))

    def profile(dx, dy):
        return (beta - 1.0) / (np.pi * core**2) * (1.0 + (dx**2 + dy**2) / core**2) ** -beta
    return profile


def _window(data, x, y, reach):
    height, width = data.shape
    rows = np.arange(max(round(y) - reach, 0), min(round(y) + reach + 1, height))
    columns = np.arange(max(round(x) - reach, 0), min(round(x) + reach + 1, width))
    return rows, columns


def star_field(seed, flux, shape=(760, 760), spacing=40, fwhm=3.5, sky=200.0, noise=5.0, gain=0.0):
    """Return a field of equal stars under the noise of the sky and, with a gain, of photons."""
    rng = np.random.default_rng(seed)
    x, y = grid(shape, spacing, rng)
    flux = np.broadcast_to(np.asarray(flux, float), x.shape).copy()
    light = np.zeros(shape)
    for one in zip(x, y, flux):
        add_gaussian(light, *one, fwhm / FWHM_PER_SIGMA)
    data = sky + light + rng.normal(0.0, noise, shape)
    if gain:
        data += rng.normal(0.0, 1.0, shape) * np.sqrt(light / gain)
    return Field(data.astype(np.float32), x, y, flux, fwhm / FWHM_PER_SIGMA, noise)


def match(table, x, y, radius=2.0):
    """Return for each true position the row of the nearest source, -1 where none is near."""
    if len(table) == 0:
        return np.full(len(x), -1)
    distance = np.hypot(np.asarray(table["x"])[None, :] - x[:, None],
                        np.asarray(table["y"])[None, :] - y[:, None])
    rows = distance.argmin(1)
    return np.where(distance[np.arange(len(x)), rows] < radius, rows, -1)
