"""Detection that goes by the frame: a filter of its seeing, a threshold of what it filters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mr_extract.columns.choice import CROWDED, FAILED, SATURATED, TRUNCATED
from mr_extract.detection.extraction import detect
from mr_extract.detection.filtering import gaussian_kernel
from mr_extract.detection.significance import filtered_sigma
from mr_extract.measure.sizes import LEAST_SNR, size_excess
from mr_extract.planes.plane import Plane
from mr_extract.remarks import say
from mr_extract.settings.config import Config
from mr_extract.settings.detecting import DEFAULT_KERNEL, SEEING, Detection
from mr_extract.stages import Frame, stages_for

_BRIGHT = Detection(thresh=3.0)  # by which the stars are found that the seeing is of
_DEBLENDED = 0x0001
_POINTLIKE = 3.0  # sigma about the sizes of the image's point sources


def adapted(plane: Plane, config: Config) -> tuple[Detection, dict[str, float]]:
    """Return the settings of detection as they are for a plane.

    Parameters
    ----------
    plane : mr_extract.planes.plane.Plane
    config : mr_extract.settings.config.Config
        In the units of the plane.

    Returns
    -------
    settings : mr_extract.settings.detecting.Detection
        With weights for the filter `SEEING`, and a relative threshold for one of significance.
    facts : dict of str to float
        ``filter_seeing``, the FWHM of the filter in pixels, and ``filter_sigma``, the noise of
        the filtered image in that of the image; each where it was measured.
    """
    settings, facts = config.detection, {}
    if settings.filter_kernel == SEEING:
        seeing = seeing_of(plane, config)
        if np.isnan(seeing):
            say("unknown-seeing", "fewer than ten point sources are bright enough: the default "
                                  "filter was used")
            settings = replace(settings, filter_kernel=DEFAULT_KERNEL)
        else:
            facts["filter_seeing"] = seeing
            settings = replace(settings, filter_kernel=gaussian_kernel(seeing))
    if settings.thresh_type == "significance":
        noise = plane.threshold_noise(settings)
        sigma = filtered_sigma(plane.data, settings.filter_kernel,
                               plane.rms if noise is None else noise, plane.hidden)
        facts["filter_sigma"] = sigma
        settings = replace(settings, thresh_type="relative", thresh=settings.thresh * (sigma or 1))
    return settings, facts


def seeing_of(plane: Plane, config: Config) -> float:
    """Return the seeing of a plane: the median FWHM of its point sources in pixels.

    Parameters
    ----------
    plane : mr_extract.planes.plane.Plane
    config : mr_extract.settings.config.Config

    Returns
    -------
    float
        To hundredths; nan where there are fewer than ten. Point sources are of the size that
        most sources over 3 sigma have which are alone, whole, unsaturated and of S/N over 20
        (`mr_extract.measure.sizes.size_excess`).
    """
    if not plane.rms > 0:
        return np.nan
    objects, segments = detect(plane.data, _BRIGHT, plane.rms, plane.hidden, plane.gain,
                               plane.threshold_noise(_BRIGHT))
    frame = Frame(replace(config, detection=_BRIGHT), plane, plane, objects, segments)
    frame.values |= {name: objects[name] for name in objects.dtype.names or ()}
    for stage in stages_for(("fwhm_iso", "flux_iso", "fluxerr_iso")):
        stage.run(frame)
    flag = frame.flag & (_DEBLENDED | TRUNCATED | SATURATED | FAILED | CROWDED)
    if plane.saturated is not None:
        flag |= segments.sums(plane.saturated.ravel()[segments.pixels]) > 0
    values = frame.values
    fwhm, flux, error = (np.asarray(values[name], float)
                         for name in ("fwhm_iso", "flux_iso", "fluxerr_iso"))
    excess = size_excess(fwhm, flux, error, flag == 0)
    with np.errstate(invalid="ignore"):
        stars = (np.abs(excess) < _POINTLIKE) & (flag == 0) & (flux > LEAST_SNR * error)
    return round(float(np.median(fwhm[stars])), 2) if stars.any() else np.nan
