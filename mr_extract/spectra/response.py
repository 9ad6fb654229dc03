"""What a unit of an image is in flux: a smooth function of the wavelength."""

from __future__ import annotations

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.spectra.splines import basis_at, spline_at, spline_fit

#: Where air absorbs, in Angstrom: no standard tells the response there.
TELLURIC = ((6860.0, 6960.0), (7150.0, 7350.0), (7580.0, 7710.0), (8100.0, 8400.0),
            (8900.0, 9900.0))
_CLIP, _ROUNDS, _SMOOTH = 3.0, 5, 1e-4
_LEAST = 0.5  # columns for a knot, on average


def rate_of(flux: np.ndarray, wavelength: np.ndarray, seconds: float) -> np.ndarray:
    """Return fluxes a column as those a second and Angstrom, shape (n,)."""
    return flux / (seconds * np.abs(np.gradient(wavelength)))


def at_wavelengths(
    table: tuple[np.ndarray, np.ndarray], wavelength: np.ndarray
) -> np.ndarray:
    """Return the values of a table at wavelengths, by lines between its rows; nan beyond them.

    Parameters
    ----------
    table : tuple of ndarray
        Wavelengths, which rise, and values.
    wavelength : ndarray of float64, shape (n,)
    """
    return np.interp(wavelength, *table, left=np.nan, right=np.nan)


def response_from(
    wavelength: np.ndarray, rate: np.ndarray, error: np.ndarray,
    standard: tuple[np.ndarray, np.ndarray], step: float,
) -> np.ndarray:
    """Return the response that a spectrum of a standard star shows, at its wavelengths.

    Parameters
    ----------
    wavelength, rate, error : ndarray of float64, shape (n,)
        Image units a second and Angstrom, as of `rate_of`.
    standard : tuple of ndarray
        Wavelengths and fluxes of the star.
    step : float
        Angstrom between the knots of the spline, which is through the flux of the star over
        the rate; where the air absorbs it is not looked at.

    Returns
    -------
    ndarray of float64, shape (n,)
        nan beyond the columns that tell it.

    Raises
    ------
    ImageFailure
        ``no-wavelengths`` where star and table have too few wavelengths in common.
    """
    flux = at_wavelengths(standard, wavelength)
    used = np.isfinite(flux) & np.isfinite(rate) & (error > 0) & (rate > 5.0 * error) & (flux > 0)
    for low, high in TELLURIC:
        used &= (wavelength < low) | (wavelength > high)
    if used.sum() < 10:
        raise ImageFailure("no-wavelengths", f"{int(used.sum())} columns of the spectrum have a "
                           "flux in the table of the standard star, and stand out: too few for a "
                           "response")
    ratio = np.where(used, flux / np.where(used, rate, 1.0), 0.0)
    noise = np.where(used, ratio * error / np.where(used, rate, 1.0), 1.0)
    low, high = wavelength[used].min(), wavelength[used].max()
    count = max(min(int(np.ceil((high - low) / step)), int(_LEAST * used.sum())), 1)
    first, basis = basis_at(wavelength, low, (high - low) / count, count)
    scale = float(np.median(ratio[used]))
    ones = np.ones((1, len(wavelength)))
    for _ in range(_ROUNDS):
        # A bright star tells it to within what its lines do, so no column counts for all.
        weights = np.where(used, 1.0 / (noise**2 + (0.01 * scale) ** 2), 0.0)
        weights /= weights.max()
        knots = spline_fit(first, basis, ratio / scale, weights, count + 3, ones, _SMOOTH)
        if knots is None:
            raise ImageFailure("no-wavelengths", "the standard star tells no response")
        curve = scale * spline_at(knots, first, basis, ones)
        away = np.where(used, np.abs(ratio / curve - 1.0), 0.0)
        scatter = 1.4826 * float(np.median(away[used]))
        kept = used & (away <= _CLIP * max(scatter, 0.005))
        if np.array_equal(kept, used) or kept.sum() < 10:
            break
        used = kept
    return np.where((wavelength >= low) & (wavelength <= high), curve, np.nan)
