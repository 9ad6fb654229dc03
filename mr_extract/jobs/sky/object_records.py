"""Objects and the points of their light curves as records, on their way to the driver.

Records begin with big-endian numbers, so that their bytes are in order: the cell of the founding
detection, its epoch, and its place among all rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from mr_extract.columns.objects import object_columns, prefix_of
from mr_extract.jobs.beside.user_functions import function_in
from mr_extract.jobs.sky.aggregation import DECISION, KEPT
from mr_extract.jobs.sky.curve_functions import results
from mr_extract.objects.coverage import covered
from mr_extract.objects.healpix import DEEPEST, cells_of
from mr_extract.objects.holes import in_holes
from mr_extract.objects.sphere import vectors
from mr_extract.objects.statistics import magnitudes, mean_positions, stetson_j
from mr_extract.text.bitmaps import bitmap_of

if TYPE_CHECKING:
    from mr_extract.jobs.sky.aggregation import Footprints
    from mr_extract.settings.objects import ObjectSettings

KEY = [("cell", ">u8"), ("founded", ">f8"), ("founder", ">i8")]
#: Of a point of a light curve.
POINT = np.dtype([*KEY, ("mjd", ">f8"), ("place", ">i8"), ("filter", "<i2"), ("mag", "<f4"),
                  ("magerr", "<f4"), ("flag", "<i4"), ("used", "<i4"), ("ra", "<f8"),
                  ("dec", "<f8")])
_PAST = 1e6  # days before which nothing was observed: bytes of negative numbers are out of order


def prefixes_of(filters: Iterable[str]) -> list[str]:
    """Return what columns of filters begin with.

    Raises
    ------
    ValueError
        When two filters would have the same.
    """
    found: dict[str, str] = {}
    for name in filters:
        other = found.setdefault(prefix_of(name), name)
        if other != name:
            raise ValueError(f"the filters {other!r} and {name!r} would have the same columns: "
                             "give one another name by filter= in the manifest")
    return list(found)


def object_dtype(filters: Iterable[str], config: ObjectSettings) -> np.dtype:
    """Return the type of an object: its key, and its columns but for the id."""
    columns = object_columns(prefixes_of(filters), config.motion.motion == "fit")
    return np.dtype([*KEY, *((name, "<" + column.dtype) for name, column in columns.items()
                              if name != "object")])


def objects_of(
    records: np.ndarray, founder: np.ndarray, ambiguous: np.ndarray, config: ObjectSettings,
    told: dict[str, Any], footprints: Footprints
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, list[bytes]]:
    """Return decisions on detections, their objects, and the points of their light curves.

    Parameters
    ----------
    records : ndarray
        All detections of some objects, as of `mr_extract.jobs.objects.Objects.dtype`.
    founder, ambiguous : ndarray, shape (n,)
        As of `mr_extract.objects.association.associate`.
    config : mr_extract.settings.objects.ObjectSettings
    told : dict
        ``filters``, their names; ``points``, whether light curves are asked for; ``folder`` of
        the user's function.
    footprints : dict of int to mr_extract.jobs.sky.aggregation.Footprint
        By number of an image: of all that may cover an object.

    Returns
    -------
    decisions, objects, points : ndarray
    curves : list of bytes
        What the user's function returned, as of `mr_extract.jobs.sky.curve_functions.results`;
        empty without one.
    """
    founders, number = np.unique(founder, return_inverse=True)
    count, filters = len(founders), len(told["filters"])
    members = np.bincount(number, minlength=count)
    found = np.zeros(count, object_dtype(told["filters"], config))
    keys = _keys(records[founders])
    for name in keys.dtype.names:
        found[name] = keys[name]
    place = mean_positions(number, count, vectors(records["ra"], records["dec"]),
                           records["error"].astype(float), records["mjd"],
                           config.motion.motion == "fit")
    for name, values in place.items():
        found[name] = values
    found["detections"] = members
    found["ambiguous"] = ambiguous[founders]
    found["first_mjd"], found["last_mjd"] = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(found["first_mjd"], number, records["mjd"])
    np.maximum.at(found["last_mjd"], number, records["mjd"])
    group = number * filters + records["filter"]
    used = _used(records, config)
    _fill_filters(found, prefixes_of(told["filters"]), {
        "detections": np.bincount(group, minlength=count * filters),
        "used": np.bincount(group[used], minlength=count * filters),
        "opportunities": _opportunities(found, number, group, records["image"], footprints,
                                        filters),
        **magnitudes(group[used], count * filters, *_light(records[used])),
    })
    found["opportunities"] = sum(found[f"{prefix}_opportunities"]
                                 for prefix in prefixes_of(told["filters"]))
    found["stetson_j"] = stetson_j(number[used], count, group[used], count * filters,
                                   *_light(records[used]), config.photometry.pair_days)
    decisions = np.zeros(len(records), DECISION)
    decisions["place"], decisions["state"] = records["place"], KEPT
    decisions["detections"], decisions["ambiguous"] = members[number], ambiguous
    curves = results(
        function_in(told["folder"], config.light_curves.light_curve_function), keys, number[used],
        _light(records[used]), np.array(told["filters"])[records["filter"][used]],
    ) if config.light_curves.light_curve_function else []
    points = _points(records, keys[number], used) if told["points"] else None
    return decisions, found, points, curves


def _keys(founders):
    keys = np.zeros(len(founders), KEY)
    keys["cell"] = cells_of(founders["ra"], founders["dec"], DEEPEST)
    keys["founded"], keys["founder"] = founders["mjd"] + _PAST, founders["place"]
    return keys


def _used(records, config):
    """Tell which magnitudes statistics are made of."""
    mag, error = records["mag"], records["magerr"]
    return (np.isfinite(mag) & np.isfinite(error) & (error > 0)
            & (records["flag"] & config.photometry.bad_flags == 0))


def _light(records: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return records["mag"].astype(float), records["magerr"].astype(float), records["mjd"]


def _fill_filters(found, prefixes, values):
    for name, flat in values.items():
        table = flat.reshape(len(found), len(prefixes))
        for k, prefix in enumerate(prefixes):
            found[f"{prefix}_{name}"] = table[:, k]


_holes = lru_cache(1024)(bitmap_of)  # of the images of a cell, for each of its parts


def _opportunities(found, number, group, image, footprints, filters):
    """Return by object and filter how many images covered it, or have detected it."""
    xyz = vectors(found["ra"], found["dec"])
    images = max([int(image.max()), *footprints]) + 1
    counts = np.zeros(len(found) * filters, np.int64)
    pairs = []
    for one, place in footprints.items():
        inside = np.flatnonzero(covered(xyz, place.corners))
        if place.holes and len(inside):
            *shape, word = place.holes
            inside = inside[~in_holes(xyz[inside], place.corners, shape, _holes(word))]
        counts[inside * filters + place.filter] += 1
        pairs.append(inside * images + one)
    known = np.concatenate(pairs) if pairs else np.zeros(0, np.int64)
    beyond = ~np.isin(number.astype(np.int64) * images + image, known)
    return counts + np.bincount(group[beyond], minlength=len(counts))


def _points(records, keys, used):
    points = np.zeros(len(records), POINT)
    for name in keys.dtype.names:
        points[name] = keys[name]
    for name in ("mjd", "place", "filter", "mag", "magerr", "flag", "ra", "dec"):
        points[name] = records[name]
    points["used"] = used
    return points
