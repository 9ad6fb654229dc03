"""Settings of the files that lie beside an image."""

from dataclasses import dataclass

from mr_extract.settings.declaring import (
    Section,
    not_negative,
    rule,
    setting,
)

# What a weight map holds, by weight_type.
WEIGHT_KINDS = {"map_weight": "weight", "map_var": "variance", "map_rms": "rms"}


@dataclass(frozen=True)
class Companions(Section):
    """The mask, weight map, flag image and calibration of each image, and what they mean.

    A rule of naming is written as `mr_extract.text.naming` says.
    """

    mask_image: str = rule(
        "rule that names the bad pixel mask of an image; a line's mask= wins"
    )
    mask_type: str = setting(
        "bad", "pixels of the mask that are not 0 are bad, or are good",
        choices=("bad", "good"),
    )
    mask_bits: int = setting(
        0, "bits of the mask that count, as their sum; 0 is any",
        not_negative,
    )
    weight_image: str = rule(
        "rule that names the weight map of an image; a line's weight=, rms= or variance= wins "
        "(WEIGHT_IMAGE)"
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
    flag_image: str = rule(
        "rule that names the flag image of an image; a line's flags= wins (FLAG_IMAGE)"
    )
    flag_type: str = setting(
        "or", "how the flags of a source's pixels become one (FLAG_TYPE)",
        choices=("or", "and", "min", "max", "most"),
    )
    calibration_file: str = rule(
        "rule that names the tsField file of an SDSS fpC image, which gives zero point, gain "
        "and saturation; a line's calibration= wins"
    )
    psf_image: str = rule(
        "rule that names the model of the PSF of an image, a .psf file of PSFEx; a line's psf= "
        "wins (PSF_NAME)"
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

    detect_image: str = rule(
        "rule that names the image on which the sources of an image are found; a line's "
        "detect= wins"
    )
