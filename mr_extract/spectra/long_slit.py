"""The spectra of a long-slit image, with wavelengths by a lamp."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.columns import spectra as bits
from mr_extract.failures import ImageFailure
from mr_extract.remarks import say
from mr_extract.spectra.arc import lines_in, solution
from mr_extract.spectra.frame import Frame, Spectrum
from mr_extract.spectra.light import taken_out
from mr_extract.spectra.medians import median_of
from mr_extract.spectra.objects import along_the_slit, found_objects

if TYPE_CHECKING:
    from mr_extract.settings.spectra import SpectraSettings

_MOST = 50  # objects along a slit that are kept out of the sky
_APART = 6.0  # rows
_ARC_ROWS = 2  # on either side of the trace, of which the lamp's light is the median
_BEYOND = 0.2  # of the columns


def long_slit_spectra(frame: Frame, settings: SpectraSettings) -> list[Spectrum]:
    """Extract the brightest objects along a slit; wavelengths are nan still.

    Parameters
    ----------
    frame : mr_extract.spectra.frame.Frame
    settings : mr_extract.settings.spectra.SpectraSettings

    Returns
    -------
    list of Spectrum
        The brightest first; one that cannot be followed is said and left out.

    Raises
    ------
    ImageFailure
        ``no-trace`` where none is left.
    """
    geometry = settings.geometry
    columns = columns_of(frame, settings)
    part = slice(*columns)
    profile = along_the_slit(frame.data[:, part], frame.good[:, part])
    found = found_objects(profile, _MOST, geometry.object_thresh, _APART)
    if not found:
        raise ImageFailure("no-trace", "no object stands out along the slit by "
                           f"{geometry.object_thresh:g} times the scatter of its rows")
    spectra: list[Spectrum] = []
    first: ImageFailure | None = None
    for one in found[: geometry.objects]:
        others = [(float(other.row), other.fwhm if np.isfinite(other.fwhm) else _APART)
                  for other in found if other is not one]
        try:
            spectra.append(taken_out(frame, float(one.row), one.fwhm, columns, settings, others))
        except ImageFailure as failure:
            first = first or failure
            say("not-used", f"the object about row {one.row}: {failure.message}")
    if first is not None and not spectra:
        raise first
    return spectra


def columns_of(frame: Frame, settings: SpectraSettings) -> tuple[int, int]:
    """Return the columns that count, the last excluded.

    Raises
    ------
    ImageFailure
        ``bad-region`` where the image has too few of them.
    """
    size = frame.data.shape[1]
    low, high = settings.geometry.dispersion_pixels
    columns = (0, size) if (low, high) == (0.0, 0.0) else (int(low), min(int(high) + 1, size))
    if columns[1] - columns[0] < 10:
        raise ImageFailure("bad-region", f"pixels {low:g} to {high:g} along the dispersion are "
                           f"fewer than 10 of the image's {size}")
    return columns


def with_lamp(
    spectrum: Spectrum, lamp: np.ndarray, ceiling: float,
    known: tuple[np.ndarray, np.ndarray], guess: tuple[float, float], settings: SpectraSettings,
) -> Spectrum:
    """Return a spectrum with the wavelengths that a lamp has on its trace.

    Parameters
    ----------
    spectrum : Spectrum
    lamp : ndarray of float64, shape (rows, columns)
        The image of the lamp, nan where a pixel is bad.
    ceiling : float
        Value of a saturated pixel.
    known : tuple of ndarray
        Wavelengths and strengths of the lamp's lines.
    guess : tuple of float
        Wavelength of the image's middle column, and Angstrom a column.
    settings : mr_extract.settings.spectra.SpectraSettings

    Raises
    ------
    ImageFailure
        ``no-wavelengths``.
    """
    how, size = settings.wavelengths, lamp.shape[1]
    places = spectrum.trace.curve(np.arange(size))
    rows = np.rint(places).astype(np.int64) + np.arange(-_ARC_ROWS, _ARC_ROWS + 1)[:, None]
    inside = (rows >= 0) & (rows < len(lamp))
    values = np.where(inside, lamp[np.clip(rows, 0, len(lamp) - 1), np.arange(size)], np.nan)
    light = median_of(values, 0)
    there = np.isfinite(light)
    if there.sum() < 10:
        raise ImageFailure("no-wavelengths", "the image of the lamp has no good pixels where the "
                           "spectrum runs")
    columns = np.arange(size)
    light = np.interp(columns, columns[there], light[there])
    found, fwhm = lines_in(light, how.arc_thresh, ceiling)
    result = solution(found, fwhm, known, size, *guess, how.wavelength_search,
                      how.wavelength_degree, how.arc_lines)
    own = spectrum.trace.columns
    beyond = ((own < result.columns.min()) | (own > result.columns.max())).mean() > _BEYOND
    return replace(spectrum, wavelength=result.curve(own), wave_rms=result.rms,
                   lines_found=result.found, lines_used=len(result.columns), line_fwhm=fwhm,
                   flag=spectrum.flag | bits.BEYOND_LINES * bool(beyond))


def with_guess(spectrum: Spectrum, size: int, guess: tuple[float, float] | None) -> Spectrum:
    """Return a spectrum with the wavelengths of a guess, as of `with_lamp`, nan without one."""
    flag = spectrum.flag | bits.NO_LAMP
    if guess is None:
        return replace(spectrum, flag=flag)
    waves = guess[0] + guess[1] * (spectrum.trace.columns - (size - 1) / 2.0)
    return replace(spectrum, wavelength=waves, flag=flag)
