"""The fields of a manifest's line: which names mean something, and what is wrong with them."""

import re
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from math import isfinite
from typing import TypeGuard

from mr_extract.images.cubes import parse_planes
from mr_extract.images.region import looks_like_region, parse_region

# Fields that change how the image is measured. The others are carried through
# to the accounting line of the image.
_MAPS = ("mask", "weight", "rms", "variance", "flags")
COMPANIONS = (*_MAPS, "calibration", "psf", "arc", "detect",
              *(f"detect_{name}" for name in _MAPS[:-1]), "positions")
FURTHER = ("arc",)  # of them, those that one job alone has a use for
REGIONS = ("region", "tile_core", "tile_origin")
PART = ("plane", *REGIONS)
USED = ("ext", "id", "bytes", "zero_point", "packed", *PART, *COMPANIONS)
# Names by which the accounting line says what was measured.
FACTS = ("sources", "rows", "background", "width", "height", "pixels", "hdu", "sha256",
         "version", "config", "images_in_file", "failed_sources", "failed_rows",
         "mask_sha256", "weight_sha256", "flags_sha256", "calibration_sha256", "psf_sha256",
         "detect_sha256", "detect_mask_sha256", "detect_weight_sha256", "targets_sha256",
         "assoc_sha256", "arc_sha256", "tables_sha256", "targets", "outside", "matched",
         "of_other_tiles", "detections", "elsewhere", "unplaced", "members", "no_epoch", "remarks",
         "saved_files",
         "filter_seeing", "filter_sigma", "psf_stars", "psf_fwhm", "psf_chi2", "used_gain",
         "used_saturation", "used_zero_point")
RESERVED = ("flat",)

_LOOKED_AT = frozenset(("id", "ext", "bytes", "zero_point", *PART))  # what they say may be wrong
_ORIGIN = re.compile(r"(\d{1,9}),(\d{1,9})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def is_pattern(ext: str | None) -> TypeGuard[str]:
    """Say whether an extension is a pattern between slashes."""
    return ext is not None and len(ext) > 2 and ext[0] == ext[-1] == "/"


def problem_of(fields: Iterable[tuple[str, str]]) -> str:
    """Return why a line with these fields cannot be used, empty where it can."""
    fields = tuple(fields)
    strange, unfit, looked_at = _problems_of_names(tuple([name for name, _ in fields]))
    if strange or not looked_at:
        return strange or unfit
    values = dict(fields)
    if looked_at == {"bytes"}:  # as in most lines, of which there may be millions
        return _problem_of_size(values["bytes"]) or unfit
    return _problem_of_values(values, unfit)


# Manifests have few names of fields and many lines, so what is said of names is kept.
@lru_cache(1024)
def field_name(text: str) -> str:
    """Return a name of a field, the same object for all lines; empty for what is none."""
    return sys.intern(text) if _NAME.fullmatch(text) else ""


@lru_cache(1024)
def _problems_of_names(names):
    """Return what is wrong with the names themselves, and what with them in a catalog.

    And of which of them the values must be looked at.
    """
    for name in RESERVED:
        if name in names:
            return f"the field {name} is reserved and not supported yet", "", frozenset()
    for name in names:
        near = _meant(name)
        if near:
            return f"the field {name} is not known; is {near} meant?", "", frozenset()
    return "", _unfit(names), _LOOKED_AT.intersection(names)


def _unfit(names):
    for name in names:
        if name in FACTS:
            return f"the catalog has a value {name} of its own; name the field otherwise"
    weights = [name for name in names if name in ("weight", "rms", "variance")]
    if len(weights) > 1:
        return f"the fields {weights[0]} and {weights[1]} exclude each other"
    return ""


def _problem_of_values(values, unfit):
    if values.get("id") == "":
        return "the field id is empty"
    ext = values.get("ext")
    if is_pattern(ext):
        try:
            re.compile(ext[1:-1])
        except re.error as error:
            return f"the pattern {ext} cannot be understood: {error}"
    if ext is not None and looks_like_region(ext):
        return f"the extension {ext} is written as a region is; region= takes it"
    if problem := _region_problem(*(values.get(name) for name in REGIONS)):
        return problem
    try:
        parse_planes(values.get("plane", "all"))
    except ValueError as error:
        return f"the field plane: {error}"
    if problem := _problem_of_size(values.get("bytes", "0")) or unfit:
        return problem
    try:
        if "zero_point" in values and not isfinite(float(values["zero_point"])):
            raise ValueError
    except ValueError:
        return "the field zero_point is not a number"
    return ""


def _problem_of_size(size):
    return "" if size.isdecimal() and len(size) < 20 else "the field bytes is not a whole number"


def _region_problem(region, core, origin):
    """Return what is wrong with the fields that say which pixels are meant, or an empty text."""
    parsed = {}
    for name, text in zip(REGIONS, (region, core)):
        try:
            parsed[name] = None if text is None else parse_region(text)
        except ValueError as error:
            return f"the field {name}: {error}"
    if origin is not None and not _ORIGIN.fullmatch(origin):
        return f"the field tile_origin: {origin!r} is not of the form x,y (from 0)"
    if region is not None and origin is not None:
        return "the fields region and tile_origin exclude each other"
    if None not in parsed.values() and not parsed["tile_core"].within(parsed["region"]):
        return f"the tile_core {core} is not within the region {region}"
    return ""


def _plain(text):
    return text.lower().replace("_", "").replace("-", "").replace(".", "")


_KNOWN = {_plain(field): field for field in (*USED, *RESERVED)}


def _meant(name):
    """Return the known field that a name is a slip of, or None."""
    if name in _KNOWN.values():
        return None
    near = get_close_matches(_plain(name), _KNOWN, 1, 0.85)
    return _KNOWN[near[0]] if near else None
