"""A catalog in which each source stands once, of the catalogs and what became of their rows."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from mr_extract.jobs.sky.aggregation import KEPT, MEMBER, UNPLACED

if TYPE_CHECKING:
    from mr_extract.jobs.sky.catalogs import Detections
    from mr_extract.jobs.sky.decisions import Decisions
    from mr_extract.settings.linking import UniqueSettings

NEW = ("detections", "ambiguous")


def write_unique(detections: Detections, decisions: Decisions, config: UniqueSettings,
                 catalog: BinaryIO) -> Counter:
    """Write it.

    Parameters
    ----------
    detections : mr_extract.jobs.sky.catalogs.Detections
    decisions : mr_extract.jobs.sky.decisions.Decisions
    config : mr_extract.settings.linking.UniqueSettings
    catalog : binary file

    Returns
    -------
    Counter
        ``images``, ``failed``, ``detections``, ``sources``, ``elsewhere``, ``unplaced``,
        ``ambiguous``.
    """
    totals = Counter(detections.totals)
    blocks = ((account, line, rows, decisions.of(place, account.rows))
              for place, account, line, rows in detections)
    # The header has the totals, and stands first.
    kept = np.concatenate([np.zeros(1, int), *(
        [(states["state"] == KEPT).sum()] for _, _, _, states in blocks)])
    catalog.write(_header(detections, config, int(kept.sum())).encode())
    for place, account, line, rows in detections:
        if account.kind:
            catalog.write(line)
            continue
        states = np.array(decisions.of(place, account.rows))
        counts = Counter(detections=account.rows, elsewhere=int((states["state"] == MEMBER).sum()),
                         unplaced=int((states["state"] == UNPLACED).sum()))
        stay = np.flatnonzero(states["state"] == KEPT)
        catalog.write(_line(line, len(stay), counts))
        lines = rows.split(b"\n")
        catalog.write(b"".join([b"%s\t%d\t%d\n" % (lines[row], number, doubt)
                                for row, number, doubt in zip(stay.tolist(), *(
                                    states[name][stay].tolist() for name in NEW))]))
        totals += counts
        totals["sources"] += len(stay)
        totals["ambiguous"] += int(states["ambiguous"][stay].sum())
    return totals


def _line(line, kept, counts):
    """Return the line of an image with the number of its rows that are there, and the others."""
    word, image_id, _, *cells = line.rstrip(b"\n").split(b"\t")
    said = [b"%s=%d" % (name.encode(), number) for name, number in counts.items()]
    return b"\t".join([word, image_id, b"sources=%d" % kept, *said, *cells]) + b"\n"


def _header(detections, config, kept):
    header = detections.header
    made_with = (*header.made_with, ("unique", config.hash()))
    settings = json.dumps({**json.loads(header.config), **json.loads(config.as_json())},
                          sort_keys=True, separators=(",", ":"))
    columns = "\t".join([header.columns, *NEW])
    words = {**detections.totals, "sources": kept}
    return replace(header, made_with=made_with, config=settings, columns=columns,
                   totals=words).text()
