"""Pixels with labels, ascending: those within boxes, and those of each object."""

import numpy as np

from mr_extract.compiled import kernels
from mr_extract.detection.pairs import ranges


def in_boxes(
    pixels: np.ndarray, labels: np.ndarray, shape: tuple[int, int], boxes: tuple[np.ndarray, ...],
    which: np.ndarray | None = None, ellipses: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find pixels of others within boxes.

    Parameters
    ----------
    pixels : ndarray of int64, shape (m,)
        Flat indices, ascending.
    labels : ndarray of int32, shape (m,)
        k + 1 is object k; what is less than 1 is nobody's.
    shape : tuple of int
        Height and width of the image.
    boxes : tuple of four ndarrays of int64, shape (n,)
        First pixel and the one beyond the last, along x and along y; they may reach beyond
        the image.
    which : ndarray of int64, shape (n,), optional
        Whose boxes they are, whose own pixels are left out; object k's box k by default.
    ellipses : ndarray of float64, shape (6, n), optional
        x, y, cxx, cyy, cxy, r: only pixels with cxx dx^2 + cyy dy^2 + cxy dx dy <= r^2.

    Returns
    -------
    box : ndarray of int64, shape (k,)
        In which box, ascending.
    pixel : ndarray of int64, shape (k,)
        Flat index, ascending within a box.
    label : ndarray of int32, shape (k,)
    """
    if kernels:
        rows = np.searchsorted(pixels, np.arange(shape[0] + 1) * shape[1])
        found = kernels.in_boxes(
            np.ascontiguousarray(pixels, np.int64), np.ascontiguousarray(labels, np.int32),
            np.ascontiguousarray(rows, np.int64), *shape,
            *(np.ascontiguousarray(side, np.int64) for side in boxes),
            None if which is None else np.ascontiguousarray(which, np.int64),
            None if ellipses is None else np.ascontiguousarray(ellipses, np.float64))
        box, pixel, label = map(np.frombuffer, found, (np.int64, np.int64, np.int32))
        return box, pixel, label
    x0, x1, y0, y1 = boxes
    height, width = shape
    rows0, rows1 = np.clip(y0, 0, height), np.clip(y1, 0, height)
    box, row = ranges(rows0, np.maximum(rows1 - rows0, 0))
    begin = np.searchsorted(pixels, row * width + np.clip(x0, 0, width)[box])
    end = np.searchsorted(pixels, row * width + np.clip(x1, 0, width)[box])
    line, entry = ranges(begin, np.maximum(end - begin, 0))
    box, label = box[line], labels[entry]
    keep = label != (box if which is None else which[box]) + 1
    box, pixel, label = box[keep], pixels[entry[keep]], label[keep]
    if ellipses is not None:
        x, y, cxx, cyy, cxy, r = ellipses[:, box]
        dx, dy = pixel % width - x, pixel // width - y
        inside = cxx * dx * dx + cyy * dy * dy + cxy * dx * dy <= r * r
        box, pixel, label = box[inside], pixel[inside], label[inside]
    return box, pixel, label


def by_owner(owner: np.ndarray, count: int) -> np.ndarray:
    """Return the order that puts things to their owners, of one owner as they stood.

    Parameters
    ----------
    owner : ndarray of int64, shape (n,)
        0 to `count` - 1.
    count : int

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    if kernels:
        order = np.empty(len(owner), np.int64)
        kernels.by_owner(np.ascontiguousarray(owner, np.int64), count, order)
        return order
    return np.argsort(owner, kind="stable")
