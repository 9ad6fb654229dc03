"""Where the corners of an image are on the sky."""

from collections.abc import Mapping

import numpy as np

from mr_extract.astrometry import sky_positions


def corners(header: Mapping, width: int, height: int) -> list[float] | None:
    """Return the outer corners of an image.

    Parameters
    ----------
    header : mapping
    width, height : int
        Pixels.

    Returns
    -------
    list of float or None
        ``ra, dec`` in degrees (ICRS) of lower left, lower right, upper right, upper left; None
        without coordinates.
    """
    x = np.array([-0.5, width - 0.5, width - 0.5, -0.5])
    y = np.array([-0.5, -0.5, height - 0.5, height - 0.5])
    sky = sky_positions(header, x, y)
    if sky is None or not np.isfinite(sky).all():
        return None
    return np.stack(sky, axis=-1).ravel().tolist()
