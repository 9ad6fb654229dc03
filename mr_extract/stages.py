"""What is computed for which columns, in which order.

Each stage takes the `Frame`, calls a kernel and puts columns into
``frame.values``. Only stages that a chosen column needs are run: radii and
windowed positions cost as much as detection.
"""

from dataclasses import dataclass, field

import numpy as np

from mr_extract.astrometry import sky_positions
from mr_extract.background import background_at
from mr_extract.columns import CROWDED
from mr_extract.config import Config
from mr_extract.failures import ImageFailure
from mr_extract.measure.apertures import circular, kron, light_radii
from mr_extract.measure.flags import image_flags, weight_flags
from mr_extract.measure.isophotal import areas, core_width, corrected, isophotal, thresholds
from mr_extract.measure.magnitudes import magnitudes
from mr_extract.measure.petrosian import petrosian
from mr_extract.measure.shapes import position_errors, shapes
from mr_extract.measure.sizes import size_excess
from mr_extract.measure.sky_shapes import local_scale, on_the_sky, pixel_area
from mr_extract.measure.surface import surface_brightness
from mr_extract.measure.windows import windowed
from mr_extract.planes import Plane
from mr_extract.segments import Segments
from mr_extract.surroundings import Surroundings


@dataclass
class Frame:
    """One image on its way through the stages.

    Parameters
    ----------
    config : mr_extract.config.Config
    detected, measured : mr_extract.planes.Plane
        Where the objects were found and where they are measured; one and the
        same but in two-image mode.
    objects : structured ndarray, shape (n,)
        From `mr_extract.detection.detect`.
    segments : mr_extract.segments.Segments
    values : dict of str to ndarray, shape (n,)
        Columns so far; ``name_1`` and so on for vectors.
    flag : ndarray of int64, shape (n,)
    failed : ndarray of bool, shape (n,)
        Sources for which a measurement failed.
    """

    config: Config
    detected: Plane
    measured: Plane
    objects: np.ndarray
    segments: Segments
    around: Surroundings = None
    values: dict = field(default_factory=dict)
    flag: np.ndarray = None
    failed: np.ndarray = None
    _scales: dict = field(default_factory=dict)

    def __post_init__(self):
        self.around = Surroundings(
            self.measured, self.segments, self.objects["x"], self.objects["y"],
            self.config.measurement.neighbours,
        )
        self.flag = self.objects["flag"].astype(np.int64)
        self.failed = np.zeros(len(self.objects), bool)

    def __len__(self):
        return len(self.objects)

    def scale(self, system):
        """Return the local scale of the WCS at the objects, nan without one."""
        if system not in self._scales:
            scale = local_scale(self._on_sky(system), self.objects["x"], self.objects["y"])
            self._scales[system] = scale or (np.full(len(self), np.nan),) * 4
        return self._scales[system]

    def pixel_scale(self):
        """Return arcseconds a pixel: the setting, or that of the WCS in the middle, or nan."""
        if self.config.measurement.pixel_scale > 0:
            return self.config.measurement.pixel_scale
        height, width = self.measured.data.shape
        middle = np.array([(width - 1) / 2.0]), np.array([(height - 1) / 2.0])
        scale = local_scale(self._on_sky("native"), *middle)
        return 3600.0 * float(np.sqrt(pixel_area(scale)[0])) if scale else np.nan

    def _on_sky(self, system):
        return lambda x, y: sky_positions(self.measured.header, x, y, system)

    def keep(self, selected):
        """Go on with some of the sources, numbered anew, whose neighbours the others were."""
        if selected.all():
            return
        self.objects, self.segments = self.objects[selected], self.segments.keep(selected)
        self.flag, self.failed = self.flag[selected], self.failed[selected]
        self.values.update({name: values[selected] for name, values in self.values.items()})
        self.values["number"] = np.arange(1, len(self.objects) + 1)
        self.around.x, self.around.y = self.around.x[selected], self.around.y[selected]


# Flags of an aperture that reaches farther than half of the light.
_OF_APERTURES = 0x0010 | 0x0020


@dataclass(frozen=True)
class Stage:
    """A step: what it is called, its columns, the columns it takes, and what runs it."""

    name: str
    run: object
    provides: tuple
    needs: tuple = ()


def _shapes(frame):
    frame.values |= shapes(frame.objects)


def _errors(frame):
    frame.values |= position_errors(frame.objects)


def _isophotal(frame):
    frame.values |= isophotal(frame.measured, frame.segments)


def _isophotal_corrected(frame):
    values = frame.values
    values |= corrected(values["flux_iso"], values["fluxerr_iso"], frame.objects["npix"],
                        frame.objects["thresh"])


def _peaks(frame):
    # SExtractor's peak is at the highest pixel of the filtered image.
    for name in ("x", "y"):
        frame.values[f"{name}peak"] = frame.objects[f"{name}cpeak"]


def _areas(frame):
    # What cleaning added came after SExtractor had counted.
    segments = frame.segments.own
    levels = thresholds(frame.measured, segments, frame.config.detection)
    frame.values |= areas(frame.measured, segments, levels)


def _core(frame):
    segments = frame.segments.own
    _, least = thresholds(frame.measured, segments, frame.config.detection)
    frame.values["fwhm_iso"] = core_width(frame.measured, segments, frame.objects, least)


def _surface(frame):
    _, least = thresholds(frame.measured, frame.segments.own, frame.config.detection)
    for name, level in (("mu_threshold", least), ("mu_max", frame.values["peak"])):
        frame.values[name] = surface_brightness(
            level, frame.measured.zero_point, frame.pixel_scale()
        )


def _image_flags(frame):
    frame.values["imaflags_iso"], frame.values["nimaflags_iso"] = image_flags(
        frame.detected.flags, frame.segments, frame.config.companions.flag_type
    )


def _weight_flags(frame):
    kernel = frame.config.detection.filter_kernel or ((1.0,),)
    reach = len(kernel) // 2 + 1, len(kernel[0]) // 2 + 1
    frame.values["flag_weight"] = weight_flags(frame.detected.mask, frame.segments, reach)


def _circular(frame):
    flux, error, bits, failed = circular(frame.around, frame.config.measurement.apertures)
    for k in range(flux.shape[1]):
        frame.values[f"flux_aper_{k + 1}"] = flux[:, k]
        frame.values[f"fluxerr_aper_{k + 1}"] = error[:, k]
    frame.flag |= bits
    frame.failed |= failed


def _kron(frame):
    columns, bits, crowded, failed = kron(
        frame.around, frame.detected, frame.objects, frame.config.measurement
    )
    frame.values |= columns
    frame.flag |= bits | np.where(crowded, CROWDED, 0)
    frame.failed |= failed


def _petrosian(frame):
    search = frame.around
    if frame.detected is not frame.measured:
        search = Surroundings(frame.detected, frame.segments, search.x, search.y, search.how)
    columns, bits, crowded, failed = petrosian(
        frame.around, search, frame.objects, frame.config.measurement
    )
    frame.values |= columns
    frame.flag |= bits | np.where(crowded, CROWDED, 0)
    frame.failed |= failed


def _radii(frame):
    settings = frame.config.measurement
    fractions = (*settings.flux_fractions, 0.5)
    radii, failed = light_radii(
        frame.around, frame.objects, fractions, frame.values["flux_auto"],
        settings.kron_search_diameter,
    )
    for k in range(len(fractions) - 1):
        frame.values[f"flux_radius_{k + 1}"] = radii[:, k]
    frame.values["half_light_radius"] = radii[:, -1]
    frame.failed |= failed


def _windows(frame):
    frame.values |= windowed(frame.around, frame.objects, frame.values["half_light_radius"])


def _sizes(frame):
    values = frame.values
    bad = frame.flag & ~_OF_APERTURES != 0
    if frame.measured.saturated is not None:
        saturated = frame.measured.saturated.ravel()[frame.segments.pixels]
        bad = bad | (frame.segments.sums(saturated) > 0)
    values["size_excess"] = size_excess(
        values["half_light_radius"], values["flux_auto"], values["fluxerr_auto"], ~bad
    )


def _background(frame):
    values = frame.values
    if frame.config.background.back_type == "manual":
        values["background"] = np.full(len(frame), frame.config.background.back_value)
    else:
        values["background"] = background_at(frame.measured.mesh, values["x"], values["y"])


def _magnitudes(frame):
    for name in [n for n in frame.values if n.startswith("flux_") and "radius" not in n]:
        suffix = name.removeprefix("flux")
        frame.values[f"mag{suffix}"], frame.values[f"magerr{suffix}"] = magnitudes(
            frame.values[name], frame.values[f"fluxerr{suffix}"], frame.measured.zero_point
        )


def _sky(x, y, ra, dec, system="icrs"):
    def run(frame):
        keywords = {} if system == "icrs" else {"frame": system}
        positions = sky_positions(
            frame.measured.header, frame.values[x], frame.values[y], **keywords
        )
        if positions is None:
            if frame.config.astrometry.require_wcs:
                raise ImageFailure("no-wcs", "the header has no celestial coordinates")
            positions = (np.full(len(frame), np.nan),) * 2
        frame.values[ra], frame.values[dec] = positions
    return run


def _world(kind, tail):
    def run(frame):
        moments = [frame.values[f"{kind}{name}{tail}"] for name in ("x2", "y2", "xy")]
        frame.values |= on_the_sky(kind, tail, moments, frame.scale("native"), frame.scale("icrs"))
    return run


def _world_sizes(frame):
    values, setting = frame.values, frame.config.measurement.pixel_scale
    area = (setting / 3600.0) ** 2 if setting > 0 else pixel_area(frame.scale("native"))
    values["fwhm_world"] = values["fwhm_iso"] * np.sqrt(area)
    values["isoarea_world"] = values["tnpix"] * area
    values["isoareaf_world"] = frame.objects["npix"] * area


def _columns(*stems):
    return tuple(f"{kind}_{stem}" for stem in stems for kind in ("flux", "fluxerr"))


def _ellipse(kind, tail):
    names = ("x2", "y2", "xy", "cxx", "cyy", "cxy", "a", "b", "theta")
    return tuple(f"{kind}{name}{tail}" for name in names)


def _on_sky(kind, tail):
    return (*_ellipse(kind, f"{tail}_world"), f"{kind}theta{tail}_sky",
            f"{kind}theta{tail}_j2000")


STAGES = (
    Stage("shapes", _shapes,
          ("a", "b", "theta", "ellipticity", "fwhm", "elongation", "polarisation")),
    Stage("shapes", _errors, _ellipse("err", "")),
    Stage("photometry", _isophotal, (*_columns("iso"), "peak")),
    Stage("photometry", _isophotal_corrected, _columns("isocor"), _columns("iso")),
    Stage("shapes", _peaks, ("xpeak", "ypeak")),
    Stage("areas", _areas, (*(f"iso{k}" for k in range(8)), "tnpix")),
    Stage("areas", _core, ("fwhm_iso",)),
    Stage("flags", _image_flags, ("imaflags_iso", "nimaflags_iso")),
    Stage("flags", _weight_flags, ("flag_weight",)),
    Stage("apertures", _circular, _columns("aper")),
    Stage("kron", _kron, (*_columns("auto"), "kron_radius")),
    Stage("petrosian", _petrosian, (*_columns("petro"), "petro_radius")),
    Stage("radii", _radii, ("flux_radius", "half_light_radius"), ("flux_auto",)),
    Stage("windows", _windows,
          ("x_win", "y_win", *_ellipse("", "_win"), *_ellipse("err", "_win"), *_columns("win"),
           "snr_win", "niter_win", "flag_win"), ("half_light_radius",)),
    Stage("background", _background, ("background",)),
    Stage("background", _surface, ("mu_threshold", "mu_max"), ("peak",)),
    Stage("astrometry", _sky("x", "y", "ra", "dec"), ("ra", "dec")),
    Stage("astrometry", _sky("x", "y", "lon", "lat", "native"), ("lon", "lat")),
    Stage("astrometry", _sky("xpeak", "ypeak", "ra_peak", "dec_peak"), ("ra_peak", "dec_peak"),
          ("xpeak", "ypeak")),
    Stage("astrometry", _sky("xpeak", "ypeak", "lon_peak", "lat_peak", "native"),
          ("lon_peak", "lat_peak"), ("xpeak", "ypeak")),
    Stage("astrometry", _sky("x_win", "y_win", "ra_win", "dec_win"), ("ra_win", "dec_win"),
          ("x_win", "y_win")),
    Stage("astrometry", _sky("x_win", "y_win", "lon_win", "lat_win", "native"),
          ("lon_win", "lat_win"), ("x_win", "y_win")),
    *(Stage("astrometry", _world(kind, tail), _on_sky(kind, tail),
            tuple(f"{kind}{name}{tail}" for name in ("x2", "y2", "xy")))
      for tail in ("", "_win") for kind in ("", "err")),
    Stage("astrometry", _world_sizes, ("fwhm_world", "isoarea_world", "isoareaf_world"),
          ("fwhm_iso", "tnpix")),
    Stage("sizes", _sizes, ("size_excess",), ("half_light_radius", "flux_auto")),
)


def stages_for(names):
    """Return the stages that columns need, in their order.

    Parameters
    ----------
    names : iterable of str
        Names of columns; a vector's without its number.
    """
    wanted = set(names)
    # A magnitude needs its flux and its error.
    wanted |= {n.replace("magerr_", "flux_").replace("mag_", "flux_") for n in wanted}
    chosen = []
    for stage in reversed(STAGES):
        if wanted & set(stage.provides):
            chosen.insert(0, stage)
            wanted |= set(stage.needs)
    if any(name.startswith("mag") for name in wanted):
        chosen.append(Stage("photometry", _magnitudes, ()))
    return chosen
