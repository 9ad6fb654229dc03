"""Cuts of an image side by side on one sheet, so that one call measures them all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mr_extract.planes.plane import Plane

_MOST_PIXELS = 1 << 23  # of one sheet of cuts
_WIDTH = 4096


@dataclass
class Sheet:
    """Cuts side by side.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
    noise : float or ndarray of float32, shape (height, width)
    x, y : ndarray of float64, shape (n,)
        Centres of the objects on the sheet.
    """

    data: np.ndarray
    noise: float | np.ndarray
    x: np.ndarray
    y: np.ndarray


def parted(chosen: np.ndarray, boxes: tuple[np.ndarray, ...]) -> Iterator[np.ndarray]:
    """Yield the objects of one sheet after another.

    Parameters
    ----------
    chosen : ndarray of int64, shape (k,)
        Objects.
    boxes : tuple of four ndarrays of int64, shape (n,)
        First pixel and the one beyond the last of each object's cut, along x and along y.
    """
    x0, x1, y0, y1 = (box[chosen] for box in boxes)
    size = (x1 - x0) * (y1 - y0)
    sheet = np.cumsum(size) // _MOST_PIXELS
    for k in np.unique(sheet):
        yield chosen[sheet == k]


def sheet_of(
    plane: Plane, boxes: tuple[np.ndarray, ...], x: np.ndarray, y: np.ndarray, cut: np.ndarray,
    pixel: np.ndarray, values: np.ndarray, sigma: np.ndarray | None,
) -> Sheet:
    """Lay cuts side by side, with some of their pixels replaced.

    Parameters
    ----------
    plane : mr_extract.planes.plane.Plane
    boxes : tuple of four ndarrays of int64, shape (n,)
        First pixel of each cut and the one beyond the last, along x and along y; beyond the
        image a cut is 0.
    x, y : ndarray of float64, shape (n,)
        Centres of the objects in the image.
    cut, pixel : ndarray of int64, shape (m,)
        What is replaced: in which cut, and flat index in the image.
    values, sigma : ndarray of float32, shape (m,)
        By what, and its noise where that differs from pixel to pixel.

    Returns
    -------
    Sheet
    """
    x0, x1, y0, y1 = boxes
    height, width = plane.data.shape
    left, top, shape = _layout(x1 - x0, y1 - y0)
    data, noise = np.zeros(shape, np.float32), plane.noise
    layers: list[tuple[np.ndarray, np.ndarray, np.ndarray | None]] = [(data, plane.data, values)]
    if isinstance(plane.noise, np.ndarray):
        noise = np.zeros(shape, np.float32)
        layers.append((noise, plane.noise, sigma))
    a0, a1 = np.clip(x0, 0, width), np.clip(x1, 0, width)
    b0, b1 = np.clip(y0, 0, height), np.clip(y1, 0, height)
    u, v = left + a0 - x0, top + b0 - y0
    for i0, i1, j0, j1, s, t in zip(*(c.tolist() for c in (a0, a1, b0, b1, u, v))):
        for sheet, image, _ in layers:
            sheet[t:t + j1 - j0, s:s + i1 - i0] = image[j0:j1, i0:i1]
    i, j = pixel % width, pixel // width
    at = (top[cut] + j - y0[cut], left[cut] + i - x0[cut])
    for sheet, _, instead in layers:
        sheet[at] = instead
    return Sheet(data, noise, x - x0 + left, y - y0 + top)


def _layout(widths, heights):
    """Place rectangles on shelves; return left, top and the shape of the sheet."""
    order = np.argsort(-heights, kind="stable")
    along = np.cumsum(widths[order]) - widths[order]
    shelf = along // _WIDTH
    _, first = np.unique(shelf, return_index=True)
    tall = heights[order][first]  # the first on a shelf is its tallest
    tops = np.cumsum(tall) - tall
    number = np.searchsorted(first, np.arange(len(order)), "right") - 1
    left, top = np.empty_like(widths), np.empty_like(heights)
    left[order] = along - along[first][number]
    top[order] = tops[number]
    return left, top, (int(tall.sum()), int((left + widths).max()))
