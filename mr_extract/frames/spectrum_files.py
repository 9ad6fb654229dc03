"""A spectrum as the file that is kept of it, its fluxes calibrated where that can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.frames.spectra import Table, known_of
from mr_extract.remarks import say
from mr_extract.spectra.files import ADU, CALIBRATED, columns_of, fits_file, parquet_file
from mr_extract.spectra.response import at_wavelengths, rate_of, response_from

if TYPE_CHECKING:
    from mr_extract.images.image import Image
    from mr_extract.settings.spectra import SpectraSettings
    from mr_extract.spectra.frame import Spectrum

#: Cards of an image that its spectra have, too.
_CARDS = ("OBJECT", "TELESCOP", "INSTRUME", "DATE-OBS", "EXPTIME", "AIRMASS", "GRATID")


def file_of(
    spectrum: Spectrum, number: int, name: str, image: Image, settings: SpectraSettings,
    response: Table | None, standard: Table | None,
) -> bytes:
    """Return the content of the file of a spectrum.

    Parameters
    ----------
    spectrum : mr_extract.spectra.frame.Spectrum
    number : int
        Of it in the image.
    name : str
        Of the image.
    image : mr_extract.images.Image
    settings : mr_extract.settings.spectra.SpectraSettings
    response : tuple of ndarray, optional
        Wavelengths and what a unit of the image a second is in erg/s/cm2.
    standard : tuple of ndarray, optional
        Wavelengths and fluxes of the star that it is.

    Raises
    ------
    ImageFailure
        ``no-wavelengths`` where a calibration needs wavelengths, or has too few.
    """
    extracted, along = spectrum.extracted, int(settings.geometry.dispersion_axis == "y")
    pixel = spectrum.trace.columns + image.origin[along]
    values = {"flux": extracted.flux, "uncertainty": extracted.error,
              "aperture_flux": extracted.aperture_flux,
              "aperture_uncertainty": extracted.aperture_error}
    unit, found = ADU, None
    if response is not None or standard is not None:
        seconds = _seconds(image, settings)
        if not np.isfinite(spectrum.wavelength).all():
            raise ImageFailure("no-wavelengths", "fluxes cannot be calibrated without wavelengths")
    if standard is not None:
        found = response_from(
            spectrum.wavelength, rate_of(extracted.flux, spectrum.wavelength, seconds),
            rate_of(extracted.error, spectrum.wavelength, seconds), standard,
            settings.fluxes.response_step)
    if response is not None:
        factor = at_wavelengths(response, spectrum.wavelength)
        unit = CALIBRATED
        values = {key: rate_of(one, spectrum.wavelength, seconds) * factor
                  for key, one in values.items()}
    columns = columns_of(spectrum.wavelength, pixel, values, extracted.quality, unit, spectrum.sky,
                         found)
    made = fits_file if settings.fluxes.spectrum_format == "fits" else parquet_file
    return made(columns, _cards(spectrum, number, name, image))


def _seconds(image, settings):
    seconds = known_of(image, settings).seconds
    if np.isfinite(seconds):
        return seconds
    say("unusable-card", f"{settings.fluxes.exptime_key}: the exposure is taken for 1 s")
    return 1.0


def _cards(spectrum, number, name, image):
    cards = {"ORIGIN": ("mr_extract", ""), "SPECNUM": (number, "number of the spectrum"),
             "SPECORD": (spectrum.order, "order of the grating")}
    text = "".join(character for character in name if " " <= character <= "~")[-60:]
    cards["IMAGE"] = text, "id of the image"
    for keyword in _CARDS:
        for header in (image.header, image.primary):
            value = header.get(keyword)
            if isinstance(value, (int, float, str)) and keyword not in cards:
                if isinstance(value, str):
                    value = "".join(c for c in value if " " <= c <= "~")[:60]
                elif not np.isfinite(value):
                    continue
                cards[keyword] = value, ""
    return cards
