"""Steps that measure pixels: each calls a kernel and puts its columns into the frame."""

import numpy as np

from mr_extract.columns.choice import SEARCH_CUT
from mr_extract.measure.apertures import circular, kron
from mr_extract.measure.flags import image_flags, weight_flags
from mr_extract.measure.isophotal import areas, core_width, corrected, isophotal, thresholds
from mr_extract.measure.light_radii import light_radii
from mr_extract.measure.magnitudes import magnitudes
from mr_extract.measure.own_psf import LEAST_STARS, own_psf, point_sources
from mr_extract.measure.petrosian import petrosian
from mr_extract.measure.psf_fits import RESULTS, psf_fits
from mr_extract.measure.shapes import position_errors, shapes
from mr_extract.measure.sizes import size_excess
from mr_extract.measure.surface import surface_brightness
from mr_extract.measure.surroundings import Surroundings
from mr_extract.measure.vignettes import vignettes
from mr_extract.measure.windows import windowed
from mr_extract.planes.background import background_at
from mr_extract.remarks import say
from mr_extract.stages.state import Frame

# Flags of an aperture that reaches farther than half of the light.
_OF_APERTURES = 0x0010 | 0x0020 | SEARCH_CUT


def add_shapes(frame: Frame) -> None:
    """Add axes, angle and what follows from them."""
    frame.values |= shapes(frame.objects)


def add_errors(frame: Frame) -> None:
    """Add the error ellipse of the position."""
    frame.values |= position_errors(frame.objects)


def add_isophotal(frame: Frame) -> None:
    """Add flux and peak within the isophote."""
    frame.values |= isophotal(frame.measured, frame.segments)


def add_isophotal_corrected(frame: Frame) -> None:
    """Add the isophotal flux with the wings of a Gaussian."""
    values = frame.values
    apart = frame.detected.exponent - frame.measured.exponent
    thresh = np.ldexp(frame.objects["thresh"], apart) if apart else frame.objects["thresh"]
    values |= corrected(values["flux_iso"], values["fluxerr_iso"], frame.objects["npix"], thresh)


def add_peaks(frame: Frame) -> None:
    """Add where the peak is."""
    # SExtractor's peak is at the highest pixel of the filtered image.
    for name in ("x", "y"):
        frame.values[f"{name}peak"] = frame.objects[f"{name}cpeak"]


def add_areas(frame: Frame) -> None:
    """Add the areas over eight levels and over the threshold."""
    # What cleaning added came after SExtractor had counted.
    segments = frame.segments.own
    levels = thresholds(frame.measured, segments, frame.config.detection)
    frame.values |= areas(frame.measured, segments, levels)


def add_core(frame: Frame) -> None:
    """Add the FWHM of the core."""
    segments = frame.segments.own
    _, least = thresholds(frame.measured, segments, frame.config.detection)
    frame.values["fwhm_iso"] = core_width(frame.measured, segments, frame.objects, least)


def add_surface(frame: Frame) -> None:
    """Add threshold and peak as surface brightness."""
    _, least = thresholds(frame.measured, frame.segments.own, frame.config.detection)
    for name, level in (("mu_threshold", least), ("mu_max", frame.values["peak"])):
        frame.values[name] = surface_brightness(
            level, frame.measured.zero_point, frame.pixel_scale()
        )


def add_image_flags(frame: Frame) -> None:
    """Add what the flag image says: the detection image's, or else the image's own."""
    flags = frame.detected.flags if frame.detected.flags is not None else frame.measured.flags
    frame.values["imaflags_iso"], frame.values["nimaflags_iso"] = image_flags(
        flags, frame.segments, frame.config.companions.flag_type
    )


def add_weight_flags(frame: Frame) -> None:
    """Add bad pixels in and about the isophote."""
    kernel = frame.config.detection.filter_kernel or ((1.0,),)
    reach = len(kernel) // 2 + 1, len(kernel[0]) // 2 + 1
    frame.values["flag_weight"] = weight_flags(
        frame.measured.mask, frame.detected.mask, frame.segments, reach
    )


def add_circular(frame: Frame) -> None:
    """Add fluxes in circles."""
    flux, error, bits, failed = circular(frame.around, frame.config.measurement.apertures)
    for k in range(flux.shape[1]):
        frame.values[f"flux_aper_{k + 1}"] = flux[:, k]
        frame.values[f"fluxerr_aper_{k + 1}"] = error[:, k]
    frame.flag |= bits
    frame.failed |= failed


def add_kron(frame: Frame) -> None:
    """Add the Kron radius and flux."""
    columns, bits, failed = kron(
        frame.around, frame.detected, frame.objects, frame.config.measurement
    )
    frame.values |= columns
    frame.flag |= bits
    frame.failed |= failed


def add_petrosian(frame: Frame) -> None:
    """Add the Petrosian radius and flux."""
    search = frame.around
    if frame.detected is not frame.measured:
        search = Surroundings(frame.detected, frame.segments, search.x, search.y, search.how)
    columns, bits, failed = petrosian(
        frame.around, search, frame.objects, frame.config.measurement
    )
    frame.values |= columns
    frame.flag |= bits
    frame.failed |= failed


def add_radii(frame: Frame) -> None:
    """Add the radii that hold fractions of the light."""
    settings = frame.config.measurement
    fractions = (*settings.flux_fractions, 0.5)
    radii, bits, failed = light_radii(
        frame.around, frame.objects, fractions, frame.values["flux_auto"],
        settings.kron_search_diameter,
    )
    for k in range(len(fractions) - 1):
        frame.values[f"flux_radius_{k + 1}"] = radii[:, k]
    frame.values["half_light_radius"] = radii[:, -1]
    frame.flag |= bits
    frame.failed |= failed


def add_windows(frame: Frame) -> None:
    """Add all that a Gaussian window measures."""
    columns, bits = windowed(frame.around, frame.objects, frame.values["half_light_radius"])
    frame.values |= columns
    frame.flag |= bits


def add_sizes(frame: Frame) -> None:
    """Add the size beyond that of point sources."""
    values = frame.values
    values["size_excess"] = size_excess(
        values["half_light_radius"], values["flux_auto"], values["fluxerr_auto"], _sound(frame)
    )


def _sound(frame):
    """Return which sources are whole, alone and not saturated."""
    bad = frame.flag & ~_OF_APERTURES != 0
    if frame.measured.saturated is not None:
        saturated = frame.measured.saturated.ravel()[frame.segments.pixels]
        bad = bad | (frame.segments.sums(saturated) > 0)
    return ~bad


def add_psf_fits(frame: Frame) -> None:
    """Add what a fit of the PSF finds; nan without a model of it."""
    plane = frame.measured
    model = plane.psf
    if model is None and frame.config.measurement.psf_model == "own":
        model = _own_psf(frame)
    elif model is None:
        say("companion-absent", "psf: there is no model, and the columns of its fit are nan")
    if model is None:
        frame.values |= {name: np.full(len(frame), np.nan) for name in RESULTS}
        return
    frame.values |= psf_fits(frame.around, model, plane.origin)


def _own_psf(frame):
    values = frame.values
    radius = values["half_light_radius"]
    chosen = point_sources(radius, values["flux_auto"], values["fluxerr_auto"],
                           1.0 - frame.objects["b"] / frame.objects["a"], _sound(frame))
    own = own_psf(frame.around, chosen, radius[chosen])
    frame.facts["psf_stars"] = own.stars
    if own.model is None:
        say("unknown-psf", f"{own.stars} stars are fit for it, fewer than {LEAST_STARS}: the "
                           "columns of its fit are nan")
        return None
    frame.facts |= {"psf_fwhm": round(own.model.fwhm, 3), "psf_chi2": round(own.chi2, 3)}
    return own.model


def add_vignettes(frame: Frame) -> None:
    """Add the pixels around the sources."""
    width, height = map(int, frame.config.measurement.vignet_size)
    frame.values["vignet"] = vignettes(frame.around, width, height)


def add_background(frame: Frame) -> None:
    """Add the background at the position."""
    values = frame.values
    if frame.config.background.back_type == "manual":
        values["background"] = np.full(len(frame), frame.config.background.back_value)
    else:
        values["background"] = background_at(frame.measured.mesh, values["x"], values["y"])


def add_magnitudes(frame: Frame) -> None:
    """Add the magnitudes of all fluxes there are."""
    for name in [n for n in frame.values if n.startswith("flux_") and "radius" not in n]:
        suffix = name.removeprefix("flux")
        frame.values[f"mag{suffix}"], frame.values[f"magerr{suffix}"] = magnitudes(
            frame.values[name], frame.values[f"fluxerr{suffix}"], frame.measured.zero_point
        )
