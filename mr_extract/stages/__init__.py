"""What is computed for which columns, in which order.

Each stage takes the `Frame`, calls a kernel and puts columns into
``frame.values``. Only stages that a chosen column needs are run: radii and
windowed positions cost as much as detection.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mr_extract.stages import pixels, sky
from mr_extract.stages.state import Frame

__all__ = ["STAGES", "Frame", "Stage", "stages_for"]


@dataclass(frozen=True)
class Stage:
    """A step: what it is called, its columns, the columns it takes, and what runs it."""

    name: str
    run: Callable[[Frame], None]
    provides: tuple
    needs: tuple = ()


def _columns(*stems):
    return tuple(f"{kind}_{stem}" for stem in stems for kind in ("flux", "fluxerr"))


def _ellipse(kind, tail):
    names = ("x2", "y2", "xy", "cxx", "cyy", "cxy", "a", "b", "theta")
    return tuple(f"{kind}{name}{tail}" for name in names)


def _on_sky(kind, tail):
    return (*_ellipse(kind, f"{tail}_world"), f"{kind}theta{tail}_sky",
            f"{kind}theta{tail}_j2000")


STAGES = (
    Stage("shapes", pixels.add_shapes,
          ("a", "b", "theta", "ellipticity", "fwhm", "elongation", "polarisation")),
    Stage("shapes", pixels.add_errors, _ellipse("err", "")),
    Stage("photometry", pixels.add_isophotal, (*_columns("iso"), "peak")),
    Stage("photometry", pixels.add_isophotal_corrected, _columns("isocor"), _columns("iso")),
    Stage("shapes", pixels.add_peaks, ("xpeak", "ypeak")),
    Stage("areas", pixels.add_areas, (*(f"iso{k}" for k in range(8)), "tnpix")),
    Stage("areas", pixels.add_core, ("fwhm_iso",)),
    Stage("flags", pixels.add_image_flags, ("imaflags_iso", "nimaflags_iso")),
    Stage("flags", pixels.add_weight_flags, ("flag_weight",)),
    Stage("apertures", pixels.add_circular, _columns("aper")),
    Stage("kron", pixels.add_kron, (*_columns("auto"), "kron_radius")),
    Stage("petrosian", pixels.add_petrosian, (*_columns("petro"), "petro_radius")),
    Stage("radii", pixels.add_radii, ("flux_radius", "half_light_radius"), ("flux_auto",)),
    Stage("windows", pixels.add_windows,
          ("x_win", "y_win", *_ellipse("", "_win"), *_ellipse("err", "_win"), *_columns("win"),
           "snr_win", "niter_win", "flag_win"), ("half_light_radius",)),
    Stage("psf", pixels.add_psf_fits, (*_columns("psf"), "x_psf", "y_psf", "chi2_psf",
                                       "spread_model", "spreaderr_model")),
    Stage("cut-outs", pixels.add_vignettes, ("vignet",)),
    Stage("background", pixels.add_background, ("background",)),
    Stage("background", pixels.add_surface, ("mu_threshold", "mu_max"), ("peak",)),
    Stage("astrometry", sky.add_positions("x", "y", "ra", "dec"), ("ra", "dec")),
    Stage("astrometry", sky.add_positions("x", "y", "lon", "lat", "native"), ("lon", "lat")),
    Stage("astrometry", sky.add_positions("xpeak", "ypeak", "ra_peak", "dec_peak"),
          ("ra_peak", "dec_peak"), ("xpeak", "ypeak")),
    Stage("astrometry", sky.add_positions("xpeak", "ypeak", "lon_peak", "lat_peak", "native"),
          ("lon_peak", "lat_peak"), ("xpeak", "ypeak")),
    Stage("astrometry", sky.add_positions("x_win", "y_win", "ra_win", "dec_win"),
          ("ra_win", "dec_win"), ("x_win", "y_win")),
    Stage("astrometry", sky.add_positions("x_win", "y_win", "lon_win", "lat_win", "native"),
          ("lon_win", "lat_win"), ("x_win", "y_win")),
    *(Stage("astrometry", sky.add_ellipse(kind, tail), _on_sky(kind, tail),
            tuple(f"{kind}{name}{tail}" for name in ("x2", "y2", "xy")))
      for tail in ("", "_win") for kind in ("", "err")),
    Stage("astrometry", sky.add_sizes, ("fwhm_world", "isoarea_world", "isoareaf_world"),
          ("fwhm_iso", "tnpix")),
    Stage("sizes", pixels.add_sizes, ("size_excess",), ("half_light_radius", "flux_auto")),
)


def stages_for(names: Iterable[str]) -> list[Stage]:
    """Return the stages that columns need, in their order.

    Parameters
    ----------
    names : iterable of str
        Names of columns; a vector's without its number.
    """
    wanted = set(names)
    # A magnitude needs its flux and its error.
    wanted |= {n.replace("magerr_", "flux_").replace("mag_", "flux_") for n in wanted}
    chosen: list[Stage] = []
    for stage in reversed(STAGES):
        if wanted & set(stage.provides):
            chosen.insert(0, stage)
            wanted |= set(stage.needs)
    if any(name.startswith("mag") for name in wanted):
        chosen.append(Stage("photometry", pixels.add_magnitudes, ()))
    return chosen
