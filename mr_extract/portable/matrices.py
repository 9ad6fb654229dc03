"""Small matrices."""

import numpy as np


def product(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the product of matrices, shape (n, m) and (m, k), float64."""
    return (first[:, :, None] * second[None, :, :]).sum(axis=1)


def solved(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return x of ``matrix x = right``, by elimination with the largest pivot of each column.

    Parameters
    ----------
    matrix : ndarray of float64, shape (n, n)
    right : ndarray of float64, shape (n,) or (n, k)

    Returns
    -------
    ndarray of float64
        Of the shape of `right`.

    Raises
    ------
    numpy.linalg.LinAlgError
        When the matrix is singular, or not finite.
    """
    size = len(matrix)
    rows = np.concatenate([matrix, right.reshape(size, -1)], axis=1).astype(np.float64)
    for k in range(size):
        pivot = k + int(np.argmax(np.abs(rows[k:, k])))
        if not (np.isfinite(rows[pivot, k]) and rows[pivot, k] != 0.0):
            raise np.linalg.LinAlgError("Singular matrix")
        rows[[k, pivot]] = rows[[pivot, k]]
        rows[k] = rows[k] / rows[k, k]
        others = np.arange(size) != k
        rows[others] -= rows[others, k][:, None] * rows[k]
    return rows[:, size:].reshape(right.shape)


def inverse(matrix: np.ndarray) -> np.ndarray:
    """Return the inverse of a matrix, shape (n, n), float64.

    Raises
    ------
    numpy.linalg.LinAlgError
        As `solved`.
    """
    return solved(matrix, np.eye(len(matrix)))
