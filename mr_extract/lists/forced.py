"""Photometry at given positions, whether or not there is anything to see.

Nothing is detected and no position is improved: so the fluxes scatter about the
true ones, those of nothing about zero, and can be averaged over images.
"""

from dataclasses import dataclass
from time import perf_counter

import numpy as np
import sep

from mr_extract.columns import FAILED, SATURATED
from mr_extract.detection.segments import Segments
from mr_extract.failures import ImageFailure
from mr_extract.lists.placing import Places
from mr_extract.lists.reading import identities, positions
from mr_extract.measure.apertures import circular, in_ellipse
from mr_extract.measure.magnitudes import magnitudes
from mr_extract.measure.stamps import gaussian_fluxes, local_background
from mr_extract.measure.surroundings import Surroundings
from mr_extract.planes.plane import ready


@dataclass
class Targets:
    """A list of places, made ready to be asked by many images.

    Parameters
    ----------
    ids : list of str
        What the list calls them; their numbers from 1 on where it does not.
    sky : bool
        Whether the positions are ICRS degrees or 0-based pixels.
    first, second : ndarray of float64, shape (n,)
        Right ascension and declination, or x and y.
    ellipses : ndarray of float64, shape (3, n), or None
        Half axes in pixels and angles in degrees from the x axis.
    """

    ids: list
    sky: bool
    first: np.ndarray
    second: np.ndarray
    ellipses: np.ndarray | None = None

    def __post_init__(self):
        self.places = Places(self.sky, self.first, self.second)

    def __len__(self):
        return len(self.ids)

    def within(self, header, shape, origin=(0, 0), core=None):
        """Return the targets on an image, as `mr_extract.lists.placing.Places.on_pixels`."""
        return self.places.on_pixels(header, shape, origin, core)


def targets_from(table, how="auto"):
    """Return the targets that a list gives.

    Parameters
    ----------
    table : mr_extract.lists.reading.Table
    how : str
        As for `mr_extract.lists.reading.positions`.

    Raises
    ------
    ValueError
        When the list has no positions, or none that is a number.
    """
    sky, first, second = positions(table, how)
    if len(table) and not (np.isfinite(first) & np.isfinite(second)).any():
        raise ValueError("none of its positions is a number (degrees, not hours and minutes)")
    targets = Targets(identities(table), sky, first, second, _ellipses(table))
    if len(table) and not targets.places.there.any():
        raise ValueError("none of its declinations is between -90 and 90 degrees")
    targets.places.say_beyond_poles()
    return targets


def _ellipses(table):
    """Return a, b, theta of a list that has them, a and b times its Kron radius if it has one."""
    found = [table.find(role) for role in ("a", "b", "theta")]
    if None in found:
        return None
    a, b, theta = (table.numbers(k, unit)
                   for k, unit in zip(found, ("pixels", "pixels", "degrees")))
    kron = table.find("kron_radius")
    times = 1.0 if kron is None else table.numbers(kron, "pixels")
    return np.stack([a * times, b * times, theta])


@dataclass
class Forced:
    """What was measured at the targets of one image.

    Parameters
    ----------
    values : dict of str to ndarray, shape (n,)
    failed : ndarray of bool, shape (n,)
    plane : mr_extract.planes.plane.Plane
    outside : int
        Targets with a position that the image does not hold.
    seconds : dict of str to float
        Wall time by stage.
    """

    values: dict
    failed: np.ndarray
    plane: object
    outside: int
    seconds: dict

    def __len__(self):
        return len(self.failed)


def measure_at(image, config, targets, zero_point=None, ellipses=False):
    """Measure an image in circles around targets.

    Parameters
    ----------
    image : mr_extract.images.Image
        Its data are overwritten by the background-subtracted image.
    config : mr_extract.config.Config
        The apertures, and of the section ``targets`` the annulus and the limit.
    targets : Targets
    zero_point : float, optional
        Magnitude of one image unit, in place of the header's and the configuration's.
    ellipses : bool
        Measure in the ellipses of the list, too.

    Returns
    -------
    Forced
        A row a target on the image, in the order of the list.

    Raises
    ------
    ImageFailure
        ``no-valid-pixels``, ``no-background``, ``broken-wcs``, and ``no-wcs`` where the
        targets are on the sky and the header has no coordinates.

    Notes
    -----
    All light in the circle counts, whosever it is: there is no detection that could
    tell a neighbour's. Bad pixels are replaced by those opposite the target, unless
    ``neighbours`` is none. With flux f, error s and k = limit_sigma the limit is
    max(f, 0) + k s: the true flux is lower with a probability of at least that of a
    normal deviate below k.
    """
    seconds, mark = {}, perf_counter()
    which, x, y = targets.within(image.header, image.data.shape, image.origin, image.core)
    if which is None:
        raise ImageFailure("no-wcs", "the targets are on the sky, and the header has no "
                                     "celestial coordinates")
    seconds["targets"], mark = perf_counter() - mark, perf_counter()
    plane = ready(image, config, zero_point)
    seconds["background"], mark = perf_counter() - mark, perf_counter()
    settings, diameters = config.targets, config.measurement.apertures
    labels = np.zeros(plane.data.shape, np.int32)
    around = Surroundings(plane, Segments(labels, 0), x, y, config.measurement.neighbours)
    flux, error, flag, failed = circular(around, diameters)
    values = {
        "number": np.arange(1, len(x) + 1), "x": x, "y": y,
        "target": np.array([targets.ids[k] for k in which.tolist()], dtype=str),
    }
    values["background_local"] = np.zeros(len(x))
    if targets.sky:
        values["ra"], values["dec"] = targets.first[which], targets.second[which]
    if settings.annulus[1] > 0:
        local, local_error = local_background(plane, x, y, *settings.annulus)
        area = np.pi * (np.asarray(diameters) / 2.0) ** 2
        flux = flux - local[:, None] * area
        error = np.hypot(error, local_error[:, None] * area)
        values["background_local"] = local
    empty = _all_masked(plane, x, y, diameters)
    flag = flag | np.where(empty.any(1), sep.APER_ALLMASKED, 0)
    flux, error = (np.where(empty, np.nan, v) for v in (flux, error))
    for k in range(len(diameters)):
        tail = f"_aper_{k + 1}"
        limit = np.maximum(flux[:, k], 0.0) + settings.limit_sigma * error[:, k]
        values |= {f"flux{tail}": flux[:, k], f"fluxerr{tail}": error[:, k],
                   f"flux_limit{tail}": limit}
        values[f"mag{tail}"], values[f"magerr{tail}"] = magnitudes(
            flux[:, k], error[:, k], plane.zero_point
        )
        values[f"mag_limit{tail}"], _ = magnitudes(limit, limit, plane.zero_point)
    if settings.forced_fwhm > 0:
        values["flux_gauss"], values["fluxerr_gauss"] = gaussian_fluxes(
            plane, x, y, settings.forced_fwhm, values["background_local"]
        )
    if ellipses:
        values |= _in_ellipses(around, targets, which, values["background_local"])
    for name in [n for n in values if n in ("flux_gauss", "flux_ellipse")]:
        tail = name.removeprefix("flux")
        values[f"mag{tail}"], values[f"magerr{tail}"] = magnitudes(
            values[name], values[f"fluxerr{tail}"], plane.zero_point
        )
    if plane.saturated is not None:
        reach = np.full(len(x), max(diameters) / 2.0)
        touched, _, _ = sep.sum_circle(plane.saturated.astype(np.float32), x, y, reach, subpix=1)
        flag = flag | np.where(touched > 0, SATURATED, 0)
    flag = flag | np.where(failed, FAILED, 0)
    values["flag"] = flag
    seconds["apertures"] = perf_counter() - mark
    return Forced(values, failed, plane, int(targets.places.there.sum()) - len(which), seconds)


def _in_ellipses(around, targets, which, local):
    if targets.ellipses is None:
        return {name: np.full(len(which), np.nan) for name in ("flux_ellipse", "fluxerr_ellipse")}
    a, b, theta = targets.ellipses[:, which]
    fine = (a >= b) & (b > 0)
    a, b = np.where(fine, a, 1.0), np.where(fine, b, 1.0)
    theta = np.radians((np.nan_to_num(theta) + 90.0) % 180.0 - 90.0)
    flux, error, _, _, failed = in_ellipse(
        around, {"a": a, "b": b, "theta": theta}, np.ones(len(a)), 0.0
    )
    fine &= ~failed
    return {"flux_ellipse": np.where(fine, flux - local * np.pi * a * b, np.nan),
            "fluxerr_ellipse": np.where(fine, error, np.nan)}


def _all_masked(plane, x, y, diameters):
    """Say which circles hold no good pixel: shape (n, k)."""
    if plane.mask is None or not len(x):
        return np.zeros((len(x), len(diameters)), bool)
    good = (~plane.mask).astype(np.float32)
    sums = [sep.sum_circle(good, x, y, np.full(len(x), d / 2.0), subpix=5)[0] for d in diameters]
    return np.stack(sums, 1) <= 0
