"""Frames of a camera behind a grating, without slit, whose every spectrum is known.

Pixels are 0-based; the dispersion runs along x but for the tilt. Wavelengths are in Angstrom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from preprocess.simulation.dispersed import Star, across, detected, electrons


@dataclass(frozen=True)
class Slitless:
    """A grating in front of a camera.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    zero : tuple of float
        x and y of the zero order.
    lines, distance, pixel, incidence : float
        Lines a mm, its distance from the sensor and the pixel in mm, the angle in degrees.
    tilt : float
        Degrees by which the dispersion is turned from x.
    resolution, seeing : float
        FWHM in pixels.
    gain, read_noise, bias : float
        As of `Instrument`.
    second : float
        Light of the second order in that of the first.
    """

    shape: tuple[int, int] = (300, 1200)
    zero: tuple[float, float] = (120.3, 150.8)
    lines: float = 300.0
    distance: float = 55.0
    pixel: float = 0.024
    incidence: float = 0.0
    tilt: float = 0.8
    resolution: float = 4.0
    seeing: float = 4.0
    gain: float = 2.0
    read_noise: float = 6.0
    bias: float = 300.0
    second: float = 0.05

    def wavelength(self, columns: np.ndarray, order: int = 1) -> np.ndarray:
        """Return the wavelengths of columns."""
        along = (columns - self.zero[0]) / np.cos(np.radians(self.tilt))
        start = np.radians(self.incidence)
        bent = np.sin(start + np.arctan(along * self.pixel / self.distance)) - np.sin(start)
        return bent / (order * self.lines * 1e-7)

    def row(self, columns: np.ndarray) -> np.ndarray:
        """Return the rows of the spectrum in columns."""
        return self.zero[1] + (columns - self.zero[0]) * np.tan(np.radians(self.tilt))


def slitless(
    camera: Slitless, star: Star, sky: float, rng: np.random.Generator,
    others: Iterable[tuple[float, float, float]] = (), rays: int = 0,
    orders: Iterable[int] = (1,),
) -> np.ndarray:
    """Return a frame of a star behind a grating, in image units.

    Parameters
    ----------
    camera : Slitless
    star : Star
        Its row is that of the camera's `zero`.
    sky : float
        Electrons a pixel.
    rng : numpy.random.Generator
    others : iterable of (float, float, float)
        x, y and electrons of the zero orders of other stars; their spectra are too faint.
    rays : int
        As for `long_slit`.
    orders : iterable of int
        The first of a side; the second is there with it.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
    """
    rows, columns = camera.shape
    x = np.arange(columns)
    image = np.full(camera.shape, float(sky))
    for order in orders:
        image += order_electrons(camera, star, order) * across(rows, camera.row(x), camera.seeing)
        image += camera.second * order_electrons(camera, star, 2 * order) * across(
            rows, camera.row(x), camera.seeing)
    for place in [(*camera.zero, 400.0 * star.level), *others]:
        along = across(columns, np.array([place[0]]), camera.seeing)[:, 0]
        image += place[2] * across(rows, np.array([place[1]]), camera.seeing) * along
    return detected(image, camera, rng, rays)


def order_electrons(camera: Slitless, star: Star, order: int) -> np.ndarray:
    """Return the electrons of an order in each column, without noise."""
    return electrons(star, lambda x: camera.wavelength(x, order), camera.shape[1],
                     camera.resolution)
