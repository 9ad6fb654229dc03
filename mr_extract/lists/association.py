"""Detections matched to a list of known places, as SExtractor's ASSOC does it.

Facts of its manual and behaviour: an entry is a candidate when it is nearer than
the radius to the barycentre; what is made of several is the type.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.lists.columns import Table
from mr_extract.lists.motions import Motions, motions_of
from mr_extract.lists.placing import Places
from mr_extract.lists.reading import identities, moving_positions, pixels_or_sky
from mr_extract.portable.exponential import exponential
from mr_extract.portable.logarithm import decimal_logarithm
from mr_extract.remarks import say
from mr_extract.settings.measuring import Association

TYPES = ("first", "nearest", "mean", "mag_mean", "sum", "mag_sum", "min", "max")
_NO_MAGNITUDE = 99.0
_PER_MAGNITUDE = -0.4 * math.log(10.0)


@dataclass
class Known:
    """A list to match with, made ready.

    Parameters
    ----------
    ids : list of str
    sky : bool
        Whether the positions are ICRS degrees or 0-based pixels.
    first, second : ndarray of float64, shape (n,)
        Right ascension and declination, or x and y.
    weight : ndarray of float64, shape (n,), or None
        What means are weighted by, and of which the least or greatest is taken.
    data : ndarray of float64, shape (n, k)
        What is handed on to the catalog.
    motions : mr_extract.lists.motions.Motions or None
    """

    ids: list
    sky: bool
    first: np.ndarray
    second: np.ndarray
    weight: np.ndarray | None
    data: np.ndarray
    motions: Motions | None = None

    def __post_init__(self) -> None:
        self.places = Places(self.sky, self.first, self.second, self.motions)


def known_from(table: Table, settings: Association, epoch: float = 0.0) -> Known:
    """Return the list as the settings say.

    Parameters
    ----------
    table : mr_extract.lists.reading.Table
    settings : mr_extract.settings.measuring.Association
    epoch : float
        As for `mr_extract.lists.reading.moving_positions`.

    Raises
    ------
    ValueError
        When a column is not there, or the type needs a third one of `assoc_params`.
    """
    params, weight, motions = settings.assoc_params, None, None
    sky = settings.assoc_coord == "sky"
    named = bool(table.names) and not (table.commented and not table.has_positions())
    if params == ("auto",) and named:
        sky, first, second, motions = moving_positions(table, settings.assoc_coord, epoch)
    else:
        params = ("2", "3", "4")[: max(2, table.width - 1)] if params == ("auto",) else params
        if table.width == 0:
            return Known([], sky, np.zeros(0), np.zeros(0), None,
                         np.zeros((0, len(settings.data_columns))))
        places = [table.column(name) for name in params]
        if len(places) > 2:
            weight = table.numbers(places[2])
        # By number as in SExtractor, to which comments say nothing.
        plain = not table.names or (table.commented and params[0].isdecimal())
        one_based = plain or table.names[places[0]].lower().endswith("_image")
        if settings.assoc_coord == "auto" and not plain:
            sky = table.are_on_sky(places[:2])
        sky, first, second = pixels_or_sky(table, places[:2], sky, float(one_based))
        motions = motions_of(table, (places[0], places[1]), epoch) if sky else None
    if weight is None and settings.assoc_type in ("mean", "mag_mean", "min", "max"):
        raise ValueError(f"assoc_type {settings.assoc_type} needs a third of assoc_params")
    data = [table.numbers(table.column(name)) for name in settings.data_columns]
    known = Known(identities(table), sky, first, second, weight,
                  np.stack(data, 1) if data else np.zeros((len(table), 0)), motions)
    known.places.say_beyond_poles()
    if weight is not None and settings.assoc_type in ("mean", "mag_mean", "min", "max"):
        empty, kind = np.count_nonzero(~np.isfinite(weight)), settings.assoc_type
        if empty:
            kind = "means" if kind.endswith("mean") else kind
            say("not-used", f"entries without a weight in {kind}: {empty} of {len(weight)}")
    return known


def associate(
    known: Known,
    header: Mapping,
    shape: tuple[int, int],
    x: np.ndarray,
    y: np.ndarray,
    settings: Association,
    origin: tuple[int, int] = (0, 0),
    mjd: float | None = None,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Match positions with a list.

    Parameters
    ----------
    known : Known
    header : mapping
        Of the image, for a list on the sky.
    shape : tuple of int
        Height and width of the image.
    x, y : ndarray of float64, shape (n,)
        Barycentres in 0-based pixels.
    settings : mr_extract.settings.measuring.Association
        `assoc_radius` in pixels and `assoc_type`.
    origin : tuple of int
        x and y of the image's first pixel, from which `x` and `y` count, in the pixels of
        the list.
    mjd : float, optional
        Date of the image, to which entries with proper motions are brought.

    Returns
    -------
    columns : dict of str to ndarray, shape (n,)
        `assoc_number` (entries within the radius; 1 for the type first), `assoc_id`
        and `assoc_distance` (of the entry that was taken, of several the nearest, in
        pixels) and `assoc_1` and so on; 0, empty and nan where there is none.
    selected : ndarray of bool, shape (n,)
        By `assoc_selection`.

    Raises
    ------
    ImageFailure
        ``broken-wcs``, or ``no-wcs`` where the list is on the sky and the image is not.
    """
    n, kind = len(x), settings.assoc_type
    found = known.places.near_pixels(header, shape, origin, settings.assoc_radius, mjd)
    if found[0] is None:
        raise ImageFailure("no-wcs", "the list is on the sky, and the header has no celestial "
                                     "coordinates")
    which, list_x, list_y = found
    source, entry = _within(x, y, list_x, list_y, settings.assoc_radius)
    distance = np.hypot(list_x[entry] - x[source], list_y[entry] - y[source])
    weight = None if known.weight is None else known.weight[which[entry]]
    keys: dict[str, Any] = {"first": list_y[entry], "min": weight,
                            "max": None if weight is None else -weight}
    key = keys.get(kind, distance) if kind in keys else distance
    # `first` is the first by y, as the program looks its list through in that order.
    order = np.lexsort((which[entry], key, source))
    source, entry, distance = source[order], entry[order], distance[order]
    taken, begin, count = np.unique(source, return_index=True, return_counts=True)
    rows = which[entry]
    number = np.zeros(n, np.int32)
    number[taken] = 1 if kind == "first" else count
    data = np.zeros((n, known.data.shape[1]))
    if kind in ("first", "nearest", "min", "max"):
        data[taken] = known.data[rows[begin]]
    elif len(taken) and data.shape[1]:
        data[taken], empty = _combined(known, rows, begin, kind)
        number[taken[empty]] = 0
    ids = np.full(n, "", dtype=object)
    ids[taken] = [known.ids[k] for k in rows[begin].tolist()]
    apart = np.full(n, np.nan)
    apart[taken] = distance[begin]
    columns = {"assoc_number": number, "assoc_id": ids.astype(str), "assoc_distance": apart}
    columns |= {f"assoc_{k + 1}": data[:, k] for k in range(data.shape[1])}
    matched = number > 0
    selected = {"all": np.ones(n, bool), "matched": matched, "unmatched": ~matched}
    return columns, selected[settings.assoc_selection]


def _combined(known, rows, begin, kind):
    """Return sums or means over runs of rows, and where the weights add up to nothing."""
    data, empty = known.data[rows], np.zeros(len(begin), bool)
    if kind == "sum":
        return np.add.reduceat(data, begin), empty
    if kind == "mag_sum":
        light = np.where(np.abs(data) < _NO_MAGNITUDE, exponential(_PER_MAGNITUDE * data), 0.0)
        light = np.add.reduceat(light, begin)
        with np.errstate(divide="ignore"):
            return np.where(light > 0, -2.5 * decimal_logarithm(light), _NO_MAGNITUDE), empty
    weight = known.weight[rows]
    if kind == "mag_mean":
        weight = np.where(np.abs(weight) < _NO_MAGNITUDE, exponential(_PER_MAGNITUDE * weight), 0.0)
    counts = np.isfinite(weight)  # an entry without a weight counts nothing
    weight, data = np.where(counts, weight, 0.0), np.where(counts[:, None], data, 0.0)
    total = np.add.reduceat(weight, begin)
    empty = ~(total >= 1e-30)
    total = np.where(empty, 1.0, total)[:, None]
    return np.add.reduceat(data * weight[:, None], begin) / total, empty


def _within(x, y, list_x, list_y, radius):
    """Return all pairs of a source and an entry nearer to it than the radius."""
    order = np.argsort(list_y, kind="stable")
    sorted_y = list_y[order]
    low = np.searchsorted(sorted_y, y - radius)
    count = np.searchsorted(sorted_y, y + radius, "right") - low
    found = []
    for first in range(0, len(x), 4096):  # a band of a long list is long
        part = slice(first, first + 4096)
        source = np.repeat(np.arange(len(x))[part], count[part])
        ends = np.cumsum(count[part])
        entry = np.arange(len(source)) - np.repeat(ends - count[part] - low[part], count[part])
        entry = order[entry]
        near = np.hypot(list_x[entry] - x[source], list_y[entry] - y[source]) < radius
        found.append((source[near], entry[near]))
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return tuple(np.concatenate(parts) for parts in zip(*found))
