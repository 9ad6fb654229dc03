"""Settings of what is measured: of sources, at given positions, beside a list."""

from dataclasses import dataclass

from mr_extract.settings.declaring import (
    Section,
    annulus,
    diameters,
    epoch,
    fractions,
    not_empty,
    not_negative,
    place,
    positive,
    setting,
    size_of_cutouts,
    two_or_three,
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
    vignet_size: tuple = setting(
        (0.0, 0.0), "width and height in pixels of the cut-outs of the column vignet; 0,0 is what "
        "VIGNET(w,h) among the columns says", size_of_cutouts,
    )
    psf_model: str = setting(
        "named", "the PSF of the columns psf: that which is named (psf_image), or, own, where none "
        "is named one that is fitted to the image's own stars",
        choices=("named", "own"),
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
class Targets(Section):
    """Photometry at given positions in place of detection."""

    forced: str = place(
        "table of targets (ra and dec, or x and y from 0, or X_IMAGE and Y_IMAGE from 1; id) or "
        "points and circles of DS9: "
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
    annulus_statistic: str = setting(
        "median", "what of the ring's pixels is the sky: median, mean, or mode, which is 3 medians "
        "less 2 means and in crowded fields less too high, but of twice the scatter",
        choices=("median", "mode", "mean"),
    )
    forced_fwhm: float = setting(
        0.0, "FWHM of stars in pixels, for the columns forced_gauss: the flux of a Gaussian star "
        "at the target; 0 is none", not_negative,
    )
    limit_sigma: float = setting(
        3.0, "upper limits are so many errors above the flux, or above 0", positive
    )


@dataclass(frozen=True)
class Lists(Section):
    """Lists of positions, whatever they are for."""

    list_epoch: float = setting(
        0.0, "epoch of the positions of lists with proper motions, in Julian years, where a list "
        "does not say it; 0 is not known", epoch,
    )


@dataclass(frozen=True)
class Association(Section):
    """Detections matched with a list of known places."""

    assoc: str = place("table with which sources are matched (ASSOC_NAME)")
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
    def data_columns(self) -> tuple[str, ...]:
        """Names or numbers of the columns that are handed on."""
        return () if self.assoc_data == ("none",) else self.assoc_data
