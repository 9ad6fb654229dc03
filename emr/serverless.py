"""``serverless``: the same job on EMR Serverless, by Spark, without a cluster of one's own."""

import argparse
import json
import os
import shlex
import tempfile
import time
import uuid

import boto3

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.driver import summary
from mr_extract.jobs.driver.gather import complain, gather
from mr_extract.jobs.driver.manifests import read_plan, standard_input
from mr_extract.jobs.driver.outputs import check_outputs, put_catalog, unfinished_catalog
from mr_extract.jobs.driver.shards import write_shards
from mr_extract.jobs.runners.emr.consent import ask, check_that_somebody_agrees
from mr_extract.jobs.runners.emr.kept import brought, kept, remove
from mr_extract.jobs.runners.emr.refusals import with_advice
from mr_extract.jobs.runners.hadoop.bare_nodes import AUTO, chosen_archive
from mr_extract.jobs.runners.hadoop.tasks import number_of_maps, size_of
from mr_extract.jobs.runners.spark.settings import PROGRAM, defaults
from mr_extract.jobs.runners.spark.state import TOLD
from mr_extract.jobs.skeleton.image_job import ImageJob
from mr_extract.jobs.skeleton.options import allowed

_OVER = ("SUCCESS", "FAILED", "CANCELLED")
_PYTHON = "./environment/bin/python"


def add_serverless(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``serverless``."""
    parser.add_argument("manifest", metavar="MANIFEST", help="as of the job; - for standard input")
    parser.add_argument("--application", required=True, metavar="ID", help="that runs Spark")
    parser.add_argument("--role", required=True, metavar="ARN", help="of the job's tasks")
    parser.add_argument("--folder", required=True, metavar="s3://BUCKET/FOLDER/",
                        help="cloud_tmp_dir of the jobs")
    parser.add_argument("--catalog", metavar="FILE", help="a path or s3:// [standard output]")
    parser.add_argument("--summary", metavar="FILE", help="write the summary to FILE as JSON")
    parser.add_argument("--tasks", type=int, metavar="N", help="[one for 256 MB of images]")
    parser.add_argument("--max-hours", type=float, default=12.0, metavar="HOURS",
                        help="after which EMR ends the job [12]")
    parser.add_argument("--env-archive", default=AUTO, metavar="FILE|URI",
                        help="an archive that is there [it is made of the Python that runs this]")
    parser.add_argument("--options", default="", metavar="'OPTIONS'",
                        help="those of the job: --options='--thresh 3'")
    parser.add_argument("--check-every", type=float, default=15.0, metavar="SECONDS",
                        help="[15]")
    parser.add_argument("--yes", action="store_true", help="do not ask, though it costs money")


def serverless(options: argparse.Namespace) -> int:
    """Run a job to its catalog, and return as a job does."""
    if not options.folder.startswith("s3://"):
        raise ValueError(f"{options.folder} is no address of the kind s3://BUCKET/FOLDER/")
    check_that_somebody_agrees(options.yes)
    began = time.monotonic()
    job = _job_of(options)
    plan = read_plan([options.manifest], standard_input() if options.manifest == "-" else None,
                     job.options.extensions, job.options.plane)
    check_outputs(job.options, plan)
    job.work.check(job.config)
    tasks = options.tasks or number_of_maps(size_of(map(plan.size, plan.asked())), {})
    ask(f"application {options.application} is paid for the cores and the memory of {tasks} tasks "
        "while they run, and starts them itself", options.yes)
    place = f"{options.folder.rstrip('/')}/serverless-{uuid.uuid4().hex[:12]}/"
    with tempfile.TemporaryDirectory(prefix="mr_extract-") as scratch:
        driver = _driver(options, job, place, scratch)
        brought(boto3.client("s3"), {
            path: f"{place}input/{os.path.basename(path)}"
            for path in write_shards(plan, tasks, os.path.join(scratch, "input"))})
        try:
            problem = _run(options, driver, len(plan))
            with open(os.path.join(scratch, "blocks"), "wb+") as text:
                for uri in _below(f"{place}output/"):
                    text.write(storage.read(uri))
                if problem and not text.tell():
                    raise OSError(f"the job failed, nothing was written: {problem}")
                text.flush()
                with unfinished_catalog(job.options, scratch) as spool, \
                        open(spool, "wb+") as catalog:
                    totals = gather(text, plan, job.work, job.config, catalog)
                    catalog.flush()
                    put_catalog(catalog, job.options, plan, job.stdout)
            counters = {} if problem else json.loads(storage.read(f"{place}{TOLD}"))["counters"]
        finally:
            remove(boto3.client("s3"), place)
    facts = summary.summarise(totals, counters, time.monotonic() - began,
                              "emr-serverless", len(plan), job.work.rows)
    complain(summary.as_text(facts))
    if options.summary:
        summary.write(facts, options.summary)
    if problem:
        raise OSError(problem)
    return int(totals.failed > allowed(job.options.max_failures, len(plan)))


def _job_of(options):
    words = ["-r", "spark", *shlex.split(options.options)]
    if options.catalog:
        words += ["--catalog", options.catalog]
    return ImageJob(words)


def _driver(options, job, place, scratch):
    """Return what Spark is to run: our program, with the job as its arguments."""
    job.scratch = scratch
    job.options.in_process, job.options.reduce = False, "none"
    words = job._non_option_kwargs()["extra_args"]
    if not all(isinstance(word, str) for word in words):
        raise ValueError("lists of sources, and addresses with a password, are files that travel "
                         "with a job: EMR Serverless has no place for them, -r emr has")
    brought(boto3.client("s3"), {PROGRAM: f"{place}program.py"})
    archive = chosen_archive(options.env_archive, complain)
    uri, told = kept(archive, f"{options.folder.rstrip('/')}/kept/", "env")
    complain(f"the tasks' Python and code are those of {told}")
    settings = {
        "spark.archives": f"{uri}#environment",
        "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": _PYTHON,
        "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": _PYTHON,
        "spark.executorEnv.PYSPARK_PYTHON": _PYTHON,
        "spark.executorEnv.OPENBLAS_NUM_THREADS": "1",
        **{name: str(value) for name, value in defaults("", "client", {}, "").items()},
    }
    if any(" " in value for value in settings.values()):
        raise ValueError(f"{uri}: an address with a space is none for Spark's settings")
    return {"sparkSubmit": {
        "entryPoint": f"{place}program.py",
        "entryPointArguments": [
            "--job", f"{ImageJob.__module__}:{ImageJob.__name__}", "--input", f"{place}input/",
            "--output", f"{place}output/", "--told", f"{place}{TOLD}", "--", *words,
            f"--attempt-notes={place}attempts"],
        "sparkSubmitParameters": " ".join(f"--conf {name}={value}"
                                          for name, value in settings.items()),
    }}


def _run(options, driver, images):
    """Run it on EMR Serverless, and return why it failed; None where it did not."""
    client = boto3.client("emr-serverless")
    run = client.start_job_run(
        applicationId=options.application, executionRoleArn=options.role, jobDriver=driver,
        name=f"mr_extract, {images} images", clientToken=uuid.uuid4().hex,
        executionTimeoutMinutes=max(5, round(60 * options.max_hours)))["jobRunId"]
    name, last = {"applicationId": options.application, "jobRunId": run}, ""
    try:
        while True:
            told = client.get_job_run(**name)["jobRun"]
            if told["state"] in _OVER:
                break
            if told["state"] != last:
                last = told["state"]
                complain(f"job run {run} is {last.lower()}")
            time.sleep(options.check_every)
    except BaseException:
        client.cancel_job_run(**name)
        raise
    if told["state"] == "SUCCESS":
        return None
    why = told.get("stateDetails") or "EMR Serverless does not say why"
    return f"job run {run} {told['state'].lower()}: {with_advice(why)}"


def _below(folder):
    try:
        return sorted(found.uri for found in storage.list_files(folder)
                      if found.uri.rpartition("/")[2].startswith("part-"))
    except ImageFailure as failure:
        if failure.kind != "fetch-not-found":
            raise
        return []

