"""Cut-outs of pixels around sources, as SExtractor's VIGNET.

What is no pixel of the source or of the sky beside it is `NOTHING`: pixels of neighbours, bad
ones, and those beyond the border.
"""

import numpy as np

from mr_extract.measure.surroundings import Surroundings

NOTHING = np.float32(-1e30)


def vignettes(around: Surroundings, width: int, height: int) -> np.ndarray:
    """Cut out the pixels around all sources.

    Parameters
    ----------
    around : mr_extract.measure.surroundings.Surroundings
        Where neighbours are taken as they are, they are in the cut-outs.
    width, height : int
        Of a cut-out, in the middle of which, at ``width // 2`` and ``height // 2``, is the pixel
        that holds the centre.

    Returns
    -------
    ndarray of float32, shape (n, height, width)
        Without background, in the units of the plane.
    """
    data = around.plane.data
    # The rounding is SExtractor's.
    left = np.trunc(around.x + 0.49999).astype(np.int64) - width // 2
    low = np.trunc(around.y + 0.49999).astype(np.int64) - height // 2
    column = left[:, None] + np.arange(width)
    row = low[:, None] + np.arange(height)
    found = data[np.clip(row, 0, data.shape[0] - 1)[:, :, None],
                 np.clip(column, 0, data.shape[1] - 1)[:, None, :]]
    beyond = ((row < 0) | (row >= data.shape[0]))[:, :, None] | (
        (column < 0) | (column >= data.shape[1]))[:, None, :]
    found[beyond] = NOTHING
    box, pixel = around.replaced(np.arange(len(left)), *around.within(
        left, left + width, low, low + height))
    found[box, pixel // data.shape[1] - low[box], pixel % data.shape[1] - left[box]] = NOTHING
    return found
