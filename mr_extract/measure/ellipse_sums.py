"""First moments and sums in ellipses: sep's, or their compiled twins."""

from __future__ import annotations

import numpy as np
import sep

from mr_extract.compiled import kernels

_FAR = 1e9  # pixels, beyond which nothing is computed with whole numbers


def kron_radius(
    data: np.ndarray, mask: np.ndarray | None, labels: np.ndarray | None,
    numbers: np.ndarray, ellipses: tuple[np.ndarray, ...],
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first radial moments within ellipses, as `sep.kron_radius`.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
    mask : ndarray of bool, shape (height, width), or None
        True where a pixel does not count.
    labels : ndarray of int32, shape (height, width), or None
        Pixels of other objects do not count.
    numbers : ndarray of int64, shape (n,)
        Labels of the objects.
    ellipses : tuple of six ndarrays of float64, shape (n,)
        x, y, a, b, theta, and how many times a and b.

    Returns
    -------
    radius : ndarray of float64, shape (n,)
    flag : ndarray of int16, shape (n,)
        sep's.

    Raises
    ------
    Exception
        As sep's, for all when one of the ellipses is none.
    """
    if _usual(data, ellipses):
        radius, flag = np.empty(len(numbers)), np.empty(len(numbers), np.int16)
        kernels.kron_radius(
            data, *data.shape, None if mask is None else np.ascontiguousarray(mask, bool),
            None if labels is None else np.ascontiguousarray(labels, np.int32),
            np.ascontiguousarray(numbers, np.int64), np.stack(ellipses, 1), radius, flag)
        return radius, flag
    return sep.kron_radius(data, *ellipses, mask=mask, segmap=labels,
                           seg_id=None if labels is None else numbers)


def sum_ellipse(
    data: np.ndarray, noise: float | np.ndarray | None, mask: np.ndarray | None, gain: float,
    ellipses: tuple[np.ndarray, ...],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sums of an image within ellipses, as `sep.sum_ellipse` with `subpix` 1.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
    noise : float or ndarray of float32, shape (height, width), or None
    mask : ndarray of bool, shape (height, width), or None
        True where a pixel counts as the mean of the others.
    gain : float
        Electrons per image unit, 0 for no photon noise.
    ellipses
        As for `kron_radius`.

    Returns
    -------
    flux, error : ndarray of float64, shape (n,)
    flag : ndarray of int16, shape (n,)
        sep's.

    Raises
    ------
    Exception
        As sep's, for all when one of the ellipses is none.
    """
    varies = isinstance(noise, np.ndarray)
    if mask is None and noise is not None and _usual(data, ellipses):
        n = len(ellipses[0])
        flux, error, flag = np.empty(n), np.empty(n), np.empty(n, np.int16)
        kernels.sum_ellipse(
            data, *data.shape, np.ascontiguousarray(noise, np.float32) if varies else None,
            0.0 if varies else noise, gain, np.stack(ellipses, 1), flux, error, flag)
        return flux, error, flag
    return sep.sum_ellipse(data, *ellipses, err=noise, gain=gain or None, mask=mask, subpix=1)


def _usual(data, ellipses):
    """Say whether there is a compiled twin for such images and ellipses."""
    x, y, a, b, theta, r = ellipses
    return (kernels is not None and data.dtype == np.float32 and data.flags.c_contiguous
            and bool(np.all((np.abs(x) < _FAR) & (np.abs(y) < _FAR) & (0 < b) & (b <= a)
                            & (r >= 0) & (a * r < _FAR) & (np.abs(theta) <= np.pi / 2))))
