"""The background on a mesh: sep's, or its compiled twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import sep

from mr_extract.compiled import kernels

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

_MOST_PIXELS = 1 << 29  # of a cell whose sums are exact


def mesh_of(data: np.ndarray, mask: np.ndarray | None, bw: int, bh: int, fw: int, fh: int,
            fthresh: float) -> AnyMesh:
    """Measure the background of an image in cells.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
        C-contiguous and in native byte order.
    mask : ndarray of bool, shape (height, width), or None
        True where a pixel does not count.
    bw, bh : int
        Columns and rows of a cell.
    fw, fh : int
        Cells of the median filter across and down.
    fthresh : float
        Only cells that differ by as much are filtered.

    Returns
    -------
    sep.Background or Mesh
        The same numbers, to the bit.
    """
    usual = data.dtype == np.float32 and data.flags.c_contiguous and 0 < bw * bh < _MOST_PIXELS
    if kernels and usual and data.size:
        return Mesh(data, mask, bw, bh, fw, fh, fthresh)
    return sep.Background(data, mask=mask, bw=bw, bh=bh, fw=fw, fh=fh, fthresh=fthresh)


class Mesh:
    """What `sep.Background` is, compiled: `globalback`, `globalrms`, and these methods.

    Parameters
    ----------
    data, mask, bw, bh, fw, fh, fthresh
        As for `mesh_of`.
    """

    def __init__(self, data: np.ndarray, mask: np.ndarray | None, bw: int, bh: int, fw: int,
                 fh: int, fthresh: float) -> None:
        if mask is not None:
            mask = np.ascontiguousarray(mask, bool)
        self._shape, self._cell = data.shape, (bw, bh)
        self._back, self._rms, self.globalback, self.globalrms = kernels.mesh(
            data, *data.shape, mask, bw, bh, fw, fh, np.float32(fthresh))

    def back(self, dtype: DTypeLike = np.float32) -> np.ndarray:
        """Return the background of each pixel, shape (height, width)."""
        return self._plane(self._back, dtype)

    def rms(self, dtype: DTypeLike = np.float32) -> np.ndarray:
        """Return its rms at each pixel, shape (height, width)."""
        return self._plane(self._rms, dtype)

    def subfrom(self, data: np.ndarray) -> None:
        """Take the background off an image of float32, in place."""
        kernels.spline(self._back, *self._cell, data, *self._shape, True)

    def _plane(self, values, dtype):
        plane = np.empty(self._shape, np.float32)
        kernels.spline(values, *self._cell, plane, *self._shape, False)
        return plane.astype(dtype, copy=False)


AnyMesh: TypeAlias = "sep.Background | Mesh"  # they have the same methods
