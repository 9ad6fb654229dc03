"""Polynomials through points of which some are wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mr_extract.spectra.linear import fitted

_ROUNDS = 10


@dataclass(frozen=True)
class Polynomial:
    """A polynomial in t = (x - middle) / half.

    Parameters
    ----------
    coefficients : ndarray of float64, shape (k,)
        Of the powers of t, the constant first.
    middle, half : float
        They bring the x that count to -1 to 1.
    """

    coefficients: np.ndarray
    middle: float
    half: float

    def __call__(self, x: np.ndarray | float) -> np.ndarray:
        """Return its values, of the shape of `x`."""
        t = (np.asarray(x, np.float64) - self.middle) / self.half
        result = np.zeros(t.shape)
        for coefficient in self.coefficients[::-1]:
            result = result * t + coefficient
        return result

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        """Return its derivative by x, of the shape of `x`."""
        slopes = np.arange(1, len(self.coefficients)) * self.coefficients[1:] / self.half
        return Polynomial(slopes if len(slopes) else np.zeros(1), self.middle, self.half)(x)


@dataclass(frozen=True)
class Fit:
    """A polynomial, and the points that it goes through.

    Parameters
    ----------
    curve : Polynomial
    used : ndarray of bool, shape (n,)
    rms : float
        Of the used points about it.
    """

    curve: Polynomial
    used: np.ndarray
    rms: float


def powers(t: np.ndarray, degree: int) -> np.ndarray:
    """Return the powers of t from 0 to a degree by multiplication, shape (degree + 1, n)."""
    result = np.ones((degree + 1, len(t)))
    for k in range(degree):
        result[k + 1] = result[k] * t
    return result


def polynomial_fit(
    x: np.ndarray, y: np.ndarray, degree: int, span: tuple[float, float],
    weights: np.ndarray | None = None, clip: float = 3.0, least: float = 0.0,
) -> Fit | None:
    """Fit a polynomial, and leave out what is far from it, round by round.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
    degree : int
    span : tuple of float
        Least and greatest x at which it will be used.
    weights : ndarray of float64, shape (n,), optional
    clip : float
        Points farther from it than so many times the scatter, told by its median, are left out.
    least : float
        A scatter below is taken for this.

    Returns
    -------
    Fit
        None where fewer points than coefficients are left.
    """
    middle, half = (span[0] + span[1]) / 2.0, max((span[1] - span[0]) / 2.0, 1.0)
    weights = np.ones(len(x)) if weights is None else weights
    t = (x - middle) / half
    basis = powers(t, degree)
    used = np.isfinite(y) & (weights > 0)
    filled = np.where(used, y, 0.0)
    coefficients = None
    for _ in range(_ROUNDS):
        if np.count_nonzero(used) < degree + 1:
            return None
        coefficients = fitted(basis, filled, np.where(used, weights, 0.0))
        if coefficients is None:
            return None
        away = filled - (basis * coefficients[:, None]).sum(axis=0)
        scatter = max(1.4826 * float(np.median(np.abs(away[used]))), least)
        kept = used & (np.abs(away) <= clip * scatter) if scatter > 0 else used
        if np.array_equal(kept, used) or np.count_nonzero(kept) < degree + 1:
            break
        used = kept
    assert coefficients is not None  # there was a round
    rms = float(np.sqrt((away[used] ** 2).sum() / max(np.count_nonzero(used), 1)))
    return Fit(Polynomial(coefficients, middle, half), used, rms)
