"""Boxes of apertures, and those that reach over the border of the image."""

import numpy as np

ELLIPSE = 0.5  # pixels beyond the first one's centre from which SExtractor calls them cut
CIRCLE = 1.5  # it rounds the ends of circles towards 0, so the first pixel is a double one


def over_border(
    shape: tuple[int, int], x: np.ndarray, y: np.ndarray, reach_x: np.ndarray, reach_y: np.ndarray,
    beyond: float = ELLIPSE,
) -> np.ndarray:
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


def boxes_around(
    shape: tuple[int, int], x: np.ndarray, y: np.ndarray, reach_x: np.ndarray, reach_y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the boxes of all pixels that apertures touch, which may lie beyond the image.

    Parameters
    ----------
    shape, x, y, reach_x, reach_y
        As for `over_border`.

    Returns
    -------
    x0, x1, y0, y1 : ndarray of int64, shape (n,)
        First pixel and the one beyond the last, along x and along y.
    """
    def limits(centre, reach, size):
        centre = np.where(np.isnan(centre), 0.0, centre)
        reach = np.where(np.isfinite(reach), reach, 0.0)
        ends = np.stack((np.floor(centre - reach + 0.5), np.floor(centre + reach + 1.5)))
        # `np.clip` takes longer to be called than these to compute a few objects.
        first, last = np.minimum(np.maximum(ends, -size), 2 * size).astype(np.int64)
        return first - 1, last + 1

    return (*limits(x, reach_x, shape[1]), *limits(y, reach_y, shape[0]))


def leave_image(
    shape: tuple[int, int], x: np.ndarray, y: np.ndarray, reach_x: np.ndarray, reach_y: np.ndarray
) -> np.ndarray:
    """Say which apertures leave the image, as sep counts it.

    Parameters
    ----------
    shape, x, y, reach_x, reach_y
        As for `over_border`.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    out = np.zeros(len(x), bool)
    for centre, reach, size in ((x, reach_x, shape[1]), (y, reach_y, shape[0])):
        out |= np.trunc(centre - reach + 0.5) < 0
        out |= np.trunc(centre + reach + 1.4999999) > size
    return out
