"""A mapper's part: rows of a catalog to detections, by cell of the sky."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mr_extract.jobs.sky.aggregation import DECISION, UNPLACED, Piece
from mr_extract.objects.cells import cells_around
from mr_extract.objects.coverage import circle_of
from mr_extract.objects.healpix import cells_of
from mr_extract.text.arrays import as_word
from mr_extract.text.numbers import numbers_of

if TYPE_CHECKING:
    from mr_extract.jobs.sky.aggregation import Aggregation
    from mr_extract.settings.tree import Settings

#: Between rows on their way, and before the first: no cell holds a control character.
ROW_END, HEAD_END = b"\x1e", b"\x1d"
NO_CELL = b"-"  # of rows that lie nowhere
FOOTPRINT = b"!"  # before one: no word of records begins so


def packed_piece(place: int, facts: Mapping[str, Any], rows: bytes) -> bytes:
    """Return rows of one image as one line.

    Parameters
    ----------
    place : int
        Of the first row.
    facts : dict
        As `mr_extract.jobs.sky.aggregation.Aggregation.survey` gave them.
    rows : bytes
        Lines with their line ends; none where the line is for the footprint.
    """
    head = json.dumps([place, facts], separators=(",", ":")).encode()
    return head + HEAD_END + rows.rstrip(b"\n").replace(b"\n", ROW_END) + b"\n"


def keyed(line: bytes, aggregation: Aggregation, config: Settings,
          told: Mapping[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the detections of a line by cell.

    Parameters
    ----------
    line : bytes
        As of `packed_piece`.
    aggregation : mr_extract.jobs.sky.aggregation.Aggregation
    config : mr_extract.settings.tree.Settings
    told : dict
        ``columns``, name to number of its cell, ``order`` of cells.

    Yields
    ------
    key, value : bytes
    """
    head, _, text = line.partition(HEAD_END)
    place, facts = json.loads(head)
    if not text.rstrip():
        yield from _footprint(facts, config, told)
        return
    piece = Piece(place, facts, numbers_of(text.rstrip(), ROW_END, told["columns"]))
    records = aggregation.records(piece, config)
    ra, dec, error = records["ra"], records["dec"], records["error"]
    lies = np.isfinite(ra) & (np.abs(dec) <= 90) & np.isfinite(error)
    if not lies.all():
        nowhere = np.zeros((~lies).sum(), DECISION)
        nowhere["place"], nowhere["state"] = records["place"][~lies], UNPLACED
        yield NO_CELL, as_word(nowhere)
        records = records[lies]
    yield from by_cell(records, told["order"])


def by_cell(records: np.ndarray, order: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the records of each cell of the sky under its key.

    Parameters
    ----------
    records : structured ndarray, shape (n,)
        With ra and dec, degrees.
    order : int
        Of the cells.
    """
    cells = cells_of(records["ra"], records["dec"], order)
    ordered = np.argsort(cells, kind="stable")
    records, cells = records[ordered], cells[ordered]
    begins = np.flatnonzero(np.diff(cells, prepend=-1))
    for start, stop in zip(begins, [*begins[1:], len(cells)]):
        yield b"%012d" % cells[start], as_word(records[start:stop])


def _footprint(facts, config, told):
    """Yield where an image was taken, for each cell of which it may have covered a part."""
    corners, holes = facts["footprint"]
    ra, dec, radius = circle_of(corners)
    word = FOOTPRINT + json.dumps([facts["image"], facts["filter"], corners, holes],
                                  separators=(",", ":")).encode()
    for cell in cells_around(ra, dec, radius + config.linking.link_radius, told["order"]):
        yield b"%012d" % cell, word
