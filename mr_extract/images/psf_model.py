"""The PSF of an image as PSFEx writes it: samples that vary over the image as a polynomial."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np

from mr_extract.failures import ImageFailure

_POSITIONS = ("X_IMAGE", "XWIN_IMAGE"), ("Y_IMAGE", "YWIN_IMAGE")
_DISC = 16.0  # FWHM over the scale length of the disc of SPREAD_MODEL


@dataclass(frozen=True)
class PsfModel:
    """A model of the PSF.

    Parameters
    ----------
    samples : ndarray of float64, shape (terms, height, width)
        Of each term of the polynomial, in the order 1, x, x^2, ..., y, xy, ...; a star of
        unit flux in the middle sample.
    step : float
        Pixels of the image from sample to sample.
    fwhm : float
        Pixels of the image.
    degree : int
    zero, scale : tuple of float
        By which pixels of the image, the first being 1, become x and y of the polynomial.
    """

    samples: np.ndarray
    step: float
    fwhm: float
    degree: int = 0
    zero: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)

    def terms(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the terms of the polynomial at places in 0-based pixels, shape (n, terms)."""
        u, v = ((value + 1.0 - zero) / scale for value, zero, scale in zip(
            (x, y), self.zero, self.scale))
        u, v = (np.cumprod([np.ones(len(x)), *[one] * self.degree], axis=0) for one in (u, v))
        return np.stack([u[i] * v[j] for j in range(self.degree + 1)
                         for i in range(self.degree - j + 1)], axis=-1)

    def widened(self) -> PsfModel:
        """Return the model of a galaxy: a disc of 1/16 of the FWHM as the PSF shows it."""
        terms, height, width = self.samples.shape
        shape = (2 * height, 2 * width)
        wave = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1]))
        length = self.fwhm / _DISC / self.step
        disc = 1.0 + (2.0 * np.pi * wave * length) ** 2
        wide = np.fft.irfft2(np.fft.rfft2(self.samples, shape) / (disc * np.sqrt(disc)), shape)
        return PsfModel(wide[:, :height, :width], self.step, self.fwhm, self.degree, self.zero,
                        self.scale)


def read_psf(buffer: bytes | bytearray | memoryview) -> PsfModel:
    """Read a ``.psf`` file of PSFEx.

    Parameters
    ----------
    buffer : bytes-like

    Raises
    ------
    ImageFailure
        ``companion-mismatch`` where it is none, or varies with something else than the place on
        the image.
    """
    from astropy.io import fits

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(io.BytesIO(bytes(buffer)), memmap=False) as units:
                unit = units["PSF_DATA"]
                header, samples = unit.header, np.array(unit.data["PSF_MASK"][0], np.float64)
        return _model(header, samples)
    except ImageFailure:
        raise
    except Exception as error:  # astropy raises many classes
        text = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ImageFailure("companion-mismatch", f"it is no model of PSFEx: {text}") from error


def _model(header, samples):
    axes = header.get("POLNAXIS", 0)
    names = [str(header.get(f"POLNAME{k}", "")).strip() for k in range(1, axes + 1)]
    place = len(names) == 2 and all(name in known for name, known in zip(names, _POSITIONS))
    if names and (not place or header.get("POLNGRP", 1) != 1):
        raise ImageFailure("companion-mismatch", f"the model varies with {', '.join(names)}, and "
                                                 "not with the place on the image alone")
    degree = int(header.get("POLDEG1", 0)) if names else 0
    zero, scale = ((float(header[f"{key}1"]), float(header[f"{key}2"])) if names else default
                   for key, default in (("POLZERO", (0.0, 0.0)), ("POLSCAL", (1.0, 1.0))))
    terms = (degree + 1) * (degree + 2) // 2
    samples = samples.reshape(-1, *samples.shape[-2:])
    if len(samples) != terms or not np.isfinite(samples).all():
        raise ImageFailure("companion-mismatch", f"the model has {len(samples)} terms, and a "
                                                 f"polynomial of degree {degree} {terms}")
    step, fwhm = float(header["PSF_SAMP"]), float(header["PSF_FWHM"])
    if not (step > 0 and fwhm > 0):
        raise ImageFailure("companion-mismatch", "the model has no sampling step or FWHM")
    return PsfModel(samples, step, fwhm, degree, zero, scale)
