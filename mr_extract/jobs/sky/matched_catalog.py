"""A catalog of rows and what lies near them in another."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from mr_extract import __version__
from mr_extract.jobs.sky.pairing import NONE
from mr_extract.text.accounting import Header
from mr_extract.text.rows import format_table

if TYPE_CHECKING:
    from mr_extract.jobs.sky.pairing import Pairs
    from mr_extract.jobs.sky.spool import Spool
    from mr_extract.settings.matching import MatchSettings
    from mr_extract.tables.own import OwnTable

NEW = ("distance", "matches")


def write_matches(rows: Spool, reference: Spool, pairs: Pairs, config: MatchSettings,
                  own: OwnTable | None, catalog: BinaryIO) -> Counter:
    """Write it.

    Parameters
    ----------
    rows, reference : mr_extract.jobs.sky.spool.Spool
    pairs : mr_extract.jobs.sky.pairing.Pairs
        Of every row of `rows`.
    config : mr_extract.settings.matching.MatchSettings
    own : mr_extract.tables.own.OwnTable, optional
        The catalogs, where they are ours: what they say of images stands in the new one.
    catalog : binary file

    Returns
    -------
    Counter
        ``rows``, ``matched``, ``unmatched``, ``unplaced``, ``pairs``, ``reference`` and
        ``reference_unplaced``, ``written``.
    """
    totals = Counter(unplaced=rows.unplaced, reference=reference.count,
                     reference_unplaced=reference.unplaced)
    numbers = _counted(pairs, totals)
    keep = config.matching.keep
    totals["written"] = {"inner": totals["pairs"], "unmatched": numbers,
                         "left": totals["pairs"] + numbers}[keep]
    totals["unmatched"] = numbers - rows.unplaced
    columns = _columns(rows, reference, config)
    catalog.write(_header(columns, config, own, totals["written"]).encode())
    catalog.writelines(_account_lines(own))
    ours, theirs = rows.texts(), reference.texts()
    nothing = b"\t".join([b"nan"] * len(reference.names))
    for found in pairs:
        alone = found["other"] == NONE
        found = found[{"inner": ~alone, "unmatched": alone, "left": slice(None)}[keep]]
        lines = ours.of(found["place"])
        if keep == "unmatched":
            catalog.writelines([line + b"\n" for line in lines])
            continue
        alone = found["other"] == NONE
        others = theirs.of(np.where(alone, 0, found["other"])) if reference.count else [
            nothing] * len(found)
        begins = np.flatnonzero(_first_of_row(found))
        counts = np.diff(begins, append=len(found))
        matches = np.repeat(np.where(alone[begins], 0, counts), counts).astype(np.int32)
        catalog.write(format_table({
            "row": lines, NEW[0]: np.ascontiguousarray(found["distance"]), NEW[1]: matches,
            "other": [nothing if gone else one for one, gone in zip(others, alone.tolist())],
        } if reference.names else {
            "row": lines, NEW[0]: np.ascontiguousarray(found["distance"]), NEW[1]: matches}))
    return totals


def _columns(rows, reference, config):
    """Return what each column holds, by name: its type and its unit."""
    columns = {name: (rows.kinds.get(name, "str"), rows.units.get(name, ""))
               for name in rows.names}
    if config.matching.keep == "unmatched":
        return columns
    # Beside rows without a match integers are not enough.
    prefix = config.taking.prefix
    return columns | {prefix + NEW[0]: ("f8", "arcsec"), prefix + NEW[1]: ("i4", "")} | {
        f"{prefix}{name}": (
            {"i4": "f8"}.get(kind := reference.kinds.get(name, "str"), kind),
            reference.units.get(name, "")) for name in reference.names}


def _counted(pairs, totals):
    """Count the pairs and the rows that have some, and return the number of the others."""
    alone = 0
    for found in pairs:
        none = found["other"] == NONE
        alone += int(none.sum())
        totals["rows"] += int(_first_of_row(found).sum())
        totals["matched"] += int(_first_of_row(found[~none]).sum())
        totals["pairs"] += int((~none).sum())
    return alone


def _first_of_row(found):
    """Tell which pairs are the first of their row, where those of a row stand together."""
    places = found["place"]
    return np.concatenate([[True], places[1:] != places[:-1]])[: len(places)]


def _account_lines(own):
    """Give the lines of images; what were rows of an image are so no more."""
    for line in [] if own is None else own.accounts:
        word, image_id, *cells = line.split(b"\t")
        if word == b"#image":
            cells = [b"detections=" + cell.removeprefix(b"sources=")
                     if cell.startswith(b"sources=") else cell for cell in cells]
        yield b"\t".join([word, image_id, *cells])


def _header(columns, config, own, count):
    settings = json.loads(config.as_json()) | {"columns": columns}
    totals = {"images": 0, "failed": 0, "pairs": count}
    made_with = ("job", "mr_extract.jobs.crossmatch"), ("config", config.hash())
    if own is not None:
        header = own.source.header
        settings |= {"catalog": json.loads(header.config)}
        of_images = {name: count for name, count in list(header.totals.items())[:-1]}
        totals = {**of_images, "pairs": count}
        made_with = (made_with[0], *((f"catalog_{name}", value)
                                     for name, value in header.made_with), made_with[1])
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return Header(__version__, made_with, text, "\t".join(columns), totals).text()
