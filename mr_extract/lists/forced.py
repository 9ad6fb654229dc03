"""Photometry at given positions, whether or not there is anything to see.

Nothing is detected and no position is improved: so the fluxes scatter about the
true ones, those of nothing about zero, and can be averaged over images.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from mr_extract.columns.choice import FAILED, NO_LOCAL_SKY
from mr_extract.detection.segments import Segments
from mr_extract.failures import ImageFailure
from mr_extract.images.image import Image
from mr_extract.images.observation import epoch_of
from mr_extract.lists.targets import Targets
from mr_extract.measure.at_positions import in_circles, in_given_ellipses, of_gaussians
from mr_extract.measure.magnitudes import magnitudes
from mr_extract.measure.stamps import local_background
from mr_extract.measure.surroundings import Surroundings
from mr_extract.planes.plane import Plane, ready
from mr_extract.settings.config import Config


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
    plane: Plane
    outside: int
    seconds: dict

    def __len__(self) -> int:
        return len(self.failed)


def measure_at(
    image: Image,
    config: Config,
    targets: Targets,
    zero_point: float | None = None,
    further: Iterable[str] = (),
    mjd: float | None = None,
) -> Forced:
    """Measure an image in circles around targets.

    Parameters
    ----------
    image : mr_extract.images.Image
        Its data are overwritten by the background-subtracted image.
    config : mr_extract.settings.config.Config
        The apertures, and of the section ``targets`` the annulus and the limit.
    targets : Targets
    zero_point : float, optional
        Magnitude of one image unit, in place of the header's and the configuration's.
    further : sequence of str
        What to measure besides, of `mr_extract.columns.choice.FORCED_FURTHER`.
    mjd : float, optional
        Date of the image, to which targets with proper motions are brought; by default the
        header's.

    Returns
    -------
    Forced
        A row a target on the image, in the order of the list.

    Raises
    ------
    ImageFailure
        ``no-valid-pixels``, ``no-background``, ``broken-wcs``, ``constant-image`` where
        there is no noise, and ``no-wcs`` where the targets are on the sky and the header
        has no coordinates.

    Notes
    -----
    All light in the circle counts, whosever it is: there is no detection that could
    tell a neighbour's. Bad pixels are replaced by those opposite the target, unless
    ``neighbours`` is none. With flux f, error s and k = limit_sigma the limit is
    max(f, 0) + k s: the true flux is lower with a probability of at least that of a
    normal deviate below k. It is nan where pixels of the circle are bad, saturated or
    beyond the border.
    """
    seconds, mark = {}, perf_counter()
    if mjd is None and targets.motions is not None:
        mjd = epoch_of({**image.primary, **image.header})
    found = targets.within(image.header, image.data.shape, image.origin, image.core, mjd)
    if found[0] is None:
        raise ImageFailure("no-wcs", "the targets are on the sky, and the header has no "
                                     "celestial coordinates")
    which, x, y = found
    seconds["targets"], mark = perf_counter() - mark, perf_counter()
    plane = ready(image, config, zero_point)
    seconds["background"], mark = perf_counter() - mark, perf_counter()
    _check_noise(plane)
    settings, diameters = config.targets, config.measurement.apertures
    labels = np.zeros(plane.data.shape, np.int32)
    around = Surroundings(plane, Segments(labels, 0), x, y, config.measurement.neighbours)
    around = around.without_gain()
    ring = settings.annulus[1] > 0
    sky, sky_error = np.zeros((2, len(x)))
    if ring:
        sky, sky_error = local_background(
            plane, x, y, settings.annulus[0], settings.annulus[1], settings.annulus_statistic)
    lights = {f"_aper_{k}": light for k, light in enumerate(
        in_circles(around, diameters, plane.gain, ring), 1)}
    if "forced_gauss" in further:
        lights["_gauss"] = of_gaussians(plane, x, y, settings.forced_fwhm)
    if "forced_ellipse" in further:
        lights["_ellipse"] = in_given_ellipses(around, targets.shapes(which), plane.gain)
    if config.companions.weight_gain:
        for light in lights.values():
            light.photons = light.photons * _local_gain(plane, x, y)
    flag = np.bitwise_or.reduce([light.flag for light in lights.values()])
    flag = flag | np.where(np.isnan(sky), NO_LOCAL_SKY, 0)
    values = {
        "number": np.arange(1, len(x) + 1), "x": x, "y": y, "flag": flag,
        "target": np.array([targets.ids[k] for k in which.tolist()], dtype=str),
        "background_local": sky,
    }
    if targets.sky:
        values["ra"], values["dec"] = targets.places.at(which, mjd)
    for tail, light in lights.items():
        flux, error = light.less(sky, sky_error)
        values[f"flux{tail}"], values[f"fluxerr{tail}"] = flux, error
        values[f"mag{tail}"], values[f"magerr{tail}"] = magnitudes(flux, error, plane.zero_point)
        if tail.startswith("_aper"):
            limit = light.limit(flux, error, settings.limit_sigma)
            values[f"flux_limit{tail}"] = limit
            values[f"mag_limit{tail}"], _ = magnitudes(limit, limit, plane.zero_point)
    seconds["apertures"] = perf_counter() - mark
    return Forced(values, flag & FAILED > 0, plane,
                  int(targets.places.there.sum()) - len(which), seconds)


def _local_gain(plane, x, y):
    """Return how many times the photons count at targets, as the gain goes with the weight.

    That of the pixel below each stands for its aperture: see
    `mr_extract.planes.noise.with_photons`.
    """
    if not isinstance(plane.sky_noise, np.ndarray) or plane.even_gain or not (
            plane.typical_noise > 0):
        return 1.0
    height, width = plane.sky_noise.shape
    column = np.clip(np.rint(x), 0, width - 1).astype(int)
    row = np.clip(np.rint(y), 0, height - 1).astype(int)
    return (plane.sky_noise[row, column] / plane.typical_noise) ** 2


def _check_noise(plane):
    """Refuse an image without noise, on which every flux would be certain."""
    most = np.max(plane.noise)
    if not most > 0:
        raise ImageFailure(
            "constant-image", f"the background rms is {plane.rms:g}, so fluxes would have no "
            "errors; a map of the noise can give them (--weight-type map_rms)",
        )
