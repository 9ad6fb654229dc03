"""Long-slit frames whose every spectrum is known, and what all dispersed frames have.

Pixels are 0-based; the dispersion runs along x, the slit along y. Wavelengths are in Angstrom.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from preprocess.simulation.detector import cosmic_rays

_FINE = 20  # points of a pixel along the dispersion
_PER_SIGMA = 2.3548200450309493
#: Gives the wavelengths of columns.
Wavelength = Callable[[np.ndarray], np.ndarray]
#: Wavelengths and electrons.
Lines = Iterable[tuple[float, float]]

#: Lines of a star: middle, depth and FWHM in Angstrom before the instrument's.
STELLAR = ((4101.7, 0.35, 8.0), (4340.5, 0.4, 8.0), (4861.3, 0.45, 8.0), (6562.8, 0.5, 8.0),
           (6874.7, 0.35, 25.0), (7621.0, 0.6, 45.0))


class Detector(Protocol):
    """What a detector is told by."""

    @property
    def gain(self) -> float:
        """Electrons a unit."""

    @property
    def read_noise(self) -> float:
        """Electrons."""

    @property
    def bias(self) -> float:
        """Units of a pixel without light."""


@dataclass(frozen=True)
class Instrument:
    """What a long-slit spectrograph does to light.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    wavelengths : tuple of float
        Coefficients of the wavelength in Angstrom by powers of (column - middle).
    trace : tuple of float
        Coefficients of the row of an object by the same, without its own row.
    resolution : float
        FWHM of a line in pixels.
    seeing : float
        FWHM across in pixels.
    gain : float
        Electrons a unit.
    read_noise : float
        Electrons.
    bias : float
        Units.
    """

    shape: tuple[int, int] = (120, 1000)
    wavelengths: tuple[float, ...] = (5800.0, 4.0, -1.5e-4, 1.5e-7)
    trace: tuple[float, ...] = (0.0, 4e-3, 4e-6)
    resolution: float = 3.0
    seeing: float = 3.5
    gain: float = 2.0
    read_noise: float = 4.0
    bias: float = 500.0

    def wavelength(self, columns: np.ndarray) -> np.ndarray:
        """Return the wavelengths of columns."""
        return _power_series(self.wavelengths, columns - (self.shape[1] - 1) / 2)

    def row(self, columns: np.ndarray) -> np.ndarray:
        """Return the rows of an object in columns, less its own."""
        return _power_series(self.trace, columns - (self.shape[1] - 1) / 2)


@dataclass(frozen=True)
class Star:
    """A point source.

    Parameters
    ----------
    row : float
        Along the slit.
    level : float
        Electrons a column of its continuum where it is brightest.
    lines : tuple of (float, float, float)
        Absorption lines: wavelength, depth, FWHM.
    """

    row: float = 60.0
    level: float = 4000.0
    lines: tuple = field(default=STELLAR)


def continuum(wavelengths: np.ndarray) -> np.ndarray:
    """Return the throughput and colour of it all, 1 at most, and nothing beyond 3200 and 11000."""
    there = (wavelengths > 3200.0) & (wavelengths < 11000.0)
    return np.where(there, np.exp(-0.5 * ((wavelengths - 6000.0) / 1600.0) ** 2), 0.0)


def electrons(
    star: Star, wavelength: Wavelength, columns: int, resolution: float
) -> np.ndarray:
    """Return the electrons of a star in each column, without noise.

    Parameters
    ----------
    star : Star
    wavelength : callable
    columns : int
    resolution : float
        FWHM in pixels.
    """
    fine = (np.arange(-20 * _FINE, (columns + 20) * _FINE) + 0.5) / _FINE - 0.5
    waves = wavelength(fine)
    light = star.level * continuum(waves)
    for middle, depth, fwhm in star.lines:
        light = light * (1 - depth * np.exp(-0.5 * ((waves - middle) * _PER_SIGMA / fwhm) ** 2))
    return _smeared(light, resolution)


def arc_electrons(
    lines: Lines, wavelength: Wavelength, columns: int, resolution: float
) -> np.ndarray:
    """Return the electrons of a lamp in each column.

    Parameters
    ----------
    lines : iterable of (float, float)
        Wavelength and electrons.
    wavelength : callable
    columns : int
    resolution : float
    """
    fine = (np.arange(-20 * _FINE, (columns + 20) * _FINE) + 0.5) / _FINE - 0.5
    waves, light = wavelength(fine), np.zeros(len(fine))
    for middle, total in lines:
        place = np.interp(middle, waves, np.arange(len(fine)), left=np.nan, right=np.nan)
        if np.isfinite(place) and 0 <= place < len(fine) - 1:
            low = int(place)
            light[low] += total * _FINE * (1 - (place - low))
            light[low + 1] += total * _FINE * (place - low)
    return _smeared(light, resolution)


def _smeared(light, resolution):
    """Return a line of fine points through the instrument, in columns."""
    sigma = resolution / _PER_SIGMA * _FINE
    reach = int(5 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    wide = np.convolve(light, kernel / kernel.sum(), mode="same")
    return wide.reshape(-1, _FINE).mean(axis=1)[20:-20]


def across(rows: int, places: np.ndarray, seeing: float) -> np.ndarray:
    """Return the share of the light in each pixel of columns, shape (rows, columns)."""
    from scipy.special import erf

    edges = (np.arange(rows + 1)[:, None] - 0.5 - places[None, :]) / (seeing / _PER_SIGMA)
    return np.diff(0.5 * erf(edges / np.sqrt(2.0)), axis=0)


def long_slit(
    instrument: Instrument, stars: Iterable[Star], sky: float, rng: np.random.Generator,
    rays: int = 0,
) -> np.ndarray:
    """Return a frame in image units.

    Parameters
    ----------
    instrument : Instrument
    stars : iterable of Star
    sky : float
        Electrons a pixel of its continuum; there are night-sky lines in it.
    rng : numpy.random.Generator
    rays : int
        Exposures whose cosmic rays it has (`preprocess.simulation.detector`).

    Returns
    -------
    ndarray of float32, shape (rows, columns)
    """
    rows, columns = instrument.shape
    x = np.arange(columns)
    image = np.zeros(instrument.shape)
    for star in stars:
        light = electrons(star, instrument.wavelength, columns, instrument.resolution)
        image += light * across(rows, star.row + instrument.row(x), instrument.seeing)
    night = arc_electrons([(5577.3, 40 * sky), (6300.3, 20 * sky), (5891.9, 8 * sky)],
                          instrument.wavelength, columns, instrument.resolution)
    image += (sky + night) * np.linspace(0.97, 1.03, rows)[:, None]
    return detected(image, instrument, rng, rays)


def arc(instrument: Instrument, lines: Lines, rng: np.random.Generator) -> np.ndarray:
    """Return the frame of a lamp that lights the whole slit, as `long_slit`."""
    light = arc_electrons(lines, instrument.wavelength, instrument.shape[1],
                          instrument.resolution)
    return detected(np.broadcast_to(light, instrument.shape), instrument, rng, 0)


def detected(
    image: np.ndarray, detector: Detector, rng: np.random.Generator, rays: int
) -> np.ndarray:
    """Return what a detector makes of electrons, and of so many exposures' cosmic rays."""
    image = rng.poisson(np.maximum(image, 0)).astype(np.float64)
    image += rng.normal(0, detector.read_noise, image.shape)
    for _ in range(rays):
        image += cosmic_rays(rng, image.shape, detector.gain)[0]
    return (image / detector.gain + detector.bias).astype(np.float32)


def _power_series(coefficients, x):
    result = np.zeros(np.shape(x))
    for coefficient in coefficients[::-1]:
        result = result * x + coefficient
    return result
