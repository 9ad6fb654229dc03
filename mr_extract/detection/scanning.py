"""Pixels over the threshold, linked to objects and deblended: by sep, or by its compiled twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sep

from mr_extract.compiled import kernels
from mr_extract.detection.filtering import normalised, pixels_over
from mr_extract.failures import ImageFailure

if TYPE_CHECKING:
    from mr_extract.settings.detecting import Detection

_SUB_OBJECTS = 1024  # sep's own first limit of deblending branches
_MOST_SUB_OBJECTS = 16 * _SUB_OBJECTS
_LEAST_PIXELS = 100  # with a buffer of one pixel sep ends the process
_MOST_PIXELS = 40_000_000  # a buffer of about 2 GB
_HUGE = 1e30  # sep's noise of a masked pixel


def scan(
    data: np.ndarray, thresh: float, err: float | np.ndarray | None, mask: np.ndarray | None,
    gain: float, settings: Detection,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Find objects, and the pixels of the filtered image that are over the threshold.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
        Image without background, C-contiguous and in native byte order.
    thresh : float
        In units of `err`, or of the image where that is None.
    err : float or ndarray of float32, shape (height, width), or None
        Noise of the pixels.
    mask : ndarray of bool, shape (height, width), or None
        True where a pixel does not count.
    gain : float
        Electrons per image unit, 0 for no photon noise in position errors.
    settings : mr_extract.settings.detecting.Detection
        Filter, deblending and buffer.

    Returns
    -------
    objects : structured ndarray, shape (n,)
        As `sep.extract` returns it without cleaning.
    labels : ndarray of int32, shape (height, width)
        0 where there is no object, k + 1 where object k is.
    pixels : ndarray of int64, shape (m,)
        Flat indices of the pixels of objects and of all others over the threshold,
        ascending.
    values : ndarray of float32, shape (m,)
        The filtered image there.

    Raises
    ------
    ImageFailure
        ``pixel-buffer`` or ``deblending-overflow`` when the largest buffers do not do.
    """
    found = None
    matched = settings.filter_type == "matched" and isinstance(err, np.ndarray)
    if kernels and not matched and len(data):
        found = _compiled(data, thresh, err, mask, gain, settings)
    return found or by_sep(data, thresh, err, mask, gain, settings)


def by_sep(
    data: np.ndarray, thresh: float, err: float | np.ndarray | None, mask: np.ndarray | None,
    gain: float, settings: Detection,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Do what `scan` does, by sep and numpy alone.

    A full pixel buffer or deblending overflow is tried again with a larger
    buffer: the first sizes are small because sep allocates them anew, in full,
    on each call.

    Parameters
    ----------
    data, thresh, err, mask, gain, settings
        As for `scan`.

    Returns
    -------
    objects, labels, pixels, values
        As from `scan`.
    """
    kernel = np.array(settings.filter_kernel, np.float32) if settings.filter_kernel else None
    if mask is not None and kernel is not None:
        data, err = _masked_ahead(data, err, mask, (len(kernel) - 1) // 2)
    pixstack, sub_objects = max(settings.pixstack, _LEAST_PIXELS), _SUB_OBJECTS
    most = _most(data, settings)
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
    level = np.float32(thresh) * np.float32(1.0 if err is None else err)
    return objects, labels, *pixels_over(data, labels, level, settings.filter_kernel, mask)


def _masked_ahead(data, err, mask, rows):
    """Mask the first rows, which sep reads before it looks at the mask."""
    hidden = mask[:rows]
    if hidden.any():
        data = data.copy()
        data[:rows][hidden] = 0.0
        if isinstance(err, np.ndarray):
            err = err.astype(np.float32)
            err[:rows][hidden] = _HUGE
    return data, err


def _compiled(data, thresh, err, mask, gain, settings):
    """Call the compiled twin, which has nothing for what might not fit into sep's buffers."""
    kernel = normalised(settings.filter_kernel)
    varies = isinstance(err, np.ndarray)
    sigma = np.float32(1.0 if err is None or varies else err)
    labels = np.zeros(data.shape, np.int32)
    found = kernels.scan(
        data, *data.shape, kernel, *kernel.shape,
        np.ascontiguousarray(err, np.float32) if varies else None,
        None if mask is None else np.ascontiguousarray(mask, bool),
        labels, np.float32(thresh) * (np.float32(1.0) if varies else sigma), sigma,
        err is not None, gain or 0.0, settings.deblend_cont, settings.minarea,
        settings.deblend_nthresh, _most(data, settings) - 2,
    )
    if found is None:
        return None
    records, pixels, values, _ = found
    return (np.frombuffer(records, _RECORD), labels, np.frombuffer(pixels, np.int64),
            np.frombuffer(values, np.float32))


def _most(data, settings):
    return max(min(data.size, _MOST_PIXELS), settings.pixstack, _LEAST_PIXELS)


_WHOLE, _REAL = np.dtype(np.int64), np.dtype(np.float64)
# What sep.extract returns.
_RECORD = np.dtype([
    ("thresh", _REAL),
    *((name, _WHOLE) for name in ("npix", "tnpix", "xmin", "xmax", "ymin", "ymax")),
    *((name, _REAL) for name in (
        "x", "y", "x2", "y2", "xy", "errx2", "erry2", "errxy", "a", "b", "theta",
        "cxx", "cyy", "cxy", "cflux", "flux", "cpeak", "peak")),
    *((name, _WHOLE) for name in ("xcpeak", "ycpeak", "xpeak", "ypeak")),
    ("flag", np.dtype(np.short)),
])
