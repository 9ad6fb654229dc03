"""A reducer's part, and the last one, which is the driver's: what is settled, what is open."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from mr_extract.jobs.sky.aggregation import DECIDED, Footprint
from mr_extract.jobs.sky.mapping import FOOTPRINT, NO_CELL
from mr_extract.jobs.sky.region import Group, Linking, settle
from mr_extract.objects.association import Links
from mr_extract.text.arrays import as_word, from_word, lines_as_word

if TYPE_CHECKING:
    from mr_extract.jobs.sky.aggregation import Aggregation, Footprints

#: The word of what is left open, in what a reducer writes.
OPEN = b"o"


def links_of(config: Any) -> Linking:
    """Return what the settings say of links."""
    moves = hasattr(config, "motion") and config.motion.motion != "none"
    return Linking(Links(config.linking.link_radius, config.linking.link_sigma, moves))


def reduced(key: bytes, values: Iterable[bytes], aggregation: Aggregation, config: Any,
            told: dict[str, Any]) -> Iterator[bytes]:
    """Yield lines of what became of the detections of a cell.

    Parameters
    ----------
    key : bytes
        The cell.
    values : iterable of bytes
    aggregation : mr_extract.jobs.sky.aggregation.Aggregation
    config : mr_extract.settings.tree.Settings
    told : dict
        ``order`` of cells.

    Yields
    ------
    bytes
    """
    if key == NO_CELL:
        for value in values:
            yield DECIDED + b"\t" + value
        return
    # All are there when `settle` begins to yield: it has had all values.
    footprints: Footprints = {}
    settled = settle(_records(values, footprints, aggregation.dtype), told["order"],
                     links_of(config))
    while True:
        try:
            part: Group = next(settled)
        except StopIteration as end:
            left = end.value
            break
        for word, found in aggregation.settled(*part, config, told, footprints).items():
            yield word + b"\t" + (
                lines_as_word(found) if isinstance(found, list) else as_word(found))
    if len(left):
        yield OPEN + b"\t" + as_word(left)


def _records(values, footprints, dtype):
    for value in values:
        if value.startswith(FOOTPRINT):
            image, *place = json.loads(value.removeprefix(FOOTPRINT))
            footprints[image] = Footprint(*place)
        else:
            yield from_word(value, dtype)
