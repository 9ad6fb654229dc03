"""Shapes, fluxes, radii and windowed positions of detected objects.

Every function takes a background-subtracted image and sep's objects (0-based
pixels, `theta` in radians) and returns a dictionary of columns as named in
`mr_extract.columns`, with a boolean array of the objects for which it failed.
Formulae are SExtractor's (Bertin & Arnouts 1996 and its source, 2.25).
"""

import numpy as np
import sep

from mr_extract.isolation import each_object

KRON_SEARCH = 6.0  # SExtractor's KRON_NSIG: the Kron radius is measured in 6 a, 6 b
MAG_PER_FRACTION = 2.5 / np.log(10.0)
SIGMA_PER_RADIUS = 2.0 / 2.35  # window's sigma for a half-light radius, as SExtractor


def shapes(objects):
    """Return `a`, `b`, `theta` (degrees), `ellipticity` and `fwhm`.

    Parameters
    ----------
    objects : structured ndarray, shape (n,)
        From `mr_extract.detection.detect`.

    Returns
    -------
    dict of str to ndarray of float64, shape (n,)
        `fwhm` is that of a Gaussian with the same second moments,
        2 sqrt(ln 2 (a^2 + b^2)); as the moments are those of the pixels over
        the threshold, it is too small for faint sources.
    """
    a, b = objects["a"], objects["b"]
    with np.errstate(divide="ignore", invalid="ignore"):
        ellipticity = 1.0 - b / a
    return {
        "a": a,
        "b": b,
        "theta": np.degrees(objects["theta"]),
        "ellipticity": ellipticity,
        "fwhm": 2.0 * np.sqrt(np.log(2.0) * (a * a + b * b)),
    }


def isophotal(objects, rms, gain=0.0):
    """Return the isophotal area, peak, flux and its error.

    Parameters
    ----------
    objects : structured ndarray, shape (n,)
        From `mr_extract.detection.detect`.
    rms : float
        Background rms in image units.
    gain : float
        Electrons per image unit, 0 for no photon noise.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        The error is sqrt(npix rms^2 + flux / gain).
    """
    variance = objects["npix"] * rms**2
    if gain > 0:
        variance = variance + np.maximum(objects["flux"], 0.0) / gain
    return {
        "npix": objects["npix"],
        "peak": objects["peak"],
        "flux_iso": objects["flux"],
        "fluxerr_iso": np.sqrt(variance),
    }


def circular(data, objects, diameters, rms, gain=0.0, mask=None):
    """Sum the image in circles around `x`, `y`.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
        Image without background.
    objects : structured ndarray, shape (n,)
        From `mr_extract.detection.detect`.
    diameters : sequence of float
        In pixels.
    rms, gain : float
        Background rms in image units; electrons per image unit, 0 for no
        photon noise.
    mask : ndarray of bool, shape (height, width), optional
        Masked pixels count as the mean of the others in the circle.

    Returns
    -------
    columns : dict of str to ndarray, shape (n,)
        ``flux_aper_1``, ``fluxerr_aper_1`` and so on.
    flag : ndarray of int, shape (n,)
        Union of sep's aperture flags.
    failed : ndarray of bool, shape (n,)
    """
    columns, flag = {}, np.zeros(len(objects), np.int64)
    failed = np.zeros(len(objects), bool)
    for k, diameter in enumerate(diameters, 1):
        def total(x, y, radius=diameter / 2.0):
            return sep.sum_circle(
                data, x, y, radius, err=rms, gain=gain or None, mask=mask, subpix=5
            )

        (flux, error, bits), bad = each_object(total, objects["x"], objects["y"], outputs=3)
        columns[f"flux_aper_{k}"], columns[f"fluxerr_aper_{k}"] = flux, error
        flag |= bits
        failed |= bad
    return columns, flag, failed


def kron(data, objects, settings, rms, gain=0.0, mask=None):
    """Sum the image in Kron ellipses, with SExtractor's rule for small sources.

    The ellipse is ``max(kron_factor * r, kron_min_radius)`` times a and b, with
    r the first radial moment within 6 a and 6 b. Where its mean radius is less
    than half of ``kron_min_diameter`` a circle of that diameter is used and
    `kron_radius` is 0.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
        Image without background.
    objects : structured ndarray, shape (n,)
        From `mr_extract.detection.detect`.
    settings : mr_extract.config.Measurement
        Its Kron settings.
    rms, gain : float
        Background rms in image units; electrons per image unit, 0 for no
        photon noise.
    mask : ndarray of bool, shape (height, width), optional
        Masked pixels count as the mean of the others in the ellipse.

    Returns
    -------
    columns : dict of str to ndarray, shape (n,)
        `kron_radius`, `flux_auto`, `fluxerr_auto`.
    flag : ndarray of int, shape (n,)
        Union of sep's aperture flags.
    failed : ndarray of bool, shape (n,)
    """
    x, y, a, b = (objects[name] for name in ("x", "y", "a", "b"))
    # sep refuses angles that rounding has put a hair beyond a right angle.
    theta = np.clip(objects["theta"], -np.pi / 2, np.pi / 2)

    def radii(*ellipse):
        return sep.kron_radius(data, *ellipse, KRON_SEARCH, mask=mask)

    def total(x, y, a, b, theta, r):
        return sep.sum_ellipse(
            data, x, y, a, b, theta, r, err=rms, gain=gain or None, mask=mask, subpix=1
        )

    (radius, search_flag), no_radius = each_object(radii, x, y, a, b, theta, outputs=2)
    # The search ellipse may well leave the image; only what the flux is
    # summed over, and a radius that could not be had, are worth a flag.
    flag = search_flag.astype(np.int64) & (sep.APER_NONPOSITIVE | sep.APER_ALLMASKED)
    unusable = ~(radius > 0) | (flag != 0)
    radius = np.where(unusable, 0.0, settings.kron_factor * radius)
    radius = np.maximum(radius, settings.kron_min_radius)
    least = settings.kron_min_diameter / 2.0
    small = ~(radius * np.sqrt(a * b) > least)
    a, b, theta = (np.where(small, v, w) for v, w in ((1.0, a), (1.0, b), (0.0, theta)))
    (flux, error, bits), no_flux = each_object(
        total, x, y, a, b, theta, np.where(small, least, radius), outputs=3
    )
    failed = no_radius | no_flux
    columns = {
        "kron_radius": np.where(failed, np.nan, np.where(small, 0.0, radius)),
        "flux_auto": np.where(failed, np.nan, flux),
        "fluxerr_auto": np.where(failed, np.nan, error),
    }
    return columns, flag | bits, failed


def light_radii(data, objects, fractions, flux_auto, mask=None):
    """Return the radii that hold fractions of the Kron flux.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
        Image without background.
    objects : structured ndarray, shape (n,)
        From `mr_extract.detection.detect`.
    fractions : sequence of float
        Between 0 and 1.
    flux_auto : ndarray of float64, shape (n,)
        Flux that is the whole.
    mask : ndarray of bool, shape (height, width), optional
        True where a pixel does not count.

    Returns
    -------
    radii : ndarray of float64, shape (n, len(fractions))
        In pixels; nan where the flux is not positive.
    failed : ndarray of bool, shape (n,)
    """
    def radii(x, y, rmax, whole):
        return sep.flux_radius(
            data, x, y, rmax, list(fractions), normflux=whole, mask=mask, subpix=5
        )

    (radius, _), failed = each_object(
        radii, objects["x"], objects["y"], KRON_SEARCH * objects["a"], flux_auto, outputs=2
    )
    radius = np.asarray(radius, float).reshape(len(objects), len(fractions))
    return np.where((flux_auto > 0)[:, None] & ~failed[:, None], radius, np.nan), failed


def windowed(data, objects, half_light_radius, mask=None):
    """Return Gaussian-windowed positions.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
        Image without background.
    objects : structured ndarray, shape (n,)
        From `mr_extract.detection.detect`.
    half_light_radius : ndarray of float64, shape (n,)
        In pixels. The window's sigma is 2/2.35 of it, and at most 2 `a`: in
        crowded fields the Kron flux is that of a group, whose half-light
        radius would average its members at great expense.
    mask : ndarray of bool, shape (height, width), optional
        True where a pixel does not count.

    Returns
    -------
    columns : dict of str to ndarray of float64, shape (n,)
        `x_win`, `y_win`: 0-based pixels, nan where the iteration found no
        flux or left the source's own pixels for a brighter neighbour.
    failed : ndarray of bool, shape (n,)
    """
    sigma = SIGMA_PER_RADIUS * half_light_radius
    sigma = np.where(sigma > 0, np.fmin(sigma, 2.0 * objects["a"]), objects["a"])

    def centre(x, y, sigma):
        return sep.winpos(data, x, y, sigma, mask=mask)

    (x, y, bits), failed = each_object(centre, objects["x"], objects["y"], sigma, outputs=3)
    lost = failed | ((bits & (sep.APER_ALLMASKED | sep.APER_NONPOSITIVE)) != 0)
    lost |= ~((x > objects["xmin"] - 0.5) & (x < objects["xmax"] + 0.5))
    lost |= ~((y > objects["ymin"] - 0.5) & (y < objects["ymax"] + 0.5))
    return {"x_win": np.where(lost, np.nan, x), "y_win": np.where(lost, np.nan, y)}, failed


def magnitudes(flux, error, zero_point):
    """Return magnitudes and their errors; nan where the flux is not positive.

    Parameters
    ----------
    flux, error : ndarray, shape (n,)
        In image units.
    zero_point : float
        Magnitude of one image unit.

    Returns
    -------
    tuple of two ndarrays of float64, shape (n,)
        ``zero_point - 2.5 log10(flux)`` and ``1.0857 error / flux``.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        positive = np.where(flux > 0, flux, np.nan).astype(float)
        return zero_point - 2.5 * np.log10(positive), MAG_PER_FRACTION * error / positive
