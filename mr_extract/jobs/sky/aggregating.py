"""From catalogs of detections to the catalog of a job over them: read, run, settle, write."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.jobs.driver.manifests import standard_input
from mr_extract.jobs.driver.outputs import check_outputs
from mr_extract.jobs.driver.plan import Plan
from mr_extract.jobs.sky.aggregation import DECIDED, Footprint, Made
from mr_extract.jobs.sky.catalogs import Detections, write_shards
from mr_extract.jobs.sky.decisions import Decisions, Miscounted
from mr_extract.jobs.sky.drive import new_catalog
from mr_extract.jobs.sky.reducing import OPEN, links_of
from mr_extract.jobs.sky.region import settle
from mr_extract.jobs.sky.running import run_shards
from mr_extract.objects.cells import finest_order
from mr_extract.text.arrays import from_word, lines_from_word
from mr_extract.text.sorting import SortedRecords
from mr_extract.text.stored_catalog import UnfitCatalog

if TYPE_CHECKING:
    from mr_extract.jobs.sky.aggregation import Aggregation
    from mr_extract.jobs.sky.sky_job import SkyJob

#: Cells of some 55 arcminutes, unless the radius needs larger ones.
ORDER, _RADII = 6, 100
_WIDEST = 1800  # arcseconds


def make(job: SkyJob, aggregation: Aggregation, scratch: str) -> tuple[Counter, list[str]]:
    """Make the catalog of a job over detections, as `mr_extract.jobs.sky.work.SkyWork.make`."""
    sources = job.options.args or ["-"]
    stdin = standard_input() if "-" in sources else None
    check_outputs(job.options, Plan())
    with open(os.path.join(scratch, "rows"), "wb+") as text:
        detections = Detections(sources, text, stdin)
        totals = _made(job, aggregation, detections, scratch, text.tell())
    told = [aggregation.as_text(totals)]
    if totals["repeated"]:
        told.append(f"{totals['repeated']} images stood in several catalogs, and count once")
    return totals, told


def _made(job, aggregation, detections, scratch, size):
    """Run the tasks, write the catalog and return the totals."""
    config = job.config
    needs = {"ra": "this job", "dec": "this job", **aggregation.needs(config)}
    radius = config.linking.link_radius
    if radius > _WIDEST:
        raise UnfitCatalog(f"--link-radius is {_WIDEST} at most")
    columns = detections.columns_for(needs, aggregation.takes(config))
    facts, told = aggregation.survey(detections, config, job.options)
    job.told = {"columns": columns, "order": min(ORDER, finest_order(radius, _RADII)), **told}
    decisions = Decisions(os.path.join(scratch, "decisions"), detections.count)
    for known, (place, account, _, _) in zip(facts, detections):
        if known is None and account.rows:
            decisions.leave_out(place, account.rows, aggregation.left_out(account))
    made = Made(aggregation.name, detections, decisions, defaultdict(SortedRecords), Counter(),
                config, job.told, job.options)
    with open(os.path.join(scratch, "settled"), "wb+") as text:
        if detections.count:
            run_shards(job, partial(write_shards, detections, facts),
                       (len(detections), "detections"), size, scratch, text)
        text.seek(0)
        _take(text, aggregation, made, facts)
    place = decisions.unknown()
    if place is not None:
        images, numbers = detections.images_at(np.array([place]))
        raise Miscounted(f"row {numbers[0]} of {images[0]} is not accounted for")
    with new_catalog(job, scratch) as catalog:
        totals = aggregation.write(made, catalog)
        reconcile(totals, detections.count)
    totals["repeated"] = detections.twice
    return totals


def _take(text, aggregation, made, facts):
    """Take what the reducers settled, and settle what they left open."""
    types = aggregation.output(made.config, made.told)

    def keep(word, records):
        if word == DECIDED:
            made.decisions.take(records)
            return
        made.counts[word.decode()] += len(records)
        if not isinstance(records, list):
            data, size = records.tobytes(), records.dtype.itemsize
            records = [data[start:start + size] for start in range(0, len(data), size)]
        for record in records:
            made.sorted[word].add(record)

    left = []
    for line in text:
        word, _, value = line.rstrip(b"\n").partition(b"\t")
        if word == OPEN:
            left.append(from_word(value, aggregation.dtype))
        else:
            kind = types[word]
            keep(word, lines_from_word(value) if kind is None else from_word(value, kind))
    footprints = {one["image"]: Footprint(one["filter"], *one["footprint"])
                  for one in facts if one and "footprint" in one}
    for part in settle(left, None, links_of(made.config)):
        for word, records in aggregation.settled(
                *part, made.config, made.told, footprints).items():
            keep(word, records)


def reconcile(totals: Counter, count: int) -> None:
    """Raise Miscounted where the detections are not the sum of what became of them."""
    stands = totals["members"] if "objects" in totals else totals["sources"] + totals["elsewhere"]
    if not (totals["detections"] == count == stands + totals["unplaced"] + totals["no_epoch"]
            and totals.get("counted", stands) == stands):
        raise Miscounted(f"{count} detections went in, of which {dict(totals)} is not the sum")
