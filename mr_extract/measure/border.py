"""Apertures that reach over the border of the image."""

import numpy as np

ELLIPSE = 0.5  # pixels beyond the first one's centre from which SExtractor calls them cut
CIRCLE = 1.5  # it rounds the ends of circles towards 0, so the first pixel is a double one


def over_border(shape, x, y, reach_x, reach_y, beyond=ELLIPSE):
    """Say which apertures SExtractor takes to be cut by the border.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the image.
    x, y : ndarray of float64, shape (n,)
        Centres.
    reach_x, reach_y : ndarray of float64, shape (n,)
        How far they reach along the axes, in pixels.
    beyond : float
        `ELLIPSE` or `CIRCLE`.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    cut = np.zeros(len(x), bool)
    for centre, reach, size in ((x, reach_x, shape[1]), (y, reach_y, shape[0])):
        cut |= (centre - reach <= -beyond) | (centre + reach >= size - 0.5)
    return cut
