"""Catalogs with another: ``python -m mr_extract.jobs.crossmatch CATALOG... --with REFERENCE``."""

from __future__ import annotations

import os
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from mr_extract.jobs.driver.outputs import check_outputs
from mr_extract.jobs.driver.plan import Plan
from mr_extract.jobs.sky.decisions import Miscounted
from mr_extract.jobs.sky.drive import new_catalog
from mr_extract.jobs.sky.mapping import by_cell
from mr_extract.jobs.sky.matched_catalog import NEW, write_matches
from mr_extract.jobs.sky.pairing import PAIR, Pairing, Pairs
from mr_extract.jobs.sky.region import settle
from mr_extract.jobs.sky.running import run_shards
from mr_extract.jobs.sky.spool import CATALOG, REFERENCE, ROW, Spool, write_shards
from mr_extract.jobs.sky.through_lsdb import check_for_lsdb, match_through_lsdb, told_of
from mr_extract.jobs.sky.work import SkyWork
from mr_extract.objects.cells import finest_order
from mr_extract.settings.matching import Matching, MatchSettings
from mr_extract.tables.hats import Hats
from mr_extract.tables.opening import is_own, open_table, positions_in
from mr_extract.tables.own import OwnTable
from mr_extract.text.arrays import as_word, from_word

if TYPE_CHECKING:
    from mr_extract.jobs.sky.sky_job import SkyJob

#: Cells of some 55 arcminutes, unless the radius needs larger ones.
ORDER, _RADII = 6, 40
_FOUND, _OPEN = b"p", b"o"
ENGINES = ("own", "lsdb")


class CrossMatch(SkyWork):
    """Find what lies near each row of catalogs in another."""

    name = "crossmatch"
    settings = MatchSettings

    def add_options(self, add_argument: Callable[..., object]) -> None:
        """Declare the reference."""
        add_argument("--with", dest="reference", metavar="REFERENCE", help="what the catalogs are "
                     "matched with: a catalog of this program, .fits, .parquet, .csv, .tsv, or a "
                     "folder in HATS; a path or URI")
        add_argument("--engine", choices=ENGINES, default=ENGINES[0],
                     help="lsdb: where both sides are HATS, LSDB itself matches them and writes "
                          "--catalog NAME.hats, in which columns of the reference end as --prefix "
                          "begins [own]")

    def keyed(self, line: bytes, config: MatchSettings,
              told: dict[str, Any]) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows of a line by cell."""
        yield from by_cell(from_word(line.strip(), ROW), told["order"])

    def reduced(self, key: bytes, values: Iterable[bytes], config: MatchSettings,
                told: dict[str, Any]) -> Iterator[bytes]:
        """Yield the pairs of a cell, and what is left open."""
        settled = settle((from_word(value, ROW) for value in values), told["order"],
                         pairing_of(config))
        while True:
            try:
                yield _FOUND + b"\t" + as_word(next(settled))
            except StopIteration as end:
                if len(end.value):
                    yield _OPEN + b"\t" + as_word(end.value)
                return

    def make(self, job: SkyJob, scratch: str) -> tuple[Counter, list[str]]:
        """Read both sides, run and write."""
        _check(job.options, job.config.matching)
        through_lsdb = job.options.engine == "lsdb"
        try:
            if through_lsdb:
                check_for_lsdb(job.options, job.config)
                totals = match_through_lsdb(job.options, job.config)
                return totals, [told_of(totals)]
            totals = _made(job, scratch)
        except ModuleNotFoundError as error:
            extra = "lsdb" if through_lsdb else "export"
            raise ValueError(f"{job.options.reference} needs {error.name}: "
                             f"pip install 'mr_extract[{extra}]'") from error
        return totals, [as_text(totals)]


def pairing_of(config: MatchSettings) -> Pairing:
    """Return what the settings say of matches."""
    matching = config.matching
    return Pairing(matching.match_radius, matching.nearest, matching.min_radius)


def as_text(totals: Counter) -> str:
    """Say what became of the rows."""
    return (f"{totals['rows']} rows = {totals['matched']} with a match + {totals['unmatched']} "
            f"without + {totals['unplaced']} without a position; {totals['pairs']} matches among "
            f"{totals['reference']} rows of the reference, {totals['reference_unplaced']} of which "
            "have no position")


def _check(options: Namespace, matching: Matching) -> None:
    if matching.min_radius > matching.match_radius:
        raise ValueError("--min-radius is larger than --match-radius: nothing would match")
    if not options.args:
        raise ValueError("it needs a catalog")
    if not options.reference:
        raise ValueError("it needs --with REFERENCE")
    options.args = [*options.args, options.reference]  # no output may be one of them
    check_outputs(options, Plan())
    options.args = options.args[:-1]


def _made(job, scratch):
    options, config = job.options, job.config
    taking = config.taking
    job.told = {"order": min(ORDER, finest_order(config.matching.match_radius, _RADII))}
    rows = Spool(os.path.join(scratch, "rows"), CATALOG)
    tables, own = _catalogs(options.args, scratch)
    for uri, table in tables:
        _take(rows, uri, table, taking.catalog_position, ("all",), job.told["order"])
    reference = _reference(options.reference, rows, config, job.told["order"], scratch)
    names = [*rows.names, *(taking.prefix + name for name in (*NEW, *reference.names))]
    twice = [name for name, number in Counter(names).items() if number > 1]
    if twice and config.matching.keep != "unmatched":
        raise ValueError(f"two columns would be called {twice[0]}: choose another --prefix, or "
                         "what --take names")
    pairs = Pairs(scratch, rows.count)
    _settle(job, rows, reference, pairs, scratch)
    with new_catalog(job, scratch) as catalog:
        totals = write_matches(rows, reference, pairs, config, own, catalog)
        if totals["rows"] != rows.count:
            raise Miscounted(f"{rows.count} rows went in, and {totals['rows']} came out")
    return totals


def _catalogs(uris, scratch):
    """Return the catalogs as tables, and the table that ours are."""
    if all(os.path.isfile(uri) or "://" in uri for uri in uris) and all(map(_says_own, uris)):
        own = OwnTable(uris)
        return [(", ".join(uris), own)], own
    tables = [(uri, open_table(uri, scratch)) for uri in uris]
    for uri, table in tables[1:]:
        if table.names != tables[0][1].names:
            raise ValueError(f"{uri!r} has other columns than {uris[0]!r}: only catalogs with the "
                             "same go together")
    return tables, tables[0][1] if isinstance(tables[0][1], OwnTable) else None


def _says_own(uri):
    from mr_extract.failures import ImageFailure

    try:
        return not uri.endswith("/") and is_own(uri)
    except ImageFailure:
        return False


def _take(spool, uri, table, position, columns, order):
    try:
        pair = positions_in(table, *([] if position == ("auto",) else position))
        numbers = range(len(table.names)) if columns == ("all",) else [
            _number(table, name) for name in columns]
        spool.take(table, pair, list(numbers), order)
    except ValueError as error:
        raise ValueError(f"{uri!r}: {error}") from None


def _number(table, name):
    if name not in table.names:
        raise ValueError(f"it has no column {name!r}, which --take names, but "
                         f"{', '.join(table.names)}")
    return table.names.index(name)


def _reference(uri, rows, config, order, scratch):
    table = open_table(uri, scratch)
    near = None
    if isinstance(table, Hats):
        near = table.keep_near(rows.cells, order, config.matching.match_radius)
    spool = Spool(os.path.join(scratch, "reference"), REFERENCE)
    _take(spool, uri, table, config.taking.reference_position, config.taking.take, order)
    if spool.count == spool.unplaced and (near is None or near[0] == near[1]):
        raise ValueError(f"{uri!r} has no row with a position")
    return spool


def _settle(job, rows, reference, pairs, scratch):
    """Run the tasks, and settle what they left open."""
    left = []
    with open(os.path.join(scratch, "settled"), "wb+") as text:
        if rows.count > rows.unplaced:
            run_shards(job, partial(write_shards, (rows, reference)),
                       (rows.count + reference.count, "rows"), rows.size + reference.size, scratch,
                       text)
        text.seek(0)
        for line in text:
            word, _, value = line.rstrip(b"\n").partition(b"\t")
            if word == _OPEN:
                left.append(from_word(value, ROW))
            else:
                pairs.take(from_word(value, PAIR))
    for found in settle(left, None, pairing_of(job.config)):
        pairs.take(found)
    pairs.leave_out(rows.nowhere())
    lost = pairs.unknown()
    if lost is not None:
        raise Miscounted(f"row {lost + 1} is not accounted for")


WORK = CrossMatch()

if __name__ == "__main__":
    from mr_extract.jobs.sky.sky_job import run

    run("crossmatch")
