"""Pixels of an image whose centres lie within ellipses."""

import numpy as np

from mr_extract.detection.pairs import ranges


def rows_within(
    shape: tuple[int, int], x: np.ndarray, y: np.ndarray, cxx: np.ndarray, cyy: np.ndarray,
    cxy: np.ndarray, r: np.ndarray, reach_y: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the pixels within ellipses as ranges along rows.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the image.
    x, y : ndarray of float64, shape (n,)
        Centres in 0-based pixels.
    cxx, cyy, cxy, r : ndarray of float64, shape (n,)
        cxx dx^2 + cyy dy^2 + cxy dx dy <= r^2.
    reach_y : ndarray of float64, shape (n,)
        How far the ellipses reach along y, as from `ellipses.extents`.

    Returns
    -------
    line : ndarray of int64, shape (m,)
        Whose row it is.
    row, begin, end : ndarray of int64, shape (m,)
        The row, its first pixel and the one beyond the last, none where they are equal.
    """
    height, width = shape
    first = np.clip(np.ceil(y - reach_y), 0, height).astype(np.int64)
    last = np.clip(np.floor(y + reach_y) + 1, 0, height).astype(np.int64)
    line, row = ranges(first, np.maximum(last - first, 0))
    dy = row - y[line]
    a, half = cxx[line], 0.5 * cxy[line] * dy
    # a dx^2 + 2 half dx + rest <= r^2
    rest = cyy[line] * dy * dy
    root = np.sqrt(np.maximum(half * half - a * (rest - r[line] ** 2), 0.0))
    begin = np.clip(np.ceil(x[line] + (-half - root) / a), 0, width).astype(np.int64)
    end = np.clip(np.floor(x[line] + (-half + root) / a) + 1, 0, width).astype(np.int64)
    return line, row, begin, np.maximum(end, begin)


def count_within(
    shape: tuple[int, int], x: np.ndarray, y: np.ndarray, cxx: np.ndarray, cyy: np.ndarray,
    cxy: np.ndarray, r: np.ndarray, reach_y: np.ndarray,
) -> np.ndarray:
    """Return how many pixels of an image lie within ellipses.

    Parameters
    ----------
    shape, x, y, cxx, cyy, cxy, r, reach_y
        As for `rows_within`.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    line, _, begin, end = rows_within(shape, x, y, cxx, cyy, cxy, r, reach_y)
    return np.bincount(line, end - begin, minlength=len(x))
