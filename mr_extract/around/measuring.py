"""All that is measured around one place, and around all places of a field."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mr_extract.around.aperture import aperture
from mr_extract.around.gaussian import fit_ellipse, fit_gaussian
from mr_extract.around.samples import Samples, from_plane
from mr_extract.around.statistics import statistics
from mr_extract.columns.photometry import (
    FIT_LEFT,
    NO_ANNULUS,
    NO_ELLIPSE,
    NO_FIT,
    PARTLY_UNSEEN,
    UNSEEN,
)

LEAST_ANNULUS = 20


@dataclass(frozen=True)
class Radii:
    """How far from a place what is measured; arcminutes.

    Parameters
    ----------
    statistics, aperture, inner, outer, fit : float
    beam : float
        FWHM of a point source; 0 where it is not known.
    """

    statistics: float
    aperture: float
    inner: float
    outer: float
    fit: float
    beam: float = 0.0

    @property
    def reach(self) -> float:
        """The largest of them."""
        return max(self.statistics, self.aperture, self.outer, self.fit)


class SkyField(Protocol):
    """Pixels on the sky."""

    def near(self, longitude: float, latitude: float, reach: float) -> Samples:
        """Return the pixels within a distance (arcminutes) of a place (degrees)."""


def measure_around(
    samples: Samples, radii: Radii, brightness: float, function: Callable | None = None,
    elliptical: bool = False,
) -> dict[str, float | int]:
    """Measure the pixels around one place.

    Parameters
    ----------
    samples : mr_extract.around.samples.Samples
        Within `radii.reach`.
    radii : Radii
    brightness : float
        Jy/sr of one unit of the map; nan where it is none.
    function : callable, optional
        Takes values, x and y (arcminutes) of the good pixels within the radius and returns
        a number.
    elliptical : bool
        Fit an elliptical Gaussian, too.

    Returns
    -------
    dict of str to (float or int)
        By column.
    """
    good = np.isfinite(samples.values)
    within = samples.distance <= radii.statistics
    circle = samples.distance <= radii.aperture
    near = within & good
    values = samples.values[near]
    flag = 0
    if not samples.whole or not (good | ~(within | circle)).all():
        flag |= PARTLY_UNSEEN
    flag |= UNSEEN if not len(values) else 0
    found = statistics(values)
    found["unseen"] = int(np.count_nonzero(within & ~good))
    if function is not None:
        found["function"] = np.nan
        if len(values):
            found["function"] = function(values, samples.x[near], samples.y[near])
    light = aperture(samples, radii, brightness, LEAST_ANNULUS)
    found |= light.columns()
    if not np.isfinite(light.background):
        flag |= NO_ANNULUS
    fitted = samples.some(good & (samples.distance <= radii.fit))
    noise = light.noise if fitted.sigma is None else fitted.sigma * light.scale
    fit = fit_gaussian(fitted, light.background, noise, radii.beam or radii.aperture)
    flag |= _flag_of(fit, radii.fit, NO_FIT)
    found |= _of_fit(fit, brightness)
    if elliptical:
        ellipse = None if fit is None else fit_ellipse(fitted, fit, noise)
        flag |= _flag_of(ellipse, radii.fit, NO_ELLIPSE)
        found |= _of_ellipse(ellipse, brightness)
    return found | {"flag": flag}


def _flag_of(fit, radius, none):
    """Return what is wrong with a fit."""
    if fit is None:
        return none
    away = np.hypot(fit.values[1], fit.values[2]) > radius
    return FIT_LEFT if away or fit.values[3] > 2.0 * radius else 0


def _of_fit(fit, brightness):
    """Return the columns of a round fit, nan where there is none."""
    found = _columns_of(fit, "fit", brightness, {
        "amplitude_fit": 0, "offset_lon": 1, "offset_lat": 2, "fwhm_fit": 3, "background_fit": 4})
    x, y = found["offset_lon"], found["offset_lat"]
    found["offset"] = offset = float(np.hypot(x, y))
    with np.errstate(invalid="ignore", divide="ignore"):
        found["offset_err"] = float(np.hypot(x * found["offset_lon_err"],
                                             y * found["offset_lat_err"]) / offset)
    return found


def _of_ellipse(fit, brightness):
    """Return the columns of an elliptical fit, nan where there is none."""
    return _columns_of(fit, "ell", brightness, {
        "amplitude_ell": 0, "fwhm_major": 3, "fwhm_minor": 4, "angle_ell": 5})


def _columns_of(fit, end, brightness, places):
    """Return the parameters that stand at these places, with errors, chi2 and flux."""
    which, nothing = list(places.values()), np.full(len(places), np.nan)
    values, errors = (nothing, nothing) if fit is None else (fit.values[which], fit.errors[which])
    flux, error = (np.nan, np.nan) if fit is None else fit.flux()
    return {
        **dict(zip(places, values.tolist())),
        **{f"{name}_err": one for name, one in zip(places, errors.tolist())},
        f"chi2_{end}": np.nan if fit is None else fit.chi2,
        f"dof_{end}": 0 if fit is None else fit.dof,
        f"flux_{end}": flux * brightness, f"fluxerr_{end}": error * brightness,
    }


def measure_field(
    field: SkyField,
    longitude: np.ndarray,
    latitude: np.ndarray,
    radii: Radii,
    brightness: float | Callable[[float], float],
    function: Callable | None = None,
    elliptical: bool = False,
) -> dict[str, np.ndarray]:
    """Measure a field around places, in their order.

    Parameters
    ----------
    field : SkyField
    longitude, latitude : ndarray of float64, shape (n,)
        Degrees in the frame of the field.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        Columns of `measure_around`, and ``lon_fit``, ``lat_fit`` in the frame of the field.
    """
    rows = []
    for place in zip(longitude.tolist(), latitude.tolist()):
        samples = field.near(*place, radii.reach)
        factor = brightness(samples.area) if callable(brightness) else brightness
        found = measure_around(samples, radii, factor, function, elliptical)
        found["lon_fit"], found["lat_fit"] = from_plane(*place, found["offset_lon"],
                                                        found["offset_lat"])
        rows.append(found)
    return {name: np.array([row[name] for row in rows]) for name in rows[0]} if rows else {}
