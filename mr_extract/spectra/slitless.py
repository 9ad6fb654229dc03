"""The orders of an object behind a grating without slit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.columns import spectra as bits
from mr_extract.failures import ImageFailure
from mr_extract.remarks import say
from mr_extract.spectra.dispersion import Grating, refined
from mr_extract.spectra.frame import Frame, Spectrum
from mr_extract.spectra.light import taken_out
from mr_extract.spectra.line_lists import FEATURES
from mr_extract.spectra.objects import along_the_slit, found_objects

if TYPE_CHECKING:
    from mr_extract.settings.spectra import SpectraSettings

_LEAST = 30  # columns of an order within the image
_SEARCH = 25.0  # rows from where the tilt says that an order is
_HALF = 60.0  # Angstrom in which a line that is named by its wavelength is looked for


def slitless_spectra(
    frame: Frame, zero: tuple[float, float], settings: SpectraSettings
) -> list[Spectrum]:
    """Extract the orders of an object.

    Parameters
    ----------
    frame : mr_extract.spectra.frame.Frame
    zero : tuple of float
        Column and row of its zero order.
    settings : mr_extract.settings.spectra.SpectraSettings

    Returns
    -------
    list of Spectrum
        In the order of `orders`; one that is not in the image, or cannot be followed, is said
        and left out.

    Raises
    ------
    ImageFailure
        ``no-trace`` where none is left.
    """
    spectra: list[Spectrum] = []
    first: ImageFailure | None = None
    for number in settings.disperser.orders:
        try:
            spectra.append(_order(frame, zero, int(number), settings))
        except ImageFailure as failure:
            first = first or failure
            say("not-used", f"order {int(number)}: {failure.message}")
    if first is not None and not spectra:
        raise first
    return spectra


def _order(frame, zero, number, settings):
    how = settings.disperser
    grating = Grating(how.lines_per_mm, how.grating_distance, how.pixel_size, number,
                      how.incidence)
    columns = _columns(frame, zero, grating, settings)
    slope = _tangent(settings.geometry.tilt)
    middle = (columns[0] + columns[1] - 1) / 2.0
    row, fwhm, others = _row(frame, zero[1] + slope * (middle - zero[0]), columns, settings)
    spectrum = taken_out(frame, row, fwhm, columns, settings, others, slope)
    x = spectrum.trace.columns
    away = np.sqrt((x - zero[0]) ** 2 + (spectrum.trace.curve(x) - zero[1]) ** 2)
    distance = np.where(x < zero[0], -away, away)
    flux, error = spectrum.extracted.flux, spectrum.extracted.error
    found = refined(grating, distance, flux, error, _features(how.features))
    flag = spectrum.flag | bits.UNREFINED * (len(found.places) == 0)
    return replace(spectrum, wavelength=found.grating.wavelength(distance), order=number,
                   wave_rms=found.rms, lines_used=len(found.places), flag=flag,
                   lines_found=len(found.places), distance=found.grating.distance, zero=zero)


def _columns(frame, zero, grating, settings):
    """Return the columns of an order within the image, the last excluded."""
    ends = zero[0] + grating.distance_of(np.array(settings.disperser.wavelength_range))
    size = frame.data.shape[1]
    low, high = settings.geometry.dispersion_pixels
    allowed = (0, size) if (low, high) == (0.0, 0.0) else (int(low), min(int(high) + 1, size))
    if not np.isfinite(ends).all():
        raise ImageFailure("no-trace", "the grating does not bend these wavelengths so far")
    first, last = max(int(np.ceil(ends.min())), allowed[0]), min(int(ends.max()) + 1, allowed[1])
    if last - first < _LEAST:
        raise ImageFailure("no-trace", f"it would be at pixels {ends.min():.0f} to "
                           f"{ends.max():.0f} along the dispersion, of which the image has "
                           f"{max(last - first, 0)}")
    return first, last


def _row(frame, expected, columns, settings):
    """Return the row in the middle of an order, its FWHM, and the rows of others."""
    third = (columns[1] - columns[0]) // 3
    part = slice(columns[0] + third, columns[1] - third)
    low = max(int(expected - 3.0 * _SEARCH), 0)
    high = min(int(expected + 3.0 * _SEARCH) + 1, len(frame.data))
    if high - low < 10:
        raise ImageFailure("no-trace", f"it would be about row {expected:.0f}, which is not in "
                           "the image")
    profile = along_the_slit(frame.data[low:high, part], frame.good[low:high, part])
    found = found_objects(profile, 20, settings.geometry.object_thresh, 6.0)
    near = [one for one in found if abs(low + one.row - expected) <= _SEARCH]
    if not near:
        raise ImageFailure("no-trace", f"nothing stands out within {_SEARCH:g} rows of row "
                           f"{expected:.0f}")
    own = near[0]
    others = [(low + float(one.row), one.fwhm if np.isfinite(one.fwhm) else 6.0)
              for one in found if one is not own]
    return low + float(own.row), own.fwhm, others


def _features(names):
    """Return wavelengths and half widths of features by name or wavelength."""
    found = []
    for name in names:
        if name in FEATURES:
            found.append(FEATURES[name])
        elif name != "none":
            found.append((float(name), _HALF))
    return found


def _tangent(degrees):
    """Return the tangent of a small angle, by its series: the same on every machine."""
    angle = degrees * (np.pi / 180.0)
    square = angle * angle
    return angle * (1.0 + square * (1 / 3 + square * (2 / 15 + square * (17 / 315))))
