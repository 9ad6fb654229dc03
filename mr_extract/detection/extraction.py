"""Detection, deblending and cleaning by sep, with buffers that grow."""

import numpy as np
import sep

from mr_extract.detection.cleaning import clean
from mr_extract.detection.filtering import pixels_over
from mr_extract.detection.segments import Segments
from mr_extract.failures import ImageFailure

_SUB_OBJECTS = 1024  # sep's own first limit of deblending branches
_MOST_SUB_OBJECTS = 16 * _SUB_OBJECTS
_LEAST_PIXELS = 100  # with a buffer of one pixel sep ends the process
_MOST_PIXELS = 40_000_000  # a buffer of about 2 GB


def detect(data, settings, rms, mask=None, gain=0.0, noise=None):
    """Find the sources of a background-subtracted image.

    A full pixel buffer or deblending overflow is tried again with a larger
    buffer: the first sizes are small because sep allocates them anew, in full,
    on each call.

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
    kernel = np.array(settings.filter_kernel, np.float32) if settings.filter_kernel else None
    if relative and noise is not None:
        err, thresh = noise, settings.thresh
    else:
        err = rms if rms > 0 else None
        thresh = settings.thresh if relative or err is None else settings.thresh / err
    pixstack, sub_objects = max(settings.pixstack, _LEAST_PIXELS), _SUB_OBJECTS
    most = max(min(data.size, _MOST_PIXELS), pixstack)
    while True:
        sep.set_extract_pixstack(pixstack)
        sep.set_sub_object_limit(sub_objects)
        try:
            objects, labels = sep.extract(
                data,
                thresh,
                err=err,
                gain=gain or None,
                mask=mask,
                minarea=settings.minarea,
                filter_kernel=kernel,
                filter_type=settings.filter_type,
                deblend_nthresh=settings.deblend_nthresh,
                deblend_cont=settings.deblend_cont,
                clean=False,
                segmentation_map=True,
            )
            break
        except MemoryError:
            raise
        except Exception as error:  # sep has no class of its own for these
            text = str(error)
            if "pixel buffer full" in text:
                if pixstack >= most:
                    raise ImageFailure(
                        "pixel-buffer",
                        f"{pixstack} pixels over the threshold do not do for "
                        f"{data.shape[1]} x {data.shape[0]} pixels; is the threshold too low?",
                    ) from error
                pixstack = min(8 * pixstack, most)
            elif "deblend" in text:
                if sub_objects >= _MOST_SUB_OBJECTS:
                    raise ImageFailure(
                        "deblending-overflow",
                        f"an object has more than {sub_objects} branches; raise deblend_cont",
                    ) from error
                sub_objects *= 4
            else:
                raise
    varies = relative and noise is not None
    level = np.float32(thresh) * noise if varies else thresh * (err or 1.0)
    pixels, values = pixels_over(data, labels, level, settings.filter_kernel, mask)
    owned = labels.ravel()[pixels] > 0
    segments = Segments(labels, len(objects), fragments=pixels[~owned])
    segments.by_row = pixels[owned]
    if varies:
        _take_least_thresholds(data, objects, segments, level)
    values = values[owned]
    if settings.maxarea:
        objects, segments, values = _without_large(objects, segments, values, settings.maxarea)
    if settings.clean:
        limit = level.ravel()[segments.by_row] if varies else objects["thresh"][
            segments.labels.ravel()[segments.by_row] - 1]
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
