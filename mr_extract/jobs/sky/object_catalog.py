"""A catalog of objects and their light curves, of what the reducers made."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from mr_extract.addresses import shown_within
from mr_extract.columns.objects import CURVE_FAILED, CURVE_PREFIX, POINTS, object_columns
from mr_extract.jobs.sky.aggregation import KEPT, NO_EPOCH, UNPLACED
from mr_extract.jobs.sky.object_records import KEY, POINT, object_dtype, prefixes_of
from mr_extract.storage.output import written_whole
from mr_extract.text.accounting import Header
from mr_extract.text.rows import format_table

if TYPE_CHECKING:
    from mr_extract.jobs.sky.aggregation import Made
    from mr_extract.text.sorting import SortedRecords

_AT_ONCE = 8192
_KEY_SIZE = np.dtype(KEY).itemsize


class ObjectTotals(Counter):
    """Counts of a catalog of objects, and the first object of which a function made nothing."""

    first_failure = ""


def write_objects(made: Made, catalog: BinaryIO, objects: SortedRecords, points: SortedRecords,
                  curves: SortedRecords) -> ObjectTotals:
    """Write the catalog, and the light curves where they are asked for.

    Parameters
    ----------
    made : mr_extract.jobs.sky.aggregation.Made
    catalog : binary file
    objects, points, curves : mr_extract.text.sorting.SortedRecords

    Returns
    -------
    ObjectTotals
        ``images``, ``failed``, ``detections``, ``members``, ``objects``, ``unplaced``,
        ``no_epoch``, ``ambiguous``, ``no_filter``.
    """
    config, told, detections = made.config, made.told, made.detections
    totals = ObjectTotals(**detections.totals, objects=made.counts["b"])
    columns = object_columns(prefixes_of(told["filters"]), config.motion.motion == "fit")
    more = _function_columns(curves) if config.light_curves.light_curve_function else []
    catalog.write(_header(made, [*columns, *more], "objects", totals["objects"]).encode())
    for line, counts in _account_lines(made):
        totals += counts
        catalog.write(line)
    members, rest = 0, iter(curves)
    for records in _chunks(objects, object_dtype(told["filters"], config)):
        ids = _ids(records)
        members += int(records["detections"].sum())
        totals["ambiguous"] += int(records["ambiguous"].sum())
        catalog.write(format_table({"object": ids, **{
            name: np.ascontiguousarray(records[name]) for name in columns if name != "object"},
            **_of_functions(rest, more, ids, totals)}))
    totals["counted"] = members
    if made.options.light_curves is not None:
        _write_points(made, points, totals["members"])
    return totals


def _function_columns(curves):
    """Return the names of what a function has returned for any object."""
    names = set()
    for record in curves:
        values = json.loads(record[_KEY_SIZE:])
        names |= set(values) if isinstance(values, dict) else set()
    return [*(f"{CURVE_PREFIX}{name}" for name in sorted(names)), CURVE_FAILED]


def _of_functions(curves, names, ids, totals):
    """Return the columns of what a function has returned for some objects."""
    if not names:
        return {}
    found = [json.loads(record[_KEY_SIZE:]) for record in islice(curves, len(ids))]
    failed = np.array([not isinstance(values, dict) for values in found])
    if failed.any() and not totals["lc_failed"]:
        first = int(np.argmax(failed))
        totals.first_failure = f"{ids[first]}: {found[first]}"
    totals["lc_failed"] += int(failed.sum())
    values = [one if isinstance(one, dict) else {} for one in found]
    columns = {name: np.array([one.get(name.removeprefix(CURVE_PREFIX)) for one in values], float)
               for name in names[:-1]}
    return columns | {CURVE_FAILED: failed.astype(np.int32)}


def _account_lines(made):
    """Give the line of each image, and counts of what became of its rows."""
    for place, account, line, _ in made.detections:
        if account.kind:
            yield line, Counter()
            continue
        states = made.decisions.of(place, account.rows)["state"]
        counts = Counter(detections=account.rows, members=int((states == KEPT).sum()),
                         unplaced=int((states == UNPLACED).sum()),
                         no_epoch=int((states == NO_EPOCH).sum()))
        word, image_id, _, *cells = line.rstrip(b"\n").split(b"\t")
        said = [b"%s=%d" % (name.encode(), n) for name, n in counts.items()]
        counts["no_filter"] = int("filter" not in account.values and counts["members"] > 0)
        yield b"\t".join([word, image_id, *said, *cells]) + b"\n", counts


def _write_points(made, points, members):
    names = np.array(made.told["filters"])
    with written_whole(made.options.light_curves) as spool, open(spool, "wb") as file:
        file.write(_header(made, [one.name for one in POINTS], "points", members).encode())
        file.writelines(line for line, _ in _account_lines(made))
        for records in _chunks(points, POINT):
            images, numbers = made.detections.images_at(records["place"].astype(np.int64))
            columns = {"object": _ids(records), "image": images, "number": numbers,
                       "filter": names[records["filter"]]}
            file.write(format_table({one.name: columns.get(one.name) if one.name in columns else
                                     records[one.name].astype(one.dtype) for one in POINTS}))


def _chunks(stream, dtype):
    """Give records in order, some at a time, those of one cell together."""
    stream, held = iter(stream), b""
    while records := b"".join(islice(stream, _AT_ONCE)):
        found = np.frombuffer(held + records, dtype)
        # The last cell may go on.
        last = int(np.searchsorted(found["cell"].astype(np.uint64), found["cell"][-1].astype(
            np.uint64)))
        held = found[last:].tobytes()
        if last:
            yield found[:last]
    if held:
        yield np.frombuffer(held, dtype)


def _ids(records):
    """Return the ids of objects; of several founded in one cell the later have a number."""
    cells, founders = records["cell"].astype(np.uint64), records["founder"]
    new = np.concatenate([[True], founders[1:] != founders[:-1]])
    begins = np.concatenate([[True], cells[1:] != cells[:-1]])
    count = np.cumsum(new)
    turn = count - count[begins][np.cumsum(begins) - 1]
    ids = cells.astype(str)
    later = turn > 0
    ids = ids.astype("U32")
    ids[later] = [f"{one}-{k + 1}" for one, k in zip(ids[later], turn[later])]
    return ids


def _header(made, columns, rows, count):
    header, config = made.detections.header, made.config
    made_with = (("job", f"mr_extract.jobs.{made.name}"), *(
        (f"detections_{name}" if name == "config" else name, value)
        for name, value in header.made_with), ("config", config.hash()))
    totals = {**made.detections.totals, rows: count}
    return shown_within(Header(header.version, made_with, config.as_json(), "\t".join(columns),
                               totals).text())
