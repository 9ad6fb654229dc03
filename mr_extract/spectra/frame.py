"""A dispersed image made ready: turned, its noise and bad pixels known; and what is made of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mr_extract.spectra.extraction import Extracted
from mr_extract.spectra.trace import Trace


@dataclass(frozen=True)
class Frame:
    """A dispersed image, wavelengths along its second axis.

    Parameters
    ----------
    data : ndarray of float64, shape (rows, columns)
    good : ndarray of bool, shape (rows, columns)
    saturated : ndarray of bool, shape (rows, columns)
        Saturated pixels may be good.
    variance : ndarray of float64, shape (rows, columns), or None
        Of the pixels, the photon noise of all light in it; None where the image shall tell it.
    gain : float
        Electrons per image unit, 0 where it is not known.
    """

    data: np.ndarray
    good: np.ndarray
    saturated: np.ndarray
    variance: np.ndarray | None
    gain: float


@dataclass
class Spectrum:
    """One spectrum.

    Parameters
    ----------
    trace : mr_extract.spectra.trace.Trace
    extracted : mr_extract.spectra.extraction.Extracted
        In image units.
    sky, sky_scatter : ndarray of float64, shape (n,)
        Sky on the trace and its scatter from pixel to pixel.
    wavelength : ndarray of float64, shape (n,)
        Angstrom, nan where it is not known.
    aperture : float
        Width in pixels.
    order : int
    flag : int
        Sum of bits of `mr_extract.columns.spectra.FLAGS`.
    wave_rms : float
        Angstrom.
    lines_found, lines_used : int
    line_fwhm : float
        Of a lamp's line, in pixels.
    distance : float
        Of the grating in mm, as lines tell it.
    zero : tuple of float
        x and y of the zero order.
    """

    trace: Trace
    extracted: Extracted
    sky: np.ndarray
    sky_scatter: np.ndarray
    wavelength: np.ndarray
    aperture: float
    order: int = 1
    flag: int = 0
    wave_rms: float = np.nan
    lines_found: int = 0
    lines_used: int = 0
    line_fwhm: float = np.nan
    distance: float = np.nan
    zero: tuple[float, float] = field(default=(np.nan, np.nan))

    @property
    def steps(self) -> np.ndarray:
        """Angstrom a column, without sign, shape (n,)."""
        return np.abs(np.gradient(self.wavelength))

    @property
    def snr(self) -> float:
        """Median of flux over error, nan where there is none."""
        ratio = self.extracted.flux / self.extracted.error
        ratio = ratio[np.isfinite(ratio)]
        return float(np.median(ratio)) if len(ratio) else np.nan
