"""The columns of a catalog of objects, and of their light curves."""

import re
from collections.abc import Sequence

from mr_extract.columns.column import Column


def _column(name: str, dtype: str, unit: str, ucd: str, description: str,
            group: str = "object") -> Column:
    return Column(name, dtype, unit, group, "", ucd, description)


_FIXED = (
    _column("object", "str", "", "meta.id;meta.main", "id: the HEALPix cell, of order 29 in the "
            "nested scheme, of the detection that founded it"),
    _column("ra", "f8", "deg", "pos.eq.ra;meta.main", "right ascension (ICRS), weighted mean"),
    _column("dec", "f8", "deg", "pos.eq.dec;meta.main", "declination (ICRS), weighted mean"),
    _column("pos_err", "f4", "arcsec", "stat.error;pos.eq", "error of the position, an axis"),
    _column("pos_scatter", "f4", "arcsec", "stat.stdev;pos.eq",
            "rms of the detections about it, an axis"),
    _column("detections", "i4", "", "meta.number", "detections"),
    _column("opportunities", "i4", "", "meta.number;obs.image",
            "images that covered the place by their footprint, or have a detection of it"),
    _column("ambiguous", "i4", "", "meta.code",
            "1 where there was a choice which detections belong together, else 0"),
    _column("first_mjd", "f8", "d", "time.epoch;stat.min", "epoch of the first detection"),
    _column("last_mjd", "f8", "d", "time.epoch;stat.max", "epoch of the last detection"),
    _column("mean_mjd", "f8", "d", "time.epoch;stat.mean", "epoch of the position"),
    _column("stetson_j", "f4", "", "src.var.index", "Stetson's J over all filters"),
)
_MOTION = (
    _column("pmra", "f4", "mas/yr", "pos.pm;pos.eq.ra", "proper motion along right ascension, "
            "times cos(dec), nan for fewer than three detections"),
    _column("pmdec", "f4", "mas/yr", "pos.pm;pos.eq.dec", "proper motion along declination"),
    _column("pm_err", "f4", "mas/yr", "stat.error;pos.pm", "error of both, an axis"),
)
#: Of a filter; their names begin with its name.
OF_FILTER = (
    _column("detections", "i4", "", "meta.number", "detections in this filter", "filter"),
    _column("opportunities", "i4", "", "meta.number;obs.image",
            "images in this filter that covered the place", "filter"),
    _column("used", "i4", "", "meta.number", "magnitudes that were used", "filter"),
    _column("mag", "f4", "mag", "phot.mag;stat.mean", "mean magnitude, weighted", "filter"),
    _column("magerr", "f4", "mag", "stat.error;phot.mag", "its error from those of the "
            "magnitudes", "filter"),
    _column("scatter", "f4", "mag", "stat.stdev;phot.mag", "standard deviation", "filter"),
    _column("chi2", "f4", "", "stat.fit.chi2", "chi2 about the mean, used - 1 degrees of "
            "freedom", "filter"),
    _column("von_neumann", "f4", "", "src.var.index", "von Neumann's ratio, 2 for noise",
            "filter"),
    _column("amplitude", "f4", "mag", "src.var.amplitude", "faintest less brightest", "filter"),
)
CURVE_PREFIX, CURVE_FAILED = "lc_", "lc_failed"
_OF_FUNCTION = (
    _column(CURVE_FAILED, "i4", "", "meta.code.error", "1 where the function of light curves made "
            "nothing of it", "function"),
    _column(CURVE_PREFIX, "f8", "", "src.var", "what a function of light curves returned",
            "function"),
)
POINTS = (
    _column("object", "str", "", "meta.id;meta.main", "id of the object"),
    _column("image", "str", "", "meta.id;obs.image", "id of the image"),
    _column("number", "i4", "", "meta.id", "row of the detection in the image, from 1"),
    _column("mjd", "f8", "d", "time.epoch", "epoch of the image"),
    _column("filter", "str", "", "meta.id;instr.filter", "filter of the image"),
    _column("mag", "f4", "mag", "phot.mag", "magnitude"),
    _column("magerr", "f4", "mag", "stat.error;phot.mag", "its error"),
    _column("flag", "i4", "", "meta.code.qual", "flag of the detection"),
    _column("used", "i4", "", "meta.code", "1 where statistics are made of it"),
    _column("ra", "f8", "deg", "pos.eq.ra", "right ascension (ICRS)"),
    _column("dec", "f8", "deg", "pos.eq.dec", "declination (ICRS)"),
)
_UNSAFE = re.compile(r"[^A-Za-z0-9]+")


def prefix_of(name: str) -> str:
    """Return what the names of a filter's columns begin with."""
    return _UNSAFE.sub("_", name).strip("_") or "filter"


def object_columns(filters: Sequence[str], motion: bool) -> dict[str, Column]:
    """Return the columns of a catalog of objects.

    Parameters
    ----------
    filters : sequence of str
        Names as `prefix_of` gives them.
    motion : bool
        There are proper motions.

    Returns
    -------
    dict of str to Column
    """
    columns = {one.name: one for one in (*_FIXED, *(_MOTION if motion else ()))}
    return columns | {f"{name}_{one.name}": one for name in filters for one in OF_FILTER}


def object_column(name: str) -> Column | None:
    """Return the column of a name, None where there is none."""
    for one in (*_FIXED, *_MOTION, *POINTS):
        if one.name == name:
            return one
    if name.startswith(CURVE_PREFIX):
        return _OF_FUNCTION[name != CURVE_FAILED]
    return next((one for one in OF_FILTER if name.endswith(f"_{one.name}")), None)
