"""Narrow runs of bad pixels, bridged for detection.

Without it a bad column cuts a star into two sources. What is put in serves to
find and outline sources; apertures still take the pixel for a bad one.
"""

from collections.abc import Sequence

import numpy as np


def fill(arrays: Sequence[np.ndarray], mask: np.ndarray, most: int) -> np.ndarray:
    """Interpolate linearly over narrow runs of masked pixels, in place.

    Parameters
    ----------
    arrays : sequence of ndarray of float32, shape (height, width)
        To be filled alike.
    mask : ndarray of bool, shape (height, width)
        True where a pixel is bad.
    most : int
        Widest run to be filled, in pixels.

    Returns
    -------
    ndarray of bool, shape (height, width)
        The masked pixels that were not filled: those whose runs in the row and in the
        column are both wider, or end at the border.

    Notes
    -----
    The shorter run counts, of equals that of the row. SExtractor (INTERP_TYPE ALL)
    repeats the last good pixel of the row, so it also smears sources into wide gaps.
    """
    width = mask.shape[1]
    pixels = np.flatnonzero(mask)
    left, right = _ends(pixels, width)
    rows, columns = np.divmod(pixels, width)
    # The same down the columns, of which the pixels are put into order.
    order = np.lexsort((rows, columns))
    down = columns[order] * mask.shape[0] + rows[order]
    above, below = np.empty_like(pixels), np.empty_like(pixels)
    above[order], below[order] = _ends(down, mask.shape[0])
    across = _usable(left + right - 1, columns - left, columns + right, width, most)
    along = _usable(above + below - 1, rows - above, rows + below, mask.shape[0], most)
    by_column = along < across
    chosen = np.minimum(along, across) <= most
    step = np.where(by_column, width, 1)[chosen]
    before = np.where(by_column, above, left)[chosen]
    behind = np.where(by_column, below, right)[chosen]
    at = pixels[chosen]
    part = (before / (before + behind)).astype(np.float32)
    for array in arrays:
        flat = array.reshape(-1)
        flat[at] = flat[at - before * step] * (1 - part) + flat[at + behind * step] * part
    left_over = mask.copy()
    left_over.reshape(-1)[at] = False
    return left_over


def _ends(pixels, width):
    """Return the steps from ascending pixels to the good ones before and behind their runs."""
    if len(pixels) == 0:
        return pixels, pixels
    new = (np.diff(pixels, prepend=-2) != 1) | (pixels % width == 0)
    starts = np.flatnonzero(new)
    lengths = np.diff(np.append(starts, len(pixels)))
    first = np.repeat(pixels[starts], lengths)
    last = np.repeat(pixels[starts] + lengths - 1, lengths)
    return pixels - first + 1, last - pixels + 1


def _usable(length, before, behind, size, most):
    """Return lengths of runs, more than the most where one ends at the border."""
    return np.where((before >= 0) & (behind < size), length, most + 1)
