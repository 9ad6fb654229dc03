"""The process that a user of a job over catalogs starts: read, run, write, report."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from mrjob.step import StepFailedException

from mr_extract.jobs.driver import summary
from mr_extract.jobs.driver.drive import check_runner, end_in_order, quiet_logging
from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.driver.outputs import put_catalog, unfinished_catalog
from mr_extract.jobs.driver.plan import Plan
from mr_extract.jobs.driver.running import WrongOption
from mr_extract.jobs.skeleton.options import TSV
from mr_extract.jobs.sky.decisions import Miscounted
from mr_extract.text.stored_catalog import UnfitCatalog

if TYPE_CHECKING:
    from mr_extract.jobs.sky.sky_job import SkyJob


def drive(job: SkyJob) -> int:
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
        if options.runner == "emr":
            raise ValueError("-r emr is for images: a job over catalogs runs with -r local or "
                             "-r hadoop")
        if options.output_dir:
            raise ValueError("--output-dir is not for this job: --catalog FILE names the catalog")
        with tempfile.TemporaryDirectory(prefix="mr_extract-") as scratch:
            totals, told = job.work.make(job, scratch)
    except (ValueError, UnfitCatalog) as error:
        complain(str(error))
        return 2
    except WrongOption as error:
        complain(str(error))
        return 2
    except (StepFailedException, Miscounted) as error:
        complain(f"the job failed, nothing was written: {error}")
        return 1
    if not options.quiet:
        for line in told:
            complain(line)
    if options.summary:
        summary.write(dict(totals), options.summary)
    return 0


@contextmanager
def new_catalog(job: SkyJob, scratch: str) -> Iterator[BinaryIO]:
    """Give the file in which the catalog is written, and put it in its place if all went well."""
    with unfinished_catalog(job.options, scratch) as spool, open(spool, "wb+") as catalog:
        yield catalog
        catalog.flush()
        put_catalog(catalog, job.options, Plan(), job.stdout)
