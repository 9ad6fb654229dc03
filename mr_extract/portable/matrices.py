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


def solved_definite(matrix: np.ndarray, right: np.ndarray) -> np.ndarray | None:
    """Solve a symmetric, positive definite system by the method of Cholesky.

    Parameters
    ----------
    matrix : ndarray of float64, shape (n, n)
    right : ndarray of float64, shape (n,)

    Returns
    -------
    ndarray of float64, shape (n,)
        None where the matrix is not definite to within the digits there are.
    """
    n = len(right)
    scale = np.sqrt(np.diag(matrix))
    if not (np.isfinite(matrix).all() and (scale > 0).all()):
        return None
    left = matrix / scale[:, None] / scale[None, :]
    values = right / scale
    for k in range(n):
        pivot = left[k, k]
        if not pivot > 1e-13:
            return None
        column = left[k + 1 :, k] / pivot
        left[k + 1 :, k + 1 :] -= column[:, None] * left[None, k, k + 1 :]
        values[k + 1 :] -= column * values[k]
    for k in range(n - 1, -1, -1):
        values[k] = (values[k] - (left[k, k + 1 :] * values[k + 1 :]).sum()) / left[k, k]
    return values / scale
