"""Shapes of detected objects, and errors of their positions, from second moments."""

import math

import numpy as np

from mr_extract.measure.ellipses import columns


def shapes(objects: np.ndarray) -> dict[str, np.ndarray]:
    """Return shapes.

    Parameters
    ----------
    objects : structured ndarray, shape (n,)
        From `mr_extract.detection.extraction.detect`.

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
        `a`, `b` in pixels, `theta` in degrees; `ellipticity` 1 - b/a, `elongation`
        a/b, `polarisation` (a^2 - b^2) / (a^2 + b^2); `fwhm` is that of a
        Gaussian with the same second moments, 2 sqrt(ln 2 (a^2 + b^2)): as the
        moments are those of the pixels over the threshold, it is too small for
        faint sources.
    """
    a, b = objects["a"], objects["b"]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = b / a
        return {
            "a": a,
            "b": b,
            "theta": np.degrees(objects["theta"]),
            "ellipticity": 1.0 - ratio,
            "elongation": a / b,
            "polarisation": (1.0 - ratio * ratio) / (1.0 + ratio * ratio),
            "fwhm": 2.0 * np.sqrt(math.log(2.0) * (a * a + b * b)),
        }


def position_errors(objects: np.ndarray) -> dict[str, np.ndarray]:
    """Return the error ellipses of isophotal positions.

    Parameters
    ----------
    objects : structured ndarray, shape (n,)
        Its `errx2`, `erry2`, `errxy` are the noise of sky and source in the
        filtered image, propagated to the barycentre of the isophote.

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
        `errx2`, `erry2`, `errxy` (pix^2), `errcxx`, `errcyy`, `errcxy` (pix^-2),
        `erra`, `errb` (pix) and `errtheta` (degrees).
    """
    moments = (objects[name].astype(float) for name in ("errx2", "erry2", "errxy"))
    return columns("err", "", *moments)
