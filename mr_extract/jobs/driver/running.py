"""Shards through a runner of mrjob: what the tasks wrote, and the counters."""

from __future__ import annotations

import glob
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, BinaryIO

from mrjob.step import StepFailedException

from mr_extract.jobs.driver.cutting import number_of_tasks, slots_for
from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.driver.parts_here import copy_parts
from mr_extract.jobs.driver.record import write_record
from mr_extract.jobs.driver.shards import write_shards
from mr_extract.jobs.runners.hadoop.output import collect, rescue
from mr_extract.jobs.runners.import_path import import_path

if TYPE_CHECKING:
    from mrjob.job import MRJob
    from mrjob.runner import MRJobRunner

    from mr_extract.jobs.driver.gather import Totals
    from mr_extract.jobs.driver.plan import Plan
    from mr_extract.jobs.skeleton.image_job import ImageJob


class WrongOption(Exception):
    """What a runner cannot work with, for the reason given."""


def is_merged(options: Namespace) -> bool:
    """Tell whether one catalog is to be made here of what the tasks wrote."""
    return not options.output_dir or bool(options.catalog or options.cat_output)


def run_tasks(job: ImageJob, plan: Plan, scratch: str, text: BinaryIO,
              packed: Sequence[str]) -> tuple[dict[str, dict[str, int]], Totals | None]:
    """Run the tasks and collect what they wrote.

    Of packed files the tasks get the records from Hadoop; when it cannot get through
    them, the tasks fetch one record after the other.

    Parameters
    ----------
    job : mr_extract.jobs.skeleton.image_job.ImageJob
    plan : mr_extract.jobs.driver.plan.Plan
    scratch : str
        A folder.
    text : binary file
        Empty, for what the tasks write.
    packed : list of str
        URIs of packed files that Hadoop is to read.

    Returns
    -------
    counters : dict of str to dict of str to int
        By group and name.
    totals : mr_extract.jobs.driver.gather.Totals or None
        Of the parts in ``--output-dir``.

    Raises
    ------
    mrjob.step.StepFailedException
        When the job failed; `text` holds what its finished tasks wrote, as far as that
        could be had.
    """
    if packed:
        from mr_extract.jobs.task.records import RecordsLost

        job.streamed = True
        try:
            return _run_once(job, plan, scratch, text, packed)
        except (StepFailedException, RecordsLost) as error:
            complain(f"{error}\nmr_extract: once more, each packed record fetched for itself")
        job.streamed = False
        text.seek(0)
        text.truncate()
    return _run_once(job, plan, scratch, text)


def _run_once(job, plan, scratch, text, packed=()):
    options = job.options
    runner_name = options.runner or "inline"
    jobs = options.jobs or len(os.sched_getaffinity(0))
    images, size = len(plan.entries), 0
    if runner_name in ("hadoop", "emr", "spark"):
        from mr_extract.jobs.runners.hadoop.tasks import number_of_reduces, size_of

        size = size_of(plan.size(number) for number in plan.asked())
    set_up_runner(options, runner_name, jobs, scratch)
    slots = slots_for(options, runner_name, jobs)
    tasks = number_of_tasks(options, runner_name, slots, plan, size)
    shards = write_shards(plan, tasks, os.path.join(scratch, "input", "shards"))
    options.args = [glob.escape(path) for path in shards]  # mrjob takes them for patterns
    job.scratch = scratch
    with made_runner(job) as runner:
        # Copies of the shards may be there, and shards hold addresses as they were given.
        os.chmod(runner._get_local_tmp_dir(), 0o700)
        watch = nullcontext()
        if runner_name in ("hadoop", "emr", "spark"):
            runner.modules = job.work.modules(job.config, job.more)
            runner.folders = list(job.work.folders(job.more).values())
            runner.reduces = number_of_reduces(size, slots)
        if runner_name in ("hadoop", "spark"):
            runner.packed, runner.is_packed = packed, options.packed
            runner.watch = watch_of(options, images, job.work.rows)
            if options.env_archive:
                words = runner.ship_environment(options.env_archive)
                if not options.quiet:
                    complain(words)
        elif runner_name == "emr":
            runner.images = images
            try:
                runner.prepare(options, plan, is_merged(options))
            except ValueError as error:
                raise WrongOption(str(error)) from error
        elif runner_name in ("inline", "local") and sys.stderr.isatty() and not options.quiet:
            from mr_extract.jobs.driver.progress import Progress

            watch = Progress(runner._get_local_tmp_dir(), images, job.work.rows, sys.stderr)
        output = runner._output_dir
        if runner_name in ("inline", "local"):
            output = os.path.join(runner._get_local_tmp_dir(), "output")
        if runner_name in ("inline", "local", "hadoop", "spark", "emr"):
            write_record(os.path.join(scratch, "input"), job, plan, runner.get_job_key(), output,
                         getattr(runner, "folder", ""))
        try:
            with watch:
                runner.run()
        except (StepFailedException, KeyboardInterrupt, SystemExit):
            if runner_name in ("inline", "local"):
                copy_parts(output, text)
            elif not (packed or options.output_dir):
                rescue(runner, text)
            raise
        finally:
            for line in getattr(runner, "complaints", ()):
                complain(line)
            if runner_name == "emr":
                job.expense = runner.expense()
        counters = next(iter(runner.counters()), {})
        if packed:
            _check_keys(counters)
        if is_merged(options):
            collect(runner, text)
        totals = None
        if options.output_dir:
            from mr_extract.jobs.runners.hadoop.parts import finish_parts

            counters = runner.read_counters() if runner_name == "emr" else counters
            totals = finish_parts(runner, plan, job, counters, scratch)
    return counters, totals


def made_runner(job: MRJob) -> MRJobRunner:
    """Return the runner of a job.

    Raises
    ------
    WrongOption
        For what mrjob or AWS lack in options and configuration.
    """
    try:
        return job.make_runner()
    except ValueError as error:
        raise WrongOption(str(error)) from error


def _check_keys(counters):
    from mr_extract.jobs.task.records import KEYS_LOST, RecordsLost

    if counters.get(KEYS_LOST[0], {}).get(KEYS_LOST[1]):
        raise RecordsLost("Hadoop read packed records that are damaged")


def set_up_runner(options: Namespace, name: str, jobs: int, scratch: str) -> None:
    """Give mrjob what its runners need to run this package from where it stands."""
    options.in_process = name == "inline"
    options.local_tmp_dir = options.local_tmp_dir or scratch
    if name in ("inline", "local"):
        options.conf_paths = options.conf_paths or []  # what mrjob.conf says is for clusters
        options.num_cores = 1 if name == "inline" else jobs
    if name == "spark":
        from mr_extract.jobs.runners.spark.places import job_folders
        from mr_extract.jobs.runners.spark.settings import is_here

        try:
            options.spark_tmp_dir = job_folders(options.spark_master, options.spark_tmp_dir,
                                                scratch)
        except ValueError as error:
            raise WrongOption(str(error)) from error
    if options.env_archive:
        from mr_extract.jobs.runners.hadoop.bare_nodes import PYTHON

        options.python_bin = options.python_bin or [PYTHON]
    if name != "local" and not (name == "spark" and is_here(options.spark_master)):
        return
    options.python_bin = options.python_bin or [sys.executable]
    options.bootstrap_mrjob = False
    options.cmdenv = {"PYTHONPATH": import_path(), **(options.cmdenv or {})}


def watch_of(options: Namespace, images: int, rows: str) -> Any:
    """Return what follows a job of Hadoop or Spark.

    Parameters
    ----------
    options : argparse.Namespace
    images : int
        How many things are to be done.
    rows : str
        What is counted besides.
    """
    if options.runner == "hadoop":
        from mr_extract.jobs.runners.hadoop.progress import Watch

        return Watch(images, rows, options.quiet)
    from mr_extract.jobs.runners.spark.progress import Watch as SparkWatch

    return SparkWatch(images, rows, options.quiet, options.verbose)
