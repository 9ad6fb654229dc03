"""Fluxes, areas and widths within the isophote."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.portable.logarithm import logarithm

if TYPE_CHECKING:
    from mr_extract.detection.segments import Segments
    from mr_extract.planes.plane import Plane
    from mr_extract.settings.detecting import Detection

LEVELS = 8  # SExtractor's NISO
# SExtractor's fit of what a Gaussian has beyond an isophote (Maddox et al. 1990).
_WINGS = (0.196099, 0.751208)
_CORE = 0.2  # of the peak: the pixels above it are the core


def isophotal(plane: Plane, segments: Segments) -> dict[str, np.ndarray]:
    """Sum an image within the objects' pixels.

    Parameters
    ----------
    plane : mr_extract.planes.plane.Plane
        Image to sum, that of the detection or another one.
    segments : mr_extract.detection.segments.Segments

    Returns
    -------
    dict of str to ndarray, shape (n,)
        `flux_iso`, `fluxerr_iso` (sqrt(sum of noise^2 + flux / gain)) and
        `peak`, the highest pixel.
    """
    pixels = plane.data.ravel()[segments.pixels].astype(float)
    flux = segments.sums(pixels)
    if isinstance(plane.noise, np.ndarray):
        variance = segments.sums(plane.noise.ravel()[segments.pixels].astype(float) ** 2)
    else:
        variance = np.diff(segments.starts) * plane.noise**2
    if plane.gain > 0:
        variance = variance + np.maximum(flux, 0.0) / plane.gain
    peak = np.maximum.reduceat(pixels, segments.starts[:-1]) if segments.count else pixels[:0]
    return {"flux_iso": flux, "fluxerr_iso": np.sqrt(variance), "peak": peak}


def corrected(
    flux: np.ndarray, error: np.ndarray, npix: np.ndarray, threshold: np.ndarray
) -> dict[str, np.ndarray]:
    """Add to isophotal fluxes what a Gaussian has beyond the isophote.

    Parameters
    ----------
    flux, error : ndarray of float64, shape (n,)
        `flux_iso` and `fluxerr_iso`.
    npix : ndarray of int, shape (n,)
        Pixels over the threshold in the filtered image.
    threshold : ndarray of float64, shape (n,)
        In image units.

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
        `flux_isocor` = flux / (1 - 0.196099 t - 0.751208 t^2), with
        t = npix threshold / flux between 0 and 1, and `fluxerr_isocor`, which
        knows of the uncertainty of the area.
    """
    first, second = _WINGS
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(flux > 0, np.clip(npix * threshold / flux, 0.0, 1.0), 0.0)
        relative = (error / flux) ** 2
        slope = t * np.sqrt(relative + 1.0 / np.maximum(npix, 1))
        slope *= first + 2.0 * second * t
        whole = np.sqrt(relative + slope * slope) * flux
    return {
        "flux_isocor": flux / (1.0 - first * t - second * t * t),
        "fluxerr_isocor": np.where(flux > 0, whole, error),
    }


def thresholds(
    plane: Plane, segments: Segments, settings: Detection
) -> tuple[np.ndarray, np.ndarray]:
    """Return the threshold of each of the objects' pixels and the least of each object.

    Parameters
    ----------
    plane : mr_extract.planes.plane.Plane
        The image that is measured.
    segments : mr_extract.detection.segments.Segments
    settings : mr_extract.settings.detecting.Detection
        `analysis_thresh`, or `thresh` where it is 0.

    Returns
    -------
    pixels : ndarray of float64, shape (m,)
        In image units above the background.
    objects : ndarray of float64, shape (n,)
    """
    thresh, kind = settings.thresh, settings.thresh_type
    noise = plane.noise if plane.sky_noise is None else plane.sky_noise
    if settings.analysis_thresh:
        thresh, kind = settings.analysis_thresh, settings.analysis_thresh_type
    if kind == "absolute":
        pixels = np.full(len(segments.pixels), float(thresh))
    elif isinstance(noise, np.ndarray):
        pixels = thresh * noise.ravel()[segments.pixels].astype(float)
    else:
        pixels = np.full(len(segments.pixels), float(thresh * noise))
    least = np.minimum.reduceat(pixels, segments.starts[:-1]) if segments.count else pixels[:0]
    return pixels, least


def areas(
    plane: Plane, segments: Segments, levels: tuple[np.ndarray, np.ndarray]
) -> dict[str, np.ndarray]:
    """Count the objects' pixels over eight levels between threshold and peak.

    Parameters
    ----------
    plane : mr_extract.planes.plane.Plane
    segments : mr_extract.detection.segments.Segments
    levels : tuple of two ndarrays
        From `thresholds`.

    Returns
    -------
    dict of str to ndarray of int64, shape (n,)
        `iso0` ... `iso7`: pixels over threshold (peak / threshold)^(k/8), over 0
        where either is not positive; `tnpix`: over the threshold.
    """
    pixels, (by_pixel, least) = plane.data.ravel()[segments.pixels], levels
    peak = np.maximum.reduceat(pixels, segments.starts[:-1]) if segments.count else pixels[:0]
    positive = (peak > 0) & (least > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(positive, peak.astype(float) / least, 1.0)
    step, over = np.sqrt(np.sqrt(np.sqrt(ratio))), [np.where(positive, least, 0.0)]
    while len(over) < LEVELS:
        over.append(over[-1] * step)
    # Rounding may not let one come out below the one before.
    counts = segments.count_over(pixels, np.maximum.accumulate(over))
    columns = {f"iso{k}": count for k, count in enumerate(counts)}
    columns["tnpix"] = segments.sums(pixels > by_pixel).astype(np.int64)
    return columns


def core_width(
    plane: Plane, segments: Segments, objects: np.ndarray, least: np.ndarray
) -> np.ndarray:
    """Return the FWHM of the Gaussian that fits the objects' cores (FWHM_IMAGE).

    Parameters
    ----------
    plane : mr_extract.planes.plane.Plane
    segments : mr_extract.detection.segments.Segments
    objects : structured ndarray, shape (n,)
        Their x, y, a and b.
    least : ndarray of float64, shape (n,)
        Threshold in image units.

    Returns
    -------
    ndarray of float64, shape (n,)
        In pixels: from a straight line through the logarithm of the pixels over
        a fifth of the peak and over the threshold against the square of their
        distance, weighed by their squares, without saturated ones; at most
        1.6651 sqrt(13 a b) and less 1 / (4 FWHM) for the width of a pixel. nan
        where there are too few (SExtractor says 0).
    """
    flat = segments.pixels
    value, owner = plane.data.ravel()[flat].astype(float), segments.owner
    peak = np.maximum.reduceat(value, segments.starts[:-1]) if segments.count else value[:0]
    floor = np.maximum(_CORE * peak, least)
    core = (value > floor[owner]) & (floor[owner] > 0)
    if plane.saturated is not None:
        core &= ~plane.saturated.ravel()[flat]
    flat, value, owner = flat[core], value[core], owner[core]
    width = plane.data.shape[1]
    dx, dy = flat % width - objects["x"][owner], flat // width - objects["y"][owner]
    distance = dx * dx + dy * dy

    def total(values):
        return np.bincount(owner, values, segments.count)

    weight, height = value * value, logarithm(value)
    s, sx, sxx = total(weight), total(weight * distance), total(weight * distance * distance)
    sy, sxy = total(weight * height), total(weight * distance * height)
    determinant = s * sxx - sx * sx
    least_slope = 1.0 / (13.0 * objects["a"].astype(float) * objects["b"])
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.maximum(-(s * sxy - sx * sy) / determinant, least_slope)
        fwhm = 2.0 * np.sqrt(math.log(2.0) / slope)
        return np.where(determinant > 0.0, fwhm - 1.0 / (4.0 * fwhm), np.nan)
