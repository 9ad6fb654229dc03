"""The spectra of one image, and what a catalog and their files say of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mr_extract.around.weights import pixel_noise
from mr_extract.failures import ImageFailure
from mr_extract.images.card_numbers import card_number
from mr_extract.remarks import say
from mr_extract.spectra.frame import Frame, Spectrum
from mr_extract.spectra.line_lists import lamp_lines
from mr_extract.spectra.long_slit import long_slit_spectra, with_guess, with_lamp
from mr_extract.spectra.slitless import slitless_spectra
from mr_extract.spectra.zero_order import zero_order

if TYPE_CHECKING:
    from mr_extract.images.image import Image
    from mr_extract.settings.spectra import SpectraSettings

Table = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Known:
    """What a header or the settings know of an image.

    Parameters
    ----------
    gain, saturation : float
        Electrons per image unit, 0 where it is not known; value of a saturated pixel.
    seconds, airmass : float
        nan where the header has none.
    """

    gain: float
    saturation: float
    seconds: float
    airmass: float


def known_of(image: Image, settings: SpectraSettings) -> Known:
    """Return what is known of an image; a card that stands above a setting is used."""
    how, cards = settings.extraction, (image.header, image.primary)
    gain = _card(cards, how.gain_key, "GAIN")
    saturation = _card(cards, how.satur_key, "SATURATE")
    seconds = _card(cards, settings.fluxes.exptime_key, "EXPTIME")
    airmass = _card(cards, settings.fluxes.airmass_key, "AIRMASS")
    return Known(how.gain if gain is None else gain,
                 how.satur_level if saturation is None else saturation,
                 np.nan if seconds is None else seconds, np.nan if airmass is None else airmass)


def _card(cards, keyword, usual, positive=True):
    """Return the number of a card, None for none; that one a user names is not there is said."""
    found, there = card_number(cards, keyword.strip(), positive)
    if not there and keyword.strip() and keyword.strip().upper() != usual:
        say("card-not-there", keyword)
    return found


def spectra_of(
    image: Image, settings: SpectraSettings, lamp: Image | None, lines: Table | None,
    zero: tuple[float, float] | None,
) -> list[Spectrum]:
    """Extract the spectra of an image.

    Parameters
    ----------
    image : mr_extract.images.Image
    settings : mr_extract.settings.spectra.SpectraSettings
    lamp : mr_extract.images.Image, optional
        The image of a lamp (long-slit).
    lines : tuple of ndarray, optional
        Wavelengths and strengths of its lines; by default those of the setting `lamps`.
    zero : tuple of float, optional
        x and y of the zero order, about (slitless).

    Returns
    -------
    list of mr_extract.spectra.frame.Spectrum
        Rows and columns are those of an image whose dispersion runs along x.

    Raises
    ------
    ImageFailure
        ``no-trace``, ``no-wavelengths``, or ``companion-mismatch`` for a lamp of another shape.
    """
    frame = _frame(image, settings)
    if settings.geometry.geometry == "slitless":
        near = _turned(zero, settings)
        found = zero_order(frame.data, frame.good | frame.saturated, near)
        return slitless_spectra(frame, found, settings)
    spectra = long_slit_spectra(frame, settings)
    guess = _guess(image, settings)
    if lamp is None:
        return [with_guess(one, frame.data.shape[1], guess) for one in spectra]
    if lamp.data.shape != image.data.shape:
        sizes = [" x ".join(map(str, one.data.shape[::-1])) for one in (lamp, image)]
        raise ImageFailure("companion-mismatch", f"arc: it has {sizes[0]} pixels, the image "
                           f"{sizes[1]}")
    if guess is None:
        raise ImageFailure("no-wavelengths", "neither the options --wavelength and --dispersion "
                           f"nor the cards {settings.wavelengths.wavelength_key} and "
                           f"{settings.wavelengths.dispersion_key} say about where the lines of "
                           "the lamp are")
    light = lamp.pixels().astype(np.float64)
    if lamp.mask is not None:
        light[lamp.mask] = np.nan
    light = light.T if settings.geometry.dispersion_axis == "y" else light
    ceiling = known_of(lamp, settings).saturation
    lines = lines if lines is not None else lamp_lines(settings.wavelengths.lamps)
    return [with_lamp(one, light, ceiling, lines, guess, settings) for one in spectra]


def _frame(image, settings):
    """Return an image with the dispersion along x, its noise and bad pixels known."""
    known = known_of(image, settings)
    data = image.pixels().astype(np.float64)
    good = np.ones(data.shape, bool) if image.mask is None else ~image.mask
    saturated = data >= known.saturation
    if image.saturated is not None:
        saturated |= image.saturated
    sigma, _ = pixel_noise(image, settings.companions)
    if sigma is not None:
        good &= np.isfinite(sigma)
    variance = None if sigma is None else np.where(np.isfinite(sigma), sigma, 0.0) ** 2
    if not good.any():
        raise ImageFailure("no-valid-pixels", "every pixel is blank, NaN, masked or without weight")
    if settings.geometry.dispersion_axis == "y":
        data, good, saturated = data.T, good.T, saturated.T
        variance = None if variance is None else variance.T
    return Frame(data, good, saturated, variance, known.gain)


def _turned(place, settings):
    if place is None or settings.geometry.dispersion_axis == "x":
        return place
    return place[1], place[0]


def _guess(image, settings):
    """Return wavelength in the middle and Angstrom a pixel, about, None where nobody says."""
    how, cards = settings.wavelengths, (image.header, image.primary)
    middle = how.wavelength or _card(cards, how.wavelength_key, "WAVCENT")
    step = how.dispersion or _card(cards, how.dispersion_key, "WAVDISP", False)
    return (middle, step) if middle and step else None


def row_of(
    spectrum: Spectrum, number: int, image: Image, settings: SpectraSettings
) -> dict[str, Any]:
    """Return what a catalog says of a spectrum, but for its file.

    Pixels are those of the whole image, where this is a region of one.
    """
    trace, along = spectrum.trace, (0 if settings.geometry.dispersion_axis == "x" else 1)
    known, extracted, origin = known_of(image, settings), spectrum.extracted, image.origin
    middle = (trace.first + trace.last - 1) / 2.0
    place = [middle, float(trace.curve(middle))][:: -1 if along else 1]
    zero = list(spectrum.zero)[:: -1 if along else 1]
    half = len(spectrum.wavelength) // 2
    step = float(spectrum.steps[half])
    coefficients = trace.curve.coefficients.copy()
    coefficients[0] += origin[1 - along]
    scale = settings.fluxes.slit_scale or np.nan
    return {
        "number": number, "order": spectrum.order, "flag": spectrum.flag,
        "x": place[0] + origin[0], "y": place[1] + origin[1],
        "x_zero": zero[0] + origin[0], "y_zero": zero[1] + origin[1],
        "first": trace.first + origin[along], "last": trace.last - 1 + origin[along],
        **{f"trace_{k}": value for k, value in enumerate(coefficients)},
        "trace_rms": trace.rms, "trace_points": trace.points,
        "seeing": trace.fwhm, "seeing_sky": trace.fwhm * scale, "aperture": spectrum.aperture,
        "wave_min": float(spectrum.wavelength.min()), "wave_max": float(spectrum.wavelength.max()),
        "dispersion": step, "wave_rms": spectrum.wave_rms,
        "wave_rms_pix": spectrum.wave_rms / step,
        "lines_found": spectrum.lines_found, "lines_used": spectrum.lines_used,
        "resolution": spectrum.line_fwhm * step, "grating_distance": spectrum.distance,
        "snr": spectrum.snr, "flux": _median(extracted.flux), "sky": _median(spectrum.sky),
        "sky_rms": _median(spectrum.sky_scatter), "rays": extracted.rays,
        "bad": int((~np.isfinite(extracted.flux)).sum()), "exptime": known.seconds,
        "airmass": known.airmass, "gain": known.gain,
    }


def _median(values):
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else np.nan
