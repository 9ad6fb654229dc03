"""What to measure and how: one frozen tree of settings.

The fields below are the only source of the command-line options, their help,
their validation and the hash that identifies a configuration in a catalog.
Defaults are those of SExtractor's ``default.sex`` (2.25) where both programs
mean the same; a default that differs says why in its help.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields, replace

from mr_extract.setting import (
    Section,
    diameters,
    fraction,
    fractions,
    kernel,
    levels,
    not_empty,
    not_negative,
    positive,
    setting,
)

DEFAULT_KERNEL = ((1.0, 2.0, 1.0), (2.0, 4.0, 2.0), (1.0, 2.0, 1.0))


@dataclass(frozen=True)
class Background(Section):
    """The mesh on which background and noise are estimated."""

    bw: int = setting(64, "width of a background mesh cell in pixels (BACK_SIZE)", positive)
    bh: int = setting(64, "height of a background mesh cell in pixels (BACK_SIZE)", positive)
    fw: int = setting(3, "median filter width in cells (BACK_FILTERSIZE)", positive)
    fh: int = setting(3, "median filter height in cells (BACK_FILTERSIZE)", positive)
    fthresh: float = setting(
        0.0, "filter only cells that differ by more than this (BACK_FILTTHRESH)", not_negative
    )
    back_type: str = setting(
        "auto", "measure the background on the mesh, or take it for back_value (BACK_TYPE)",
        choices=("auto", "manual"),
    )
    back_value: float = setting(
        0.0, "the background in image units, where it is manual (BACK_VALUE)"
    )


@dataclass(frozen=True)
class Detection(Section):
    """What counts as a source."""

    thresh: float = setting(1.5, "detection threshold (DETECT_THRESH)", positive)
    thresh_type: str = setting(
        "relative", "threshold in units of the background rms, or absolute in image units",
        choices=("relative", "absolute"),
    )
    minarea: int = setting(5, "pixels above the threshold that make a source (DETECT_MINAREA)",
                           positive)
    maxarea: int = setting(
        0, "pixels above the threshold beyond which it is none; 0 is no limit (DETECT_MAXAREA)",
        not_negative,
    )
    filter_kernel: tuple = setting(
        DEFAULT_KERNEL,
        "detection filter: a .conv file, rows as 1,2,1/2,4,2/1,2,1, or 'none' (FILTER_NAME)",
        kernel,
    )
    filter_type: str = setting(
        "conv", "convolution, as SExtractor does, or matched filter, which weighs by the noise",
        choices=("conv", "matched"),
    )
    deblend_nthresh: int = setting(
        32, "deblending levels up to 1024; 1 switches it off (DEBLEND_NTHRESH)", levels
    )
    deblend_cont: float = setting(
        0.005, "least contrast of a deblended part (DEBLEND_MINCONT)", fraction
    )
    clean: bool = setting(True, "remove spurious detections near bright objects (CLEAN)")
    clean_param: float = setting(1.0, "efficiency of cleaning (CLEAN_PARAM)", positive)
    pixstack: int = setting(
        50_000,
        "first size of the pixel buffer (MEMORY_PIXSTACK); grown up to the size of the image "
        "when an image fills it, so it changes the speed and never the result",
        positive,
    )


@dataclass(frozen=True)
class Measurement(Section):
    """What is measured of a source."""

    neighbours: str = setting(
        "correct", "pixels of neighbours, and bad ones, in an aperture: replaced by those opposite "
        "the centre, set to zero, or taken as they are (MASK_TYPE)",
        choices=("correct", "blank", "none"),
    )
    apertures: tuple = setting(
        (5.0,), "diameters of the circular apertures in pixels (PHOT_APERTURES)", diameters
    )
    kron_factor: float = setting(
        2.5, "Kron aperture in units of the Kron radius (PHOT_AUTOPARAMS 1)", positive
    )
    kron_min_radius: float = setting(
        3.5, "least Kron aperture in units of a and b (PHOT_AUTOPARAMS 2)", not_negative
    )
    kron_search_diameter: float = setting(
        0.0, "where 6 a and 6 b are smaller than this diameter in pixels, the Kron and Petrosian "
        "radii are searched in such a circle (PHOT_AUTOAPERS 1)", not_negative,
    )
    kron_min_diameter: float = setting(
        0.0, "a Kron aperture smaller than this becomes a circle of this diameter in pixels "
        "(PHOT_AUTOAPERS 2)", not_negative,
    )
    petro_factor: float = setting(
        2.0, "Petrosian aperture in units of the Petrosian radius (PHOT_PETROPARAMS 1)", positive
    )
    petro_min_radius: float = setting(
        3.5, "least Petrosian aperture in units of a and b (PHOT_PETROPARAMS 2)", not_negative
    )
    flux_fractions: tuple = setting(
        (0.5,), "fractions of the Kron flux for flux_radius (PHOT_FLUXFRAC)", fractions
    )
    pixel_scale: float = setting(
        0.0, "arcseconds a pixel for surface brightnesses; 0 takes it from the WCS (PIXEL_SCALE)",
        not_negative,
    )
    gain: float = setting(
        0.0, "electrons per image unit; 0 is no photon noise (GAIN)", not_negative
    )
    gain_key: str = setting(
        "GAIN", "header card that overrides the gain; empty for none (GAIN_KEY)"
    )
    satur_level: float = setting(
        50_000.0, "image value at which a pixel counts as saturated (SATUR_LEVEL)", positive
    )
    satur_key: str = setting(
        "SATURATE", "header card that overrides the saturation level; empty for none (SATUR_KEY)"
    )
    zero_point: float = setting(
        0.0, "magnitude of one image unit; a manifest line's zero_point= wins (MAG_ZEROPOINT)"
    )
    zero_point_key: str = setting(
        "", "header card that overrides the zero point, such as MAGZP; empty for none"
    )


@dataclass(frozen=True)
class Astrometry(Section):
    """Sky positions."""

    require_wcs: bool = setting(
        False, "an image without a usable celestial WCS is a failure (otherwise ra, dec are nan)"
    )


@dataclass(frozen=True)
class Output(Section):
    """What is written of what was measured."""

    columns: tuple = setting(
        ("default",), "names and groups of columns; --print-schema lists them (PARAMETERS_NAME)",
        not_empty,
    )


@dataclass(frozen=True)
class Config:
    """All settings of an extraction.

    Raises
    ------
    ValueError
        When a value is out of its range; the message names the setting.

    Examples
    --------
    >>> config = Config().updated(thresh=2.0, apertures=(5.0, 10.0))
    >>> config.detection.thresh
    2.0
    """

    background: Background = Background()
    detection: Detection = Detection()
    measurement: Measurement = Measurement()
    astrometry: Astrometry = Astrometry()
    output: Output = Output()

    def __post_init__(self):
        from mr_extract.columns import choose

        choose(self.output.columns, self.measurement)

    def updated(self, **values):
        """Return a copy with the named settings, of whatever section, changed.

        Parameters
        ----------
        **values
            Settings by name, such as ``thresh=2.0``.

        Raises
        ------
        ValueError
            For a name that is no setting, or a value out of range.
        """
        sections = {}
        homes = {one.name: section for section, one in settings()}
        for name, value in values.items():
            if name not in homes:
                raise ValueError(f"there is no setting {name!r}")
            sections.setdefault(homes[name], {})[name] = value
        return replace(
            self, **{name: replace(getattr(self, name), **v) for name, v in sections.items()}
        )

    def as_dict(self):
        """Return nested plain dictionaries of all settings."""
        return asdict(self)

    def as_json(self):
        """Return the canonical one-line text of all that changes a catalog."""
        result = self.as_dict()
        del result["detection"]["pixstack"]  # changes the speed, never the result
        return json.dumps(result, sort_keys=True, separators=(",", ":"), allow_nan=False)

    def hash(self):
        """Return 16 hexadecimal digits that identify `as_json`."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()[:16]


def settings():
    """Yield ``(section name, dataclass field)`` for every setting."""
    for section in fields(Config):
        for one in fields(section.default):
            yield section.name, one
