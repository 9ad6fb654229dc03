"""How the light of a spectrum lies across it, as a smooth function of the place."""

import numpy as np

from mr_extract.spectra.polynomial import powers
from mr_extract.spectra.splines import basis_at, spline_at, spline_fit

_SMOOTH = 1e-4
_SIGNAL = (50.0, 200.0)  # S/N of a spectrum as a whole from which it may change along it


class Profile:
    """A cubic spline across the trace whose coefficients are polynomials along it.

    Knots are about a third of the FWHM apart; the slope of the trace samples what lies
    between pixels (Marsh 1989 does so with polynomials).

    Parameters
    ----------
    offsets : ndarray of float64, shape (rows, n)
        Rows of the pixels less that of the trace.
    share : ndarray of float64, shape (rows, n)
        Part of a pixel that is within the aperture.
    half : float
        Half the aperture in pixels.
    fwhm : float
        In pixels.
    """

    def __init__(self, offsets: np.ndarray, share: np.ndarray, half: float, fwhm: float) -> None:
        self.share, self.inside = share, share > 0
        step = min(max(fwhm / 3.0, 0.6), 2.0)
        reach = half + 1.0
        self._intervals = int(np.ceil(2.0 * reach / step))
        self._first, self._basis = basis_at(offsets[self.inside], -reach,
                                            2.0 * reach / self._intervals, self._intervals)
        n = offsets.shape[1]
        columns = np.broadcast_to(np.arange(n), offsets.shape)[self.inside]
        self._t = 2.0 * columns / max(n - 1, 1) - 1.0

    def fitted(self, light: np.ndarray, variance: np.ndarray, flux: np.ndarray,
               used: np.ndarray, strength: np.ndarray | None = None) -> np.ndarray | None:
        """Return the share of a column's light that each pixel has, in the aperture 1 in sum.

        Parameters
        ----------
        light, variance : ndarray of float64, shape (rows, n)
            Less the sky; beyond the aperture they are not looked at.
        flux : ndarray of float64, shape (n,)
        used : ndarray of bool, shape (rows, n)
        strength : ndarray of float64, shape (n,), optional
            The flux that says how much a column counts, where that is not `flux`.

        Returns
        -------
        ndarray of float64, shape (rows, n)
            Not negative; 0 beyond the aperture. None where nothing tells it.
        """
        bright = np.where(np.isfinite(flux) & (flux > 0), flux, 0.0)
        of_pixel = np.broadcast_to(bright, light.shape)[self.inside]
        count = np.maximum(flux if strength is None else strength, 0.0)
        count = np.broadcast_to(np.where(np.isfinite(count), count, 0.0), light.shape)[self.inside]
        noise, good = variance[self.inside], used[self.inside] & (of_pixel > 0)
        weights = np.where(good & (noise > 0), count**2 / np.where(noise > 0, noise, 1.0), 0.0)
        share = np.where(good, light[self.inside] / np.where(of_pixel > 0, of_pixel, 1.0), 0.0)
        signal = np.sqrt(weights.sum() / max(light.shape[0], 1))
        degree = sum(signal > limit for limit in _SIGNAL)
        factors = powers(self._t, degree)
        coefficients = spline_fit(self._first, self._basis, share, weights, self._intervals + 3,
                                  factors, _SMOOTH)
        if coefficients is None:
            return None
        result = np.zeros(light.shape)
        result[self.inside] = np.maximum(
            spline_at(coefficients, self._first, self._basis, factors), 0.0)
        total = (result * self.share).sum(axis=0)
        return result / np.where(total > 0, total, np.inf)
