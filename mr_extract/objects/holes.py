"""Where an image has no pixels that count, coarsely: dead chips, bad rows, what a mask hides."""

from collections.abc import Sequence

import numpy as np

from mr_extract.objects.sphere import vectors

CELL = 16  # pixels of a side


def holes_of(bad: np.ndarray) -> np.ndarray:
    """Return the cells of an image of whose pixels more than half do not count.

    Parameters
    ----------
    bad : ndarray of bool, shape (height, width)
        True where a pixel does not count.

    Returns
    -------
    ndarray of bool, shape (ceil(height / 16), ceil(width / 16))
        Cells of 16 x 16 pixels from the first pixel on; the last ones may be smaller.
    """
    rows, columns = (np.arange(0, length, CELL) for length in bad.shape)
    sums = np.add.reduceat(np.add.reduceat(bad, rows, axis=0, dtype=np.int32), columns, axis=1)
    heights, widths = (np.diff(first, append=length)
                       for first, length in zip((rows, columns), bad.shape))
    return 2 * sums > heights[:, None] * widths


def in_holes(
    xyz: np.ndarray, corners: Sequence[float] | np.ndarray, shape: tuple[int, int],
    holes: np.ndarray,
) -> np.ndarray:
    """Tell which positions within a footprint lie in a hole.

    Parameters
    ----------
    xyz : ndarray of float64, shape (n, 3)
        Unit vectors, all `mr_extract.objects.coverage.covered`.
    corners : sequence of 8 float
        ``ra, dec`` in degrees of the outer corners: lower left, lower right, upper right,
        upper left.
    shape : tuple of int
        Height and width of the image in pixels.
    holes : ndarray of bool
        As `holes_of` returns them.

    Returns
    -------
    ndarray of bool, shape (n,)

    Notes
    -----
    From the sky to pixels leads the projectivity that takes the four corners to those of the
    image (Hartley and Zisserman 2004, chapter 4). It is exact for a gnomonic projection,
    and as good as the corners tell for others: a distortion of 8 pixels is half a cell.
    """
    height, width = shape
    points = vectors(np.array(corners[0::2], float), np.array(corners[1::2], float))
    pixels = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], float)
    x, y, w = _scaled(pixels) @ np.linalg.inv(_scaled(points)) @ xyz.T
    row, column = (np.clip((value / w // CELL).astype(int), 0, length - 1)
                   for value, length in zip((y, x), holes.shape))
    return holes[row, column]


def _scaled(points):
    """Return three of four points as columns, so scaled that their sum is the fourth."""
    basis = points[:3].T
    return basis * np.linalg.solve(basis, points[3])
