"""What values of configuration keywords mean here, and for which there is no meaning.

A meaning takes `mr_extract.sextractor.values.Values` and returns settings; a refusal
takes the same and returns a reason, or an empty text.
"""

import os
from collections.abc import Callable
from typing import Any

from mr_extract.sextractor.values import Values

#: What the values of a keyword mean: settings by name.
Meaning = Callable[[Values], dict[str, object]]
#: Why they are refused, or an empty text.
Refusal = Callable[[Values], str]

# What SExtractor measures over its analysis threshold.
_OVER_ANALYSIS = {
    "ISOAREA_IMAGE", "ISOAREA_WORLD", "MU_THRESHOLD", "FWHM_IMAGE", "FWHM_WORLD",
    *(f"ISO{k}" for k in range(8)),
}
_RULE = set("{|?[") | {"->"}


def one(setting: str, read: Callable[[Any], object] = lambda value: value) -> Meaning:
    """Return the meaning of a keyword whose first value is a setting."""
    return lambda v: {setting: read(v.first)} if v.own else {}


def pair(first: str, second: str) -> Meaning:
    """Return the meaning of two values, or of one that stands for both."""
    return lambda v: {first: v.own[0], second: v.own[-1]}


def many(setting: str) -> Meaning:
    """Return the meaning of a vector."""
    return lambda v: {setting: v.own}


def elsewhere(v: Values) -> dict[str, object]:
    """Nothing by itself: another keyword, or `configuration`, looks at the value."""
    return {}


def other_than(value: str, reason: str) -> Refusal:
    """Return the refusal of all values but one."""
    def refuse(v):
        text = {True: "Y", False: "N"}.get(v.first, v.first)
        return "" if str(text) == value else f"{text}: {reason}"
    return refuse


def any_value(reason: str) -> Refusal:
    """Return the refusal of whatever stands there."""
    return lambda v: reason if v.own else ""


def two_different(v: Values) -> str:
    """Refuse one value for detection and another for measurement."""
    return "" if len(set(v.own)) < 2 else f"{_text(v.own)}: one value serves both here"


# ---- thresholds


def threshold(v: Values) -> dict[str, object]:
    """Return the threshold, and of a surface brightness the value in a pixel."""
    if len(v.own) < 2:
        return {"thresh": v.first}
    scale = v.all["PIXEL_SCALE"][0]
    if scale <= 0:
        return {}
    return {"thresh": scale**2 * 10 ** (-0.4 * (v.own[0] - v.own[1])), "thresh_type": "absolute"}


def unknown_scale(v: Values) -> str:
    """Refuse a surface brightness that differs from image to image."""
    if len(v.own) > 1 and v.all["PIXEL_SCALE"][0] <= 0:
        return "a surface brightness needs PIXEL_SCALE: from the WCS each image would have its own"
    if len(v.own) > 1 and abs(v.own[0] - v.own[1]) > 70:
        return f"{_text(v.own)} is no surface brightness and zero point"
    return ""


def threshold_type(v: Values) -> dict[str, object]:
    """Return whether thresholds are in units of the noise; a surface brightness is not."""
    if len(v.all["DETECT_THRESH"]) > 1:
        return {}
    return {"thresh_type": v.first.lower()}


def _differs(v):
    """Say whether the analysis threshold is another one and a parameter depends on it."""
    kinds, detection = v.all["THRESH_TYPE"], v.all["DETECT_THRESH"]
    same = detection == v.own and (len(v.own) > 1 or kinds[0] == kinds[-1])
    same &= not {"thresh", "thresh_type"} & v.chosen
    return not same and bool(_OVER_ANALYSIS & v.asked)


def analysis_threshold(v: Values) -> dict[str, object]:
    """Return the threshold of analysis where it is another one than that of detection."""
    if not _differs(v):
        return {}
    if len(v.own) < 2:
        kind = v.all["THRESH_TYPE"][-1].lower()
        return {"analysis_thresh": v.first, "analysis_thresh_type": kind}
    return {f"analysis_{name}": value for name, value in threshold(v).items()}


def no_analysis_threshold(v: Values) -> str:
    """Refuse an analysis threshold that is none where one is needed."""
    if not _differs(v):
        return ""
    return "must be greater than 0" if v.first <= 0 and not v.own[1:] else unknown_scale(v)


# ---- detection


def no_filter(v: Values) -> dict[str, object]:
    """Return no filter where FILTER is N."""
    return {} if v.first else {"filter_kernel": ()}


def two_values(v: Values) -> str:
    """Refuse two backgrounds where they count."""
    return two_different(v) if "MANUAL" in v.all["BACK_TYPE"] else ""


# ---- weights and flags


def weight_type(v: Values) -> dict[str, object]:
    """Return the kind of weights, none where SExtractor has none."""
    return {"weight_type": (v.own or ("NONE",))[0].lower()}


def _needs_map(v):
    return any(kind.startswith("MAP_") for kind in v.all["WEIGHT_TYPE"])


def weight_image(v: Values) -> dict[str, object]:
    """Return the rule of naming of weight maps."""
    return {"weight_image": _rule(v.first)} if _needs_map(v) and v.own else {}


def several_weights(v: Values) -> str:
    """Refuse a map for detection and another for measurement."""
    if not _needs_map(v):
        return ""
    if not v.own:
        return "WEIGHT_TYPE needs a map"
    return _for_a_line(v)


def several_types(v: Values) -> str:
    """Refuse one kind of weights for detection and another for measurement."""
    return _for_a_line(v)


def _for_a_line(v):
    """Refuse what is different for two images, and say how a line of a manifest spells it."""
    if len(set(v.own)) < 2:
        return ""
    kinds = {"MAP_RMS": "rms", "MAP_VAR": "variance"}
    maps, types = v.all["WEIGHT_IMAGE"], v.all["WEIGHT_TYPE"]
    names = {"detect_": (types[0], maps[0] if maps else "")}
    names[""] = types[-1], maps[-1] if maps else ""
    fields = " ".join(
        f"{prefix}{kinds.get(kind, 'weight')}={name if kind.startswith('MAP_') else ''}"
        for prefix, (kind, name) in names.items()
    )
    return (f"{_text(v.own)}: one value serves both here; the line of an image in a list names "
            f"two: IMAGE detect=DETECTION_IMAGE {fields}, with tabs between, and one "
            "WEIGHT_TYPE MAP_... (docs/sextractor.md, Two images)")


def weight_threshold(v: Values) -> dict[str, object]:
    """Return the threshold, unless it is left to SExtractor."""
    return {"weight_thresh": v.first} if v.own else {}


def lag(v: Values) -> dict[str, object]:
    """Return how wide a run of bad pixels may be that is bridged."""
    return {"interp_maxlag": 0 if v.all["INTERP_TYPE"][0] == "NONE" else v.first}


def interpolation(v: Values) -> str:
    """Refuse to interpolate weights alone."""
    if _needs_map(v) and "VAR_ONLY" in v.own:
        return "VAR_ONLY: where a weight is bridged the pixel is, too"
    return two_different(v)


def _flags_asked(v):
    return v.asked & {"IMAFLAGS_ISO", "NIMAFLAGS_ISO"}


def flag_image(v: Values) -> dict[str, object]:
    """Return the rule of naming of flag images, where flags are asked for."""
    return {"flag_image": _rule(v.first)} if _flags_asked(v) and v.own else {}


def several_flags(v: Values) -> str:
    """Refuse several flag images."""
    return "several flag images are not combined here" if _flags_asked(v) and v.own[1:] else ""


_OF_PSF = {"FLUX_PSF", "FLUXERR_PSF", "MAG_PSF", "MAGERR_PSF", "XPSF_IMAGE", "YPSF_IMAGE",
           "CHI2_PSF", "SPREAD_MODEL", "SPREADERR_MODEL"}


def psf_image(v: Values) -> dict[str, object]:
    """Return the rule of naming of PSF models, where parameters of the fit are asked for."""
    return {"psf_image": _rule(v.first)} if _OF_PSF & v.asked and v.own else {}


def several_psfs(v: Values) -> str:
    """Refuse a model for detection and another for measurement."""
    return two_different(v) if _OF_PSF & v.asked else ""


def several_stars(v: Values) -> str:
    """Refuse to fit several stars to a source."""
    return "one star is fitted to a source" if _OF_PSF & v.asked and v.first > 1 else ""


def _rule(name):
    """Return a rule of naming: as it stands where it is one, else one file for all images."""
    if any(sign in name for sign in _RULE):
        return name
    return os.path.abspath(name)  # as SExtractor: relative to where it is started


CHECK_IMAGES = {
    "BACKGROUND": "background", "BACKGROUND_RMS": "rms", "-BACKGROUND": "-background",
    "OBJECTS": "objects", "-OBJECTS": "-objects", "APERTURES": "apertures",
    "SEGMENTATION": "segmentation",
}


def check_images(v: Values) -> str:
    """Refuse check images that are not made here."""
    wanted = [kind for kind in v.own if kind.upper() not in ("NONE", *CHECK_IMAGES)]
    return f"{wanted[0]} is no check image here; there are {', '.join(CHECK_IMAGES)}" if wanted \
        else ""


# ---- association


def _assoc_asked(v):
    return v.asked & {"VECTOR_ASSOC", "NUMBER_ASSOC"}


def if_assoc(setting: str, read: Callable[[Any], object] = lambda value: value) -> Meaning:
    """Return the meaning of a keyword that counts where there is a list to match with."""
    return lambda v: {setting: read(v.first)} if _assoc_asked(v) else {}


def assoc_name(v: Values) -> dict[str, object]:
    """Return the list to match with."""
    return {"assoc": os.path.abspath(v.first)} if _assoc_asked(v) else {}


def assoc_params(v: Values) -> dict[str, object]:
    """Return the columns of positions, which SExtractor numbers from 1."""
    return {"assoc_params": tuple(map(str, v.own))} if _assoc_asked(v) else {}


def assoc_data(v: Values) -> dict[str, object]:
    """Return the columns to hand on."""
    return {"assoc_data": tuple(map(str, v.own))} if "VECTOR_ASSOC" in v.asked else {}


def all_data(v: Values) -> str:
    """Refuse to hand on all columns, whose number the table of columns must know."""
    if "VECTOR_ASSOC" in v.asked and 0 in v.own:
        return "0 is all columns of the list; name them"
    return ""


def _text(values):
    return ",".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values)
