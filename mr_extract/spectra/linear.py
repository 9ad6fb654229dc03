"""Linear least squares with the same digits on every machine."""

import numpy as np

from mr_extract.portable.matrices import solved_definite


def fitted(
    basis: np.ndarray, values: np.ndarray, weights: np.ndarray
) -> np.ndarray | None:
    """Return the coefficients of functions whose sum is nearest to values.

    Parameters
    ----------
    basis : ndarray of float64, shape (k, n)
        The functions.
    values, weights : ndarray of float64, shape (n,)
        A weight is the inverse square of an error; 0 leaves a value out.

    Returns
    -------
    ndarray of float64, shape (k,)
        None where the values do not tell them.
    """
    weighted = basis * weights
    normal = (weighted[:, None, :] * basis[None, :, :]).sum(axis=2)
    return solved_definite(normal, (weighted * values).sum(axis=1))
