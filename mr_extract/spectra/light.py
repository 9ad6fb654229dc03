"""The light of one object taken out of a frame: trace, sky, noise, extraction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mr_extract.columns import spectra as bits
from mr_extract.failures import ImageFailure
from mr_extract.spectra.centroids import width_of
from mr_extract.spectra.extraction import BAD, LOST, SATURATED, extracted, share_within
from mr_extract.spectra.frame import Frame, Spectrum
from mr_extract.spectra.medians import median_of
from mr_extract.spectra.noise import ground_variance
from mr_extract.spectra.sky import sky_beside
from mr_extract.spectra.trace import Trace, followed

if TYPE_CHECKING:
    from mr_extract.settings.spectra import SpectraSettings

_BRIGHT = 0.3  # of the flux of a bright column
_BIN = 0.25  # pixels across, of the profile of which the FWHM is
_NARROWEST, _WIDEST = 1.5, 40.0
_WIDTHS, _BESIDE, _SKY = 4.0, 2.0, 20.0  # of an aperture and its sky: FWHM, pixels, pixels
_OTHERS = 1.5  # FWHM on either side of another object in which there is no sky
_SHARE_OF_COLUMNS = 0.1


def taken_out(
    frame: Frame, start: float, fwhm: float, columns: tuple[int, int],
    settings: SpectraSettings, others: list[tuple[float, float]], slope: float = 0.0,
) -> Spectrum:
    """Follow and extract one object; its wavelengths are nan still.

    Parameters
    ----------
    frame : mr_extract.spectra.frame.Frame
    start : float
        Row in the middle of the columns where it is about.
    fwhm : float
        Of its light across in pixels, about.
    columns : tuple of int
        First and last, the last excluded.
    settings : mr_extract.settings.spectra.SpectraSettings
    others : list of (float, float)
        Rows and FWHM of other objects: they are no sky.
    slope : float
        Rows a column by which it rises, about.

    Raises
    ------
    ImageFailure
        ``no-trace``.
    """
    how = settings.extraction
    fwhm = float(np.clip(fwhm if np.isfinite(fwhm) else 4.0, _NARROWEST, _WIDEST))
    trace = followed(frame.data, frame.good, start, fwhm, settings.geometry.trace_degree,
                     columns, slope)
    fwhm = _fwhm_along(frame, trace, fwhm)
    trace = Trace(trace.curve, trace.first, trace.last, trace.rms, trace.points, fwhm)
    half = (how.aperture or _WIDTHS * fwhm) / 2.0
    inner, outer = how.sky if tuple(how.sky) != (0.0, 0.0) else (half + _BESIDE,
                                                                 half + _BESIDE + _SKY)
    offsets, rows = _offsets(frame, trace, max(outer, half) + 1.0)
    cut = rows, slice(trace.first, trace.last)
    data, good = frame.data[cut], frame.good[cut]
    free = good.copy()
    for row, width in others:
        free[np.abs(offsets + start - row) <= _OTHERS * width] = False
    sky = sky_beside(data, free, offsets, inner, outer, how.sky_degree)
    if not np.isfinite(sky.level).any():
        raise ImageFailure("no-trace", f"there is no sky beside the spectrum about row "
                           f"{start:.0f}, {inner:.3g} to {outer:.3g} pixels from it")
    if frame.variance is None:
        ground = np.broadcast_to(ground_variance(sky, frame.gain, how.read_noise, how.bias),
                                 data.shape)
    else:
        ground = frame.variance[cut]
    result = extracted(data - sky.at(offsets), good & np.isfinite(sky.level), ground, frame.gain,
                       offsets, half, fwhm, how.ray_thresh, sky.error,
                       frame.variance is not None)
    share = share_within(offsets, half)
    result.quality[((share > 0) & frame.saturated[cut] & good).any(axis=0)] |= SATURATED
    over = share.sum(axis=0) < 2.0 * half - 0.01
    result.quality[over] |= BAD
    flag = _flag(frame, result, sky, free, offsets, (inner, outer), how.sky_degree, over)
    return Spectrum(trace, result, sky.level, sky.scatter, np.full(len(sky.level), np.nan),
                    2.0 * half, flag=flag)


def _offsets(frame, trace, reach):
    """Return rows less that of the trace, and the rows that are not farther than `reach`."""
    places = trace.curve(trace.columns)
    low = max(int(np.floor(places.min() - reach)), 0)
    high = min(int(np.ceil(places.max() + reach)) + 1, len(frame.data))
    if high - low < 3:
        raise ImageFailure("no-trace", "the trace of a spectrum leaves the image")
    return np.arange(low, high)[:, None] - places[None, :], slice(low, high)


def _fwhm_along(frame, trace, fwhm):
    """Return the FWHM of the light about the trace, in pixels."""
    reach = 4.0 * fwhm + 2.0
    offsets, rows = _offsets(frame, trace, reach)
    cut = rows, slice(trace.first, trace.last)
    values = np.where(frame.good[cut], frame.data[cut], np.nan)
    beside = np.where(np.abs(offsets) > 2.5 * fwhm, values, np.nan)
    values = values - median_of(beside, 0)
    inner = np.abs(offsets) <= 1.5 * fwhm
    flux = np.where(inner & np.isfinite(values), values, 0.0).sum(axis=0)
    bright = flux > _BRIGHT * np.sort(flux)[int(0.9 * len(flux))]
    if not bright.any():
        return fwhm
    values, offsets = (values[:, bright] / flux[bright]), offsets[:, bright]
    bins = np.rint(offsets / _BIN).astype(np.int64)
    most = int(reach / _BIN)
    light = np.array([_mean(values[bins == k]) for k in range(-most, most + 1)])
    there = np.isfinite(light)
    if there.sum() < 5:
        return fwhm
    x = np.arange(len(light))
    light = np.interp(x, x[there], light[there])
    peak = int(most - fwhm / _BIN + np.argmax(light[most - int(fwhm / _BIN) :
                                                    most + int(fwhm / _BIN) + 1]))
    width = width_of(light, peak) * _BIN
    return float(np.clip(width, _NARROWEST, _WIDEST)) if np.isfinite(width) else fwhm


def _mean(values):
    """Return the mean of the middle four fifths of what is finite."""
    values = np.sort(values[np.isfinite(values)])
    part = values[len(values) // 10 : len(values) - len(values) // 10]
    return part.mean() if len(part) else np.nan


def _flag(frame, result, sky, free, offsets, ring, degree, over):
    sides = [((free & (side * offsets >= ring[0]) & (side * offsets <= ring[1])).sum(axis=0) < 5)
             .mean() for side in (-1, 1)]
    return (bits.ONE_SIDED * bool(degree > 0 and max(sides) > _SHARE_OF_COLUMNS)
            | bits.SATURATED * bool((result.quality & SATURATED).any())
            | bits.GAPS * bool((result.quality & LOST).any() or not np.isfinite(result.flux).all())
            | bits.CUT * bool(over.any())
            | bits.NO_GAIN * bool(not frame.gain > 0 and frame.variance is None))
