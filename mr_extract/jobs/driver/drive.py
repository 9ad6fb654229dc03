"""The process that a user starts: plan, run, gather, report."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from mrjob.step import StepFailedException

from mr_extract import __version__
from mr_extract.addresses import shown_rule, shown_within
from mr_extract.columns.choice import describe
from mr_extract.jobs.beside import kept_files
from mr_extract.jobs.driver.ahead import Ahead
from mr_extract.jobs.driver.detached import scratch_folder
from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.driver.manifests import read_plan, standard_input
from mr_extract.jobs.driver.merging import merged, reported
from mr_extract.jobs.driver.outputs import check_outputs, is_there
from mr_extract.jobs.driver.plan import check_directory
from mr_extract.jobs.driver.running import WrongOption, is_merged, run_tasks
from mr_extract.settings.declaring import is_rule
from mr_extract.settings.options import arguments
from mr_extract.sextractor.configured import check_cutouts

if TYPE_CHECKING:
    from mrjob.job import MRJob

    from mr_extract.jobs.skeleton.image_job import ImageJob


def drive(job: ImageJob, further: Sequence[Namespace] = ()) -> int:
    """Run a job from its manifests to its catalog.

    Parameters
    ----------
    job : mr_extract.jobs.skeleton.image_job.ImageJob
    further : sequence of argparse.Namespace
        Options of jobs that follow, whose outputs may be no inputs either.

    Returns
    -------
    int
        Exit status: 0 when every image is accounted for and no more failed
        than allowed, 1 otherwise, 2 for a wrong option.
    """
    options = job.options
    if options.version or options.print_schema or options.print_config:
        sys.stdout.write(_printed(job))
        return 0
    quiet_logging(job)
    end_in_order()
    began = monotonic()
    if options.hint and not options.quiet:
        complain(options.hint)
    try:
        plan, packed = _planned(job, further)
    except ValueError as error:
        complain(str(error))
        return 2
    if not len(plan):
        complain("warning: the manifest holds no images; the catalog is empty")
    try:
        totals, counters, failure, unwritten = _extracted(job, plan, packed)
    except WrongOption as error:
        complain(str(error))
        return 2
    except StepFailedException as error:
        complain(f"the job failed, nothing was written: {error}")
        return 1
    status = reported(job, plan, totals, counters, monotonic() - began)
    if failure:
        complain(f"{failure.words}\nmr_extract: what had been measured by then is in "
                 f"{failure.place}; `python -m preprocess remaining` lists the images that are "
                 "lost")
        return failure.status
    return 1 if unwritten else status


def _planned(job, further):
    """Read the manifests, or the packed files, and say which of these Hadoop should read.

    Whatever a user can mend is a ValueError here, before any work.
    """
    options, packed = job.options, []
    sources = options.args or ["-"]
    if options.packed:
        if "-" in sources:
            raise ValueError("--packed needs the name of a packed folder or file")
        from mr_extract.jobs.driver.packed_plan import read_packed
        from mr_extract.packed.index import packed_with

        plan, packed = read_packed(
            sources, packed_with(options.extensions, options.plane), complain)
    else:
        stdin = standard_input() if "-" in sources else None
        plan = read_plan(sources, stdin, options.extensions, options.plane)
    _select(job, plan)
    check_runner(options)
    for one in (options, *further):
        check_outputs(one, plan)
    check_cutouts(job.work.columns(job.config).values(), options.catalog_type)
    job.work.check(job.config)
    check_directory()
    if options.env_archive and len(plan):
        from mr_extract.jobs.runners.hadoop.bare_nodes import chosen_archive

        say = (lambda _: None) if options.quiet else complain
        options.env_archive = chosen_archive(options.env_archive, say)
    return plan, packed if options.runner == "hadoop" else []


def _select(job, plan):
    """Leave out the lines that are not meant."""
    options = job.options
    if options.where is None:
        for name in ("log_book", "log_key"):
            if getattr(options, name) is not None:
                raise ValueError(f"--{name.replace('_', '-')} is for --where")
        return
    if options.log_key is not None and options.log_book is None:
        raise ValueError("--log-key is for --log-book")
    from mr_extract.jobs.driver.where import select

    with tempfile.TemporaryDirectory(prefix="mr_extract-") as scratch:
        options.log_book_sha256 = select(plan, options.where, options.log_book, options.log_key,
                                         scratch, complain)
    if options.log_book_sha256:
        job.arguments = [*job.arguments, f"--log-book-sha256={options.log_book_sha256}"]


def _extracted(job, plan, packed):
    """Run the tasks, put the catalog in its place, and return totals and counters.

    With them comes why the job failed or was ended, None if it was not (what its finished
    tasks wrote outlives it), and which catalogues of images could not be written.
    """
    options = job.options
    ordered = options.reduce != "none"
    if not options.output_dir:
        # `gather` sorts and merges all that the tasks wrote: there is nothing left for
        # reducers to do, each takes its time to start, and maps that are done are lost with
        # a job that fails before its reducers are.
        options.reduce = "none"
    with scratch_folder() as scratch:
        _settle(job, plan, scratch)
        with open(os.path.join(scratch, "blocks"), "wb+") as text:
            counters, totals, failure = {}, None, None
            if plan.entries:
                try:
                    counters, totals = run_tasks(job, plan, scratch, text, packed)
                except (StepFailedException, KeyboardInterrupt, SystemExit) as error:
                    if not text.tell():
                        raise
                    failure = _Failure(error)
                    failure.spare_catalog(options)
                finally:
                    kept_files.end(job.more, complain)
            if totals is not None and not is_merged(options):
                return totals, counters, None, []
            totals, unwritten = merged(job, plan, text, scratch, ordered, complete=not failure
                                       and options.runner in ("hadoop", "emr", "spark"))
    return totals, counters, failure, unwritten


def _settle(job, plan, scratch):
    """Have the job find out what it must before its tasks start."""
    before, more = job.config, kept_files.begun(job.more)
    try:
        job.config, job.more = job.work.settled(before, more, Ahead(job, plan, scratch))
    except ValueError as error:
        raise WrongOption(str(error)) from error
    # Whoever finishes the job has its command line, and finds out nothing.
    known = arguments(before)
    job.arguments = [*job.arguments, *(one for one in arguments(job.config) if one not in known),
                     *kept_files.arguments(job.more)]


class _Failure:
    """Why a job ended before its time."""

    def __init__(self, error):
        self.status, self.words = 1, f"the job failed: {error}"
        if isinstance(error, KeyboardInterrupt):
            self.status, self.words = 130, "interrupted"
        elif isinstance(error, SystemExit):
            self.status = error.code
            self.words = f"ended by {signal.Signals(error.code - 128).name}"
        self.place = "the catalog"

    def spare_catalog(self, options):
        """Have a catalog that a user did not want to end keep its place."""
        if self.status > 1 and is_there(options):
            options.catalog += ".interrupted"
            self.place = options.catalog


def _printed(job):
    config = job.config
    if job.options.version:
        return f"mr_extract {__version__}\n"
    if job.options.print_schema:
        return describe(job.work.columns(config), job.work.bits)
    found = config.as_dict()
    for section, one in config.declared():
        if is_rule(one):
            found[section][one.name] = shown_rule(found[section][one.name])
    return shown_within(json.dumps({"hash": config.hash(), **found}, indent=2)) + "\n"


def check_runner(options: Namespace) -> None:
    """Raise ValueError where a runner lacks what it needs, or an option is for another."""
    if options.env_archive and options.runner not in ("hadoop", "emr", "spark"):
        raise ValueError("--env-archive is for -r hadoop, -r spark and -r emr: here this Python "
                         "runs the tasks")
    if options.runner != "emr":
        for name in ("max_hours", "estimate_by", "price", "yes"):
            if getattr(options, name):
                raise ValueError(f"--{name.replace('_', '-')} is for -r emr")
    if options.runner == "spark":
        from mr_extract.jobs.runners.spark.places import settle_master

        settle_master(options)
    if options.runner == "hadoop" and not (
        options.hadoop_bin or os.environ.get("HADOOP_HOME") or shutil.which("hadoop")
    ):
        raise ValueError("-r hadoop needs the program hadoop: name it with --hadoop-bin")
    if options.runner == "hadoop":
        from mr_extract.jobs.runners.hadoop.settings import check_properties

        check_properties(options.jobconf or {})


def quiet_logging(job: MRJob) -> None:
    """Have mrjob say no more than options ask for."""
    # mrjob tells its life at every turn; what matters is in the summary.
    level = logging.DEBUG if job.options.verbose else logging.WARNING
    if job.options.quiet:
        level = logging.ERROR
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    logging.getLogger("mrjob").setLevel(level)
    # What the command hadoop says, without the pages of Java below it.
    logging.getLogger("mrjob.fs.hadoop").addFilter(
        lambda record: not record.getMessage().startswith("STDERR: \tat "))
    # "No configs specified": most users have no mrjob.conf and need none.
    logging.getLogger("mrjob.conf").addFilter(
        lambda record: not record.getMessage().startswith("No configs specified")
    )


def end_in_order() -> None:
    """Have signals end the process as errors do."""
    signal.signal(signal.SIGTERM, _terminated)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGHUP, _terminated)


def _terminated(number, _):
    # As an exception, so that tasks are stopped, and what they have done is kept.
    sys.exit(128 + number)
