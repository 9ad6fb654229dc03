"""Detection, deblending and cleaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mr_extract.detection.cleaning import clean
from mr_extract.detection.scanning import scan
from mr_extract.detection.segments import Segments
from mr_extract.failures import ImageFailure

if TYPE_CHECKING:
    from mr_extract.settings.detecting import Detection


def detect(
    data: np.ndarray, settings: Detection, rms: float, mask: np.ndarray | None = None,
    gain: float = 0.0, noise: np.ndarray | None = None,
) -> tuple[np.ndarray, Segments]:
    """Find the sources of a background-subtracted image.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
        Image without background, C-contiguous and in native byte order.
    settings : mr_extract.settings.detecting.Detection
        Threshold, filter, deblending and cleaning.
    rms : float
        Background rms in image units.
    mask : ndarray of bool, shape (height, width), optional
        True where a pixel does not count.
    gain : float
        Electrons per image unit, 0 for no photon noise in position errors.
    noise : ndarray of float32, shape (height, width), optional
        Background rms by pixel, in place of `rms`.

    Returns
    -------
    objects : structured ndarray, shape (n,)
        As `sep.extract` returns it: 0-based pixels, `theta` in radians. With a noise
        map `thresh` is the least threshold of an object's pixels, as in SExtractor,
        and not the mean.
    segments : mr_extract.detection.segments.Segments
        Which pixels are whose.

    Raises
    ------
    ImageFailure
        ``constant-image`` when there is no noise to set a threshold by,
        ``pixel-buffer`` or ``deblending-overflow`` when the largest buffers
        do not do.
    """
    relative = settings.thresh_type == "relative"
    if relative and not rms > 0:
        raise ImageFailure(
            "constant-image",
            f"the background rms is {rms:g}, so no relative threshold can be set; "
            "an absolute one can (--thresh-type absolute)",
        )
    err: float | np.ndarray | None
    if relative and noise is not None:
        err, thresh = noise, settings.thresh
    else:
        err = rms if rms > 0 else None
        thresh = settings.thresh if relative or err is None else settings.thresh / err
    objects, labels, pixels, values = scan(data, thresh, err, mask, gain, settings)
    owned = labels.ravel()[pixels] > 0
    segments = Segments(labels, len(objects), fragments=pixels[~owned])
    segments.by_row = pixels[owned]
    level = None
    if relative and noise is not None:
        level = np.float32(thresh) * noise
        _take_least_thresholds(data, objects, segments, level)
    values = values[owned]
    if settings.maxarea:
        objects, segments, values = _without_large(objects, segments, values, settings.maxarea)
    if settings.clean:
        limit = objects["thresh"][segments.labels.ravel()[segments.by_row] - 1] if (
            level is None) else level.ravel()[segments.by_row]
        above = values.astype(float) - limit
        objects, segments = clean(data, objects, segments, above, settings, noise is not None)
    return objects, segments


def _take_least_thresholds(data, objects, segments, level):
    """Set the thresholds of objects, and how many pixels are over them, where they vary."""
    if not len(objects):
        return
    least = np.minimum.reduceat(level.ravel()[segments.pixels], segments.starts[:-1])
    objects["thresh"] = least
    over = data.ravel()[segments.pixels] > least[segments.owner]
    objects["tnpix"] = segments.sums(over)


def _without_large(objects, segments, values, maxarea):
    """Drop objects before cleaning: they clean nothing away, but their pixels hide others."""
    small = objects["npix"] <= maxarea
    labels, pixels = segments.labels.ravel(), segments.by_row
    stay = small[labels[pixels] - 1]
    kept = segments.keep(small)
    kept.fragments = np.sort(np.concatenate([segments.fragments, pixels[~stay]]))
    kept.by_row = pixels[stay]
    return objects[small], kept, values[stay]
