"""Settings of what is made of dispersed images."""

from collections.abc import Sequence
from dataclasses import dataclass

from mr_extract.settings.beside import Companions
from mr_extract.settings.declaring import (
    Section,
    not_empty,
    not_negative,
    place,
    positive,
    rule,
    setting,
)
from mr_extract.settings.tree import Settings

MOST_DEGREE = 9
_WITHOUT_USE = ("weight_gain", "interp_maxlag", "flag_image", "flag_type", "calibration_file",
                "psf_image", "rescale_weights")
#: Of `mr_extract.spectra.line_lists`, which a driver need not load.
LAMP_NAMES = ("He", "Ne", "Ar", "Hg", "Kr", "Xe", "Cd", "night")
FEATURE_NAMES = ("H-alpha", "H-beta", "H-gamma", "H-delta", "O2-B", "O2-A")


def _degree(value: int) -> bool | str:
    return 0 <= value <= MOST_DEGREE or f"must lie between 0 and {MOST_DEGREE}"


def _at_least_one(value: int) -> bool | str:
    return value >= 1 or "must be 1 or more"


def _ends(values: Sequence[float]) -> bool | str:
    fine = len(values) == 2 and (tuple(values) == (0.0, 0.0) or 0 <= values[0] < values[1])
    return fine or "needs a lower and an upper end, or 0,0"


def _wavelengths(values: Sequence[float]) -> bool | str:
    return (len(values) == 2 and 0 < values[0] < values[1]) or "needs two wavelengths that rise"


def _orders(values: Sequence[float]) -> bool | str:
    fine = len(values) > 0 and all(v == int(v) and 0 < abs(v) < 100 for v in values)
    return fine or "needs whole numbers other than 0"


@dataclass(frozen=True)
class Geometry(Section):
    """Where spectra are in the image."""

    geometry: str = setting(
        "long-slit", "spectra of a slit, or of all that a grating without slit disperses",
        choices=("long-slit", "slitless"),
    )
    dispersion_axis: str = setting("x", "axis along which wavelengths change", choices=("x", "y"))
    dispersion_pixels: tuple = setting(
        (0.0, 0.0), "first and last pixel along the dispersion that count, from 0 on, of the image "
        "or region; 0,0 is all",
        _ends,
    )
    objects: int = setting(1, "objects along the slit, at most; the brightest first",
                           _at_least_one)
    object_thresh: float = setting(
        10.0, "light of an object along the slit, in the scatter of its rows", positive
    )
    trace_degree: int = setting(2, "degree of the polynomial along which a spectrum runs", _degree)
    tilt: float = setting(
        0.0, "degrees by which spectra rise along the dispersion, about (slitless)"
    )


@dataclass(frozen=True)
class Extraction(Section):
    """How the light of a spectrum is summed."""

    aperture: float = setting(
        0.0, "width of the aperture in pixels; 0 is four times the FWHM of the object", not_negative
    )
    sky: tuple = setting(
        (0.0, 0.0), "distances in pixels from the trace between which the sky is measured on both "
        "sides; 0,0 is 2 and 22 pixels beyond the aperture", _ends,
    )
    sky_degree: int = setting(
        1, "the sky across the spectrum: 0 for a level, 1 for a line",
        lambda value: value in (0, 1) or "must be 0 or 1",
    )
    ray_thresh: float = setting(
        5.0, "pixels that are so many times their noise from the profile are cosmic rays; 0 keeps "
        "all", not_negative,
    )
    gain: float = setting(
        0.0, "electrons per image unit; 0 is no photon noise of the object", not_negative
    )
    gain_key: str = setting("GAIN", "header card that overrides the gain; empty for none")
    read_noise: float = setting(
        0.0, "read noise in electrons; 0 takes what the sky scatters besides its photons",
        not_negative,
    )
    bias: float = setting(0.0, "image value without light; it only matters with read_noise")
    satur_level: float = setting(
        60_000.0, "image value at which a pixel counts as saturated", positive
    )
    satur_key: str = setting(
        "SATURATE", "header card that overrides the saturation level; empty for none"
    )


@dataclass(frozen=True)
class Wavelengths(Section):
    """How wavelengths (in Angstrom, in air) are told: by a lamp."""

    arc_image: str = rule(
        "rule that names the image of the lamp of an image; a line's arc= wins"
    )
    lamps: tuple = setting(
        ("Ne", "Ar"), "what glows in the lamp: He, Ne, Ar, Hg, Kr, Xe, Cd, or night for the sky's "
        "own lines", not_empty,
    )
    line_list: str = place(
        "text with the lines of the lamp in the place of those of lamps: a wavelength and, "
        "perhaps, a strength a line"
    )
    wavelength: float = setting(
        0.0, "wavelength in the middle of the image, about; 0 is what wavelength_key says",
        not_negative,
    )
    wavelength_key: str = setting(
        "WAVCENT", "header card with the wavelength in the middle; empty for none"
    )
    dispersion: float = setting(
        0.0, "Angstrom a pixel, about, negative where wavelengths fall; 0 is what dispersion_key "
        "says"
    )
    dispersion_key: str = setting(
        "WAVDISP", "header card with the dispersion; empty for none"
    )
    wavelength_search: float = setting(
        400.0, "Angstrom by which the wavelength in the middle may be off", positive
    )
    wavelength_degree: int = setting(
        3, "degree of the polynomial through the lines of a lamp",
        lambda value: 1 <= value <= MOST_DEGREE or f"must lie between 1 and {MOST_DEGREE}",
    )
    arc_thresh: float = setting(
        20.0, "height of a line of the lamp, in the scatter from pixel to pixel", positive
    )
    arc_lines: int = setting(5, "lines of the lamp that are needed", _at_least_one)


@dataclass(frozen=True)
class Disperser(Section):
    """The grating of slitless spectra."""

    lines_per_mm: float = setting(300.0, "lines of the grating a mm", positive)
    grating_distance: float = setting(
        55.0, "mm from the grating to the sensor, to within 5 %; lines in the spectrum tell it "
        "better", positive,
    )
    pixel_size: float = setting(0.024, "side of a pixel in mm", positive)
    incidence: float = setting(
        0.0, "degrees between the light that comes and the normal of the grating",
        lambda value: -80 <= value <= 80 or "must lie between -80 and 80",
    )
    orders: tuple = setting(
        (1.0,), "orders to extract; positive ones lie on the side of greater pixels", _orders
    )
    wavelength_range: tuple = setting(
        (3800.0, 9500.0), "wavelengths between which an order is followed and extracted",
        _wavelengths,
    )
    features: tuple = setting(
        ("H-alpha", "H-beta", "H-gamma", "H-delta", "O2-B", "O2-A"),
        "lines in the spectrum that tell the distance of the grating: of these names, or "
        "wavelengths; none for none", not_empty,
    )


@dataclass(frozen=True)
class Fluxes(Section):
    """How fluxes are calibrated, and spectra are kept."""

    response: str = place(
        "table of wavelengths and responses (erg/s/cm2 for a unit of the image a second): text, "
        "or a spectrum that --standard has made; it calibrates the fluxes"
    )
    standard: str = place(
        "table of wavelengths and fluxes (erg/s/cm2/Angstrom) of the star in the images: the files "
        "of spectra get a column response"
    )
    response_step: float = setting(
        200.0, "distance in Angstrom of the knots of the spline that a response is", positive
    )
    exptime_key: str = setting("EXPTIME", "header card with the exposure in seconds")
    airmass_key: str = setting("AIRMASS", "header card with the airmass")
    slit_scale: float = setting(
        0.0, "arcseconds a pixel along the slit; 0 leaves the seeing in pixels", not_negative
    )
    spectrum_format: str = setting(
        "fits", "format of the files of spectra: a FITS table, as specutils opens it, or Parquet",
        choices=("fits", "parquet"),
    )


@dataclass(frozen=True)
class SpectraSettings(Settings):
    """What is made of dispersed images.

    Raises
    ------
    ValueError
        Where a setting has no meaning for spectra; the message names it.
    """

    geometry: Geometry = Geometry()
    extraction: Extraction = Extraction()
    wavelengths: Wavelengths = Wavelengths()
    disperser: Disperser = Disperser()
    fluxes: Fluxes = Fluxes()
    companions: Companions = Companions()

    def __post_init__(self) -> None:
        for name in _WITHOUT_USE:
            if getattr(self.companions, name) != getattr(Companions, name):
                raise ValueError(f"{name} has no meaning for spectra")
        if self.companions.weight_type == "background":
            raise ValueError("weight_type background has no meaning for spectra: there is no mesh")

    def further_rules(self) -> dict[str, str]:
        """Return the rule of arcs, where there are any."""
        return {"arc": self.wavelengths.arc_image}
