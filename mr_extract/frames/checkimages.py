"""Pictures of what a measurement saw: arrays in, arrays out."""

from collections.abc import Sequence

import numpy as np

from mr_extract.detection.segments import Segments
from mr_extract.planes.scaled import picture_of
from mr_extract.stages import Frame

_OVERLAY = 30.0  # brightness of an outline in units of the noise


def check_images(kinds: Sequence[str], frame: Frame) -> dict[str, np.ndarray]:
    """Return the check images of a frame that has been measured.

    Parameters
    ----------
    kinds : sequence of str
        Of `mr_extract.columns.choice.CHECK_IMAGES`.
    frame : mr_extract.stages.Frame

    Returns
    -------
    dict of str to ndarray, shape (height, width)
        ``background`` of the measured image; ``rms`` of the mesh of the image in which
        objects were found; ``segmentation`` (int32), the number of the source that has
        the pixel, those that cleaning gave to it among them; ``-background``, the measured
        image without background; ``objects`` and ``-objects``, the same with 0 outside or
        inside of the sources; ``apertures``, the same with circles and Kron ellipses, as
        far as they were measured. The others are float32, in image units, or float64 where
        float32 does not reach.
    """
    data = frame.measured.data
    makers = {
        "background": lambda: _background(frame.measured, frame.config.background),
        "rms": lambda: frame.detected.mesh.rms(dtype=np.float32),
        "segmentation": lambda: segmentation(frame.segments),
        "-background": lambda: data,
        "objects": lambda: np.where(segmentation(frame.segments) > 0, data, np.float32(0.0)),
        # Without what cleaning gave away: it stays for apertures of others, as in SExtractor.
        "-objects": lambda: np.where(frame.segments.labels > 0, np.float32(0.0), data),
        "apertures": lambda: apertures(frame),
    }
    exponents = {"segmentation": 0, "rms": frame.detected.exponent}
    return {kind: picture_of(makers[kind](), exponents.get(kind, frame.measured.exponent))
            for kind in kinds}


def _background(plane, settings):
    if settings.back_type == "manual":
        return np.full(plane.data.shape, settings.back_value, np.float32)
    return plane.mesh.back(dtype=np.float32)


def segmentation(segments: Segments) -> np.ndarray:
    """Return whose pixels are whose, with those that cleaning gave away.

    Parameters
    ----------
    segments : mr_extract.detection.segments.Segments

    Returns
    -------
    ndarray of int32, shape (height, width)
    """
    if not len(segments.absorbed):
        return segments.labels
    labels = segments.labels.copy()
    labels.ravel()[segments.absorbed] = segments.absorbed_by + 1
    return labels


def apertures(frame: Frame) -> np.ndarray:
    """Return the measured image with the outlines of its apertures."""
    plane, values = frame.measured, frame.values
    picture = plane.data.copy()
    x, y, n = frame.around.x, frame.around.y, len(frame)
    ink = np.float32(_OVERLAY * plane.rms)
    one, zero = np.ones(n), np.zeros(n)
    if "flux_aper_1" in values:
        for diameter in frame.config.measurement.apertures:
            _outline(picture, x, y, one * diameter / 2.0, one * diameter / 2.0, zero, ink)
    for name in ("kron_radius", "petro_radius"):
        if name in values:
            radius = values[name]
            _outline(picture, x, y, radius * frame.objects["a"], radius * frame.objects["b"],
                     frame.objects["theta"].astype(float), ink)
    return picture


def _outline(picture, x, y, a, b, theta, ink):
    """Draw ellipses, each with so many points that its line is whole."""
    height, width = picture.shape
    fine = np.isfinite(a) & np.isfinite(b) & (a > 0)
    points = np.zeros(len(a), int)
    points[fine] = np.ceil(4.0 * np.pi * np.minimum(a[fine], 4.0 * max(height, width))) + 8
    owner = np.repeat(np.arange(len(a)), points)
    step = np.arange(len(owner)) - np.repeat(np.cumsum(points) - points, points)
    angle = 2.0 * np.pi * step / points[owner]
    u, v = a[owner] * np.cos(angle), b[owner] * np.sin(angle)
    cos, sin = np.cos(theta)[owner], np.sin(theta)[owner]
    i = np.rint(x[owner] + u * cos - v * sin).astype(int)
    j = np.rint(y[owner] + u * sin + v * cos).astype(int)
    seen = (i >= 0) & (i < width) & (j >= 0) & (j < height)
    picture[j[seen], i[seen]] = ink
