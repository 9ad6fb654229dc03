"""Cubic splines on knots at equal distances, fitted by least squares."""

from __future__ import annotations

import numpy as np

from mr_extract.portable.matrices import solved_definite

ORDER = 4


def basis_at(x: np.ndarray, low: float, step: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the four B-splines that are not 0 at places.

    Parameters
    ----------
    x : ndarray of float64, shape (n,)
        What is beyond the knots counts as at their ends.
    low, step : float
        The first place, and the distance of knots.
    count : int
        Of intervals; there are `count` + 3 splines.

    Returns
    -------
    first : ndarray of int64, shape (n,)
        Number of the first of the four.
    values : ndarray of float64, shape (4, n)
        Their sum is 1.
    """
    t = np.clip((x - low) / step, 0.0, float(count))
    first = np.minimum(np.floor(t).astype(np.int64), count - 1)
    u = t - first
    v = 1.0 - u
    values = np.array([v * v * v, 3.0 * u * u * u - 6.0 * u * u + 4.0,
                       3.0 * v * v * v - 6.0 * v * v + 4.0, u * u * u]) / 6.0
    return first, values


def spline_fit(
    first: np.ndarray, basis: np.ndarray, values: np.ndarray, weights: np.ndarray, count: int,
    factors: np.ndarray, smooth: float,
) -> np.ndarray | None:
    """Fit splines whose coefficients are sums of given factors.

    Parameters
    ----------
    first, basis : ndarray
        As from `basis_at`.
    values, weights : ndarray of float64, shape (n,)
    count : int
        Splines.
    factors : ndarray of float64, shape (k, n)
        Functions by which each spline is multiplied: ones for a plain spline.
    smooth : float
        Weight of the squared second differences of neighbouring coefficients, in that of
        a value of the mean weight: it fills knots without values.

    Returns
    -------
    ndarray of float64, shape (k, count)
        None where the values do not tell them.
    """
    kinds = len(factors)
    size = kinds * count
    terms = (basis[:, None, :] * factors[None, :, :]).reshape(ORDER * kinds, -1)
    where = np.array([first + j + count * k for j in range(ORDER) for k in range(kinds)])
    flat, right = np.zeros(size * size), np.zeros(size)
    for one, at in zip(terms, where):
        weighted = one * weights
        right += np.bincount(at, weighted * values, size)
        for other, beside in zip(terms, where):
            flat += np.bincount(at * size + beside, weighted * other, size * size)
    matrix = flat.reshape(size, size)
    matrix += smooth * float(weights.sum()) / size * _second_differences(count, kinds)
    coefficients = solved_definite(matrix, right)
    return None if coefficients is None else coefficients.reshape(kinds, count)


def spline_at(
    coefficients: np.ndarray, first: np.ndarray, basis: np.ndarray, factors: np.ndarray
) -> np.ndarray:
    """Return the values of what `spline_fit` has fitted, shape (n,)."""
    result = np.zeros(basis.shape[1])
    for k, factor in enumerate(factors):
        for j in range(ORDER):
            result += coefficients[k][first + j] * basis[j] * factor
    return result


def _second_differences(count, kinds):
    rows = np.zeros((count - 2, count))
    for k in range(count - 2):
        rows[k, k : k + 3] = 1.0, -2.0, 1.0
    block = (rows[:, :, None] * rows[:, None, :]).sum(axis=0)
    whole = np.zeros((kinds * count, kinds * count))
    for k in range(kinds):
        whole[k * count : (k + 1) * count, k * count : (k + 1) * count] = block
    # A trace of each, so that a factor that nothing tells is 0.
    return whole + 1e-6 * np.eye(kinds * count)
