"""The process that a user of a job over detections starts: read, run, write, report."""

import os
import tempfile
from collections import Counter

from mrjob.step import StepFailedException

from mr_extract.jobs.driver import summary
from mr_extract.jobs.driver.drive import check_runner, end_in_order, quiet_logging
from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.driver.outputs import TSV, check_outputs, put_catalog, unfinished_catalog
from mr_extract.jobs.driver.plan import Plan, standard_input
from mr_extract.jobs.sky.aggregation import DECISION
from mr_extract.jobs.sky.catalogs import Detections
from mr_extract.jobs.sky.decisions import Decisions, Miscounted
from mr_extract.jobs.sky.reducing import DECIDED, links_of
from mr_extract.jobs.sky.region import settle
from mr_extract.jobs.sky.running import run_shards
from mr_extract.jobs.sky.unique_catalog import NEW, write_unique
from mr_extract.objects.cells import finest_order
from mr_extract.text.arrays import from_word
from mr_extract.text.stored_catalog import UnfitCatalog

#: Cells of some 55 arcminutes, unless the radius needs larger ones.
ORDER, _RADII = 6, 100


def drive(job):
    """Run a job from its catalogs to its catalog.

    Parameters
    ----------
    job : mr_extract.jobs.sky.sky_job.SkyJob

    Returns
    -------
    int
        Exit status: 0 when every row is accounted for, 1 when the job failed, 2 for a wrong
        option or catalogs that do not fit.
    """
    options = job.options
    options.catalog_type = TSV
    quiet_logging(job)
    end_in_order()
    try:
        check_runner(options)
        sources = options.args or ["-"]
        stdin = standard_input() if "-" in sources else None
        if options.output_dir:
            raise ValueError("--output-dir is not for this job: --catalog FILE names the catalog")
        check_outputs(options, Plan())
        with tempfile.TemporaryDirectory(prefix="mr_extract-") as scratch:
            with open(os.path.join(scratch, "rows"), "wb+") as text:
                totals = _made(job, Detections(sources, text, stdin), scratch, text.tell())
    except (ValueError, UnfitCatalog) as error:
        complain(str(error))
        return 2
    except (StepFailedException, Miscounted) as error:
        complain(f"the job failed, nothing was written: {error}")
        return 1
    if not options.quiet:
        complain(as_text(totals))
    if options.summary:
        summary.write(dict(totals), options.summary)
    return 0


def as_text(totals):
    """Return what became of the detections as a line for a person."""
    repeated = (f"\n{totals['repeated']} images stood in several catalogs, and count once"
                if totals["repeated"] else "")
    return (f"{totals['images']} images measured, {totals['failed']} failed: "
            f"{totals['detections']} detections = {totals['sources']} sources + "
            f"{totals['elsewhere']} further detections of them + {totals['unplaced']} without a "
            f"position; {totals['ambiguous']} sources ambiguous{repeated}")


def _made(job, detections, scratch, size):
    """Run the tasks, write the catalog and return the totals."""
    aggregation, config = job.aggregation, job.config
    if NEW[0] in detections.header.columns.split("\t"):
        raise UnfitCatalog("in these catalogs each source stands once already")
    needs = {"ra": "this job", "dec": "this job", **aggregation.needs(config)}
    order = min(ORDER, finest_order(config.linking.link_radius, _RADII))
    if not order and config.linking.link_radius > 3600:
        raise UnfitCatalog("--link-radius is larger than a degree")
    job.told = {"columns": detections.columns_for(needs), "order": order}
    decisions = Decisions(os.path.join(scratch, "decisions"), detections.count)
    facts = (aggregation.facts_of(number, account, config)
             for number, account in enumerate(detections.accounts()))
    with open(os.path.join(scratch, "settled"), "wb+") as text:
        if detections.count:
            run_shards(job, detections, list(facts), size, scratch, text)
        text.seek(0)
        _decide(text, aggregation, config, decisions)
    place = decisions.unknown()
    if place is not None:
        image_id, row = detections.image_at(place)
        raise Miscounted(f"row {row} of {image_id} is not accounted for")
    with unfinished_catalog(job.options, scratch) as spool, open(spool, "wb+") as catalog:
        totals = write_unique(detections, decisions, config, catalog)
        _reconcile(totals, detections)
        totals["repeated"] = detections.twice
        catalog.flush()
        put_catalog(catalog, job.options, Plan(), job.stdout)
    return totals


def _decide(text, aggregation, config, decisions):
    """Take what the reducers settled, and settle what they left open."""
    left = []
    for line in text:
        word, _, value = line.rstrip(b"\n").partition(b"\t")
        if word == DECIDED:
            decisions.take(from_word(value, DECISION))
        else:
            left.append(from_word(value, aggregation.dtype))
    for records, founder, ambiguous in settle(left, None, links_of(config)):
        decisions.take(aggregation.settled(records, founder, ambiguous, config))


def _reconcile(totals, detections):
    parts = Counter(totals)
    if not (parts["detections"] == detections.count
            == parts["sources"] + parts["elsewhere"] + parts["unplaced"]):
        raise Miscounted(f"{detections.count} detections went in, and of {dict(parts)} they are "
                         "not the sum")
