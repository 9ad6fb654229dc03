"""What tasks wrote becomes the catalog, and the job is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from mr_extract.jobs.driver import summary
from mr_extract.jobs.driver.gather import Totals, complain, gather
from mr_extract.jobs.driver.outputs import put_catalog, unfinished_catalog
from mr_extract.jobs.skeleton.options import allowed
from mr_extract.text.entry import escaped
from mr_extract.text.manifest import is_fits_name

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from mr_extract.jobs.driver.plan import Plan
    from mr_extract.jobs.skeleton.image_job import ImageJob


def merged(job: ImageJob, plan: Plan, text: BinaryIO, scratch: str, ordered: bool,
           complete: bool = False) -> tuple[Totals, list[str]]:
    """Put the catalog in its place.

    Parameters
    ----------
    job : mr_extract.jobs.skeleton.image_job.ImageJob
    plan : mr_extract.jobs.driver.plan.Plan
    text : binary file
        What the tasks wrote.
    scratch : str
        A folder.
    ordered : bool
        As for `mr_extract.jobs.driver.gather.gather`.
    complete : bool
        No image may be lost.

    Returns
    -------
    totals : mr_extract.jobs.driver.gather.Totals
    unwritten : list of str
        As `mr_extract.jobs.driver.outputs.put_catalog` returns it.

    Raises
    ------
    OSError
        When an image of a complete job is lost, or the catalog cannot be put there.
    """
    text.flush()
    with unfinished_catalog(job.options, scratch) as spool, open(spool, "wb+") as catalog:
        totals = gather(text, plan, job.work, job.config, catalog, ordered,
                        told_of(job.options))
        if complete and totals.failures["lost"]:
            raise OSError(f"{totals.failures['lost']} images of a job that ended well did "
                          "not come back with its output; no catalog was written")
        catalog.flush()
        return totals, put_catalog(catalog, job.options, plan, job.stdout)


def told_of(options: Namespace) -> dict[str, str]:
    """Return what a catalog says of which lines were meant."""
    told = {"where": options.where, "log_book_sha256": options.log_book_sha256}
    return {name: escaped(value) for name, value in told.items() if value}


def reported(job: ImageJob, plan: Plan, totals: Totals,
             counters: Mapping[str, Mapping[str, int]], seconds: float | None) -> int:
    """Say what was done and return the exit status.

    Parameters
    ----------
    job, plan, totals
        As for `merged`.
    counters, seconds
        As for `mr_extract.jobs.driver.summary.summarise`.
    """
    options = job.options
    facts: dict[str, Any] = summary.summarise(
        totals, counters, seconds, options.runner or "inline", len(plan), job.work.rows,
        job.streamed, job.expense)
    if not options.quiet:
        complain(summary.as_text(facts))
    if options.summary:
        summary.write(facts, options.summary)
    if not totals.measured and len(plan) > totals.skipped and not any(
            is_fits_name(e.uri) for e in plan.entries.values()):
        complain("no line ends as the name of a FITS image does: is the input a manifest, "
                 "a path or URI a line?")
    limit = allowed(options.max_failures, len(plan) - totals.skipped)
    if totals.failed > limit:
        complain(f"{totals.failed} images failed, {limit} allowed (--max-failures)")
        return 1
    return 0
