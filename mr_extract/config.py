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
    annulus,
    diameters,
    fraction,
    fractions,
    kernel,
    levels,
    naming_rule,
    not_empty,
    not_negative,
    positive,
    setting,
    two_or_three,
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
    analysis_thresh: float = setting(
        0.0, "threshold of areas over levels, of fwhm_iso and of mu_threshold; 0 takes that of "
        "detection (ANALYSIS_THRESH)", not_negative,
    )
    analysis_thresh_type: str = setting(
        "relative", "in units of the background rms, or absolute in image units",
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


# What a weight map holds, by weight_type.
WEIGHT_KINDS = {"map_weight": "weight", "map_var": "variance", "map_rms": "rms"}


@dataclass(frozen=True)
class Companions(Section):
    """The mask, weight map, flag image and calibration of each image, and what they mean.

    A rule of naming is written as `mr_extract.text.naming` says.
    """

    mask_image: str = setting(
        "", "rule that names the bad pixel mask of an image; a line's mask= wins", naming_rule
    )
    mask_type: str = setting(
        "bad", "pixels of the mask that are not 0 are bad, or are good",
        choices=("bad", "good"),
    )
    mask_bits: int = setting(
        0, "bits of the mask that count, as their sum; 0 is any",
        not_negative,
    )
    weight_image: str = setting(
        "", "rule that names the weight map of an image; a line's weight=, rms= or variance= wins "
        "(WEIGHT_IMAGE)", naming_rule,
    )
    weight_type: str = setting(
        "map_weight", "what the weight map is, where there is one; background is the rms of the "
        "mesh in its place, none is no weighting (WEIGHT_TYPE)",
        choices=("none", "background", "map_rms", "map_var", "map_weight"),
    )
    weight_thresh: float = setting(
        0.0, "a weight that is no higher is bad; an rms or variance that is no lower, unless "
        "this is 0 (WEIGHT_THRESH)", not_negative,
    )
    weight_gain: bool = setting(
        True, "the gain goes with the weight from pixel to pixel (WEIGHT_GAIN)"
    )
    rescale_weights: bool = setting(
        True, "scale weights and variances to the measured noise (RESCALE_WEIGHTS)"
    )
    interp_maxlag: int = setting(
        5, "runs of bad pixels no wider than this are bridged to find sources, so that a bad "
        "column does not cut one in two; 0 for none (INTERP_MAXXLAG is 16)", not_negative,
    )
    flag_image: str = setting(
        "", "rule that names the flag image of an image; a line's flags= wins (FLAG_IMAGE)",
        naming_rule,
    )
    flag_type: str = setting(
        "or", "how the flags of a source's pixels become one (FLAG_TYPE)",
        choices=("or", "and", "min", "max", "most"),
    )
    calibration_file: str = setting(
        "", "rule that names the tsField file of an SDSS fpC image, which gives zero point, gain "
        "and saturation; a line's calibration= wins", naming_rule,
    )
    calibrated: str = setting(
        "none", "what is known of the images: sdss-frame is in nanomaggies (zero point 22.5), and "
        "its own file tells the noise of each pixel before the sky was taken off",
        choices=("none", "sdss-frame"),
    )
    asinh: str = setting(
        "linear", "pixels of a header with BOFFSET and BSOFTEN, asinh of the flux as in "
        "Pan-STARRS stacks: made linear, or left as they are; weight maps too",
        choices=("linear", "asinh"),
    )


@dataclass(frozen=True)
class Pairing(Section):
    """Sources found on one image and measured on another."""

    detect_image: str = setting(
        "", "rule that names the image on which the sources of an image are found; a line's "
        "detect= wins", naming_rule,
    )


@dataclass(frozen=True)
class Targets(Section):
    """Photometry at given positions in place of detection."""

    forced: str = setting(
        "", "table of targets (ra and dec, or x and y from 0, or X_IMAGE and Y_IMAGE from 1; id): "
        "nothing is detected, they are measured; 'lines': each line's positions= names its table"
    )
    forced_coord: str = setting(
        "auto", "which positions of the table count; auto is the sky where it has them",
        choices=("auto", "sky", "pixel"),
    )
    annulus: tuple = setting(
        (0.0, 0.0), "inner and outer radius in pixels of the ring from which a local background "
        "is taken off each target; 0,0 is none", annulus,
    )
    forced_fwhm: float = setting(
        0.0, "FWHM of stars in pixels, for the columns forced_gauss: the flux of a Gaussian star "
        "at the target; 0 is none", not_negative,
    )
    limit_sigma: float = setting(
        3.0, "upper limits are so many errors above the flux, or above 0", positive
    )


@dataclass(frozen=True)
class Association(Section):
    """Detections matched with a list of known places."""

    assoc: str = setting("", "table with which sources are matched (ASSOC_NAME)")
    assoc_params: tuple = setting(
        ("auto",), "columns of it, by name or number: x, y and, where the type needs it, a weight "
        "or magnitude; auto finds x, y or ra, dec by name, else takes 2,3,4 (ASSOC_PARAMS)",
        two_or_three,
    )
    assoc_data: tuple = setting(
        ("none",), "columns of it that the catalog gets as assoc_1 and so on (ASSOC_DATA)",
        not_empty,
    )
    assoc_coord: str = setting(
        "auto", "what the positions are; pixels of columns without names and of X_IMAGE count "
        "from 1; auto is the sky where there are such columns (ASSOCCOORD_TYPE)",
        choices=("auto", "sky", "pixel"),
    )
    assoc_radius: float = setting(2.0, "search radius in pixels (ASSOC_RADIUS)", positive)
    assoc_type: str = setting(
        "nearest", "what is taken of several entries in the radius (ASSOC_TYPE)",
        choices=("first", "nearest", "mean", "mag_mean", "sum", "mag_sum", "min", "max"),
    )
    assoc_selection: str = setting(
        "matched", "which sources the catalog gets (ASSOCSELEC_TYPE)",
        choices=("all", "matched", "unmatched"),
    )

    @property
    def data_columns(self):
        """Names or numbers of the columns that are handed on."""
        return () if self.assoc_data == ("none",) else self.assoc_data


@dataclass(frozen=True)
class Astrometry(Section):
    """Sky positions."""

    require_wcs: bool = setting(
        False, "an image without a usable celestial WCS is a failure (otherwise ra, dec are nan)"
    )
    distortion: str = setting(
        "given", "SIP coefficients are applied wherever they are given, or only where CTYPE "
        "asks for them with -SIP", choices=("given", "ctype"),
    )


@dataclass(frozen=True)
class Output(Section):
    """What is written of what was measured."""

    columns: tuple = setting(
        ("default",), "names and groups of columns, or a .param file; --print-schema lists them "
        "(PARAMETERS_NAME)", not_empty,
    )
    names: str = setting(
        "ours", "names, first pixel, flags and missing magnitudes of the catalog: ours or "
        "SExtractor's, whose columns come in the order of the list",
        choices=("ours", "sextractor"),
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
    companions: Companions = Companions()
    pairing: Pairing = Pairing()
    targets: Targets = Targets()
    association: Association = Association()
    astrometry: Astrometry = Astrometry()
    output: Output = Output()

    def __post_init__(self):
        from mr_extract.columns import columns_of

        if self.targets.forced and self.association.assoc:
            raise ValueError("assoc is for detected sources: forced has its own list")
        if self.targets.forced and self.pairing.detect_image:
            raise ValueError("detect_image is for detected sources: forced detects nothing")
        chosen = columns_of(self).values()
        if not self.targets.forced_fwhm and any(c.group == "forced_gauss" for c in chosen):
            raise ValueError("forced_fwhm must be given for the columns forced_gauss")

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
        from mr_extract.addresses import shown_rule
        from mr_extract.text.anchors import as_typed

        result = self.as_dict()
        del result["detection"]["pixstack"]  # changes the speed, never the result
        # What stands in a list and not where it is: its checksum is in each #image line.
        for section, name in (("targets", "forced"), ("association", "assoc")):
            result[section][name] = bool(result[section][name])
        for section, name in rules():
            result[section][name] = shown_rule(as_typed(result[section][name]))
        return json.dumps(result, sort_keys=True, separators=(",", ":"), allow_nan=False)

    def hash(self):
        """Return 16 hexadecimal digits that identify `as_json`."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()[:16]


def settings():
    """Yield ``(section name, dataclass field)`` for every setting."""
    for section in fields(Config):
        for one in fields(section.default):
            yield section.name, one


def rules():
    """Yield ``(section name, name)`` of every setting that is a rule of naming."""
    for section, one in settings():
        if one.metadata["check"] is naming_rule:
            yield section, one.name
