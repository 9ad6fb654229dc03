"""Jobs whose driver was killed, or whose connection was lost: ``python -m mr_extract.collect``."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mr_extract import __version__, storage
from mr_extract.jobs.beside import kept_files
from mr_extract.jobs.driver.detached import OUTPUT, WORDS
from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.driver.left import Left
from mr_extract.jobs.driver.left_here import left_here
from mr_extract.jobs.driver.left_in_bucket import left_in_bucket
from mr_extract.jobs.driver.left_on_hadoop import left_on_cluster
from mr_extract.jobs.driver.left_on_spark import left_on_spark
from mr_extract.jobs.runners.hadoop.output import BrokenOff
from mr_extract.jobs.runners.hadoop.places import folder_of_jobs
from mr_extract.jobs.runners.spark.places import folder_of_left, hadoop_command
from mr_extract.settings.options import access_from, add_access

if TYPE_CHECKING:
    from mr_extract.jobs.skeleton.image_job import ImageJob


class _Refused(Exception):
    """It cannot be collected, for the reason given."""


def main(arguments: Sequence[str] | None = None) -> int:
    """List jobs, collect or remove one, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m mr_extract.collect", description=(
        "List jobs that run or were left by their driver; with a NAME give what the driver "
        "would have given, where it would have put it."))
    parser.add_argument("name", nargs="?", metavar="NAME", help="of a job, or how one begins")
    parser.add_argument("-r", "--runner", choices=["local", "hadoop", "spark", "emr"],
                        default="local",
                        help="where they are looked for: in the folder for temporary files, in "
                             "your folder on the cluster, or in your bucket [local]")
    parser.add_argument("--folder", metavar="DIR|URI",
                        help="that folder for temporary files; with -r spark what was "
                             f"--spark-tmp-dir [{tempfile.gettempdir()}; on the cluster that in "
                             "your home]")
    parser.add_argument("--hadoop-bin", metavar="PROGRAM", help="the command hadoop")
    parser.add_argument("--cloud-tmp-dir", metavar="URI", help="the folder of the bucket for "
                        "-r emr [that of mrjob.conf]")
    parser.add_argument("--conf-path", metavar="FILE", help="that mrjob.conf, as of the job")
    parser.add_argument("--ended", action="store_true", help="it has ended, though nobody tells: "
                        "its driver was on another machine, or its cluster is gone")
    parser.add_argument("--remove", action="store_true", help="remove what is left of the job")
    add_access(parser.add_argument_group("access").add_argument)
    options = parser.parse_args(arguments)
    hadoop = [options.hadoop_bin] if options.hadoop_bin else hadoop_command()
    if options.runner == "hadoop" and not hadoop:
        parser.error("-r hadoop needs the program hadoop: name it with --hadoop-bin")
    if options.remove and not options.name:
        parser.error("--remove needs the NAME of a job")
    try:
        storage.configure(access_from(options))
        place, jobs = _jobs(options, hadoop)
        if not jobs:
            complain(f"nothing to collect in {place}")
        if not options.name:
            for one in jobs:
                print(_line_of(one))
            return 0
        found = [one for one in jobs if one.record.name.startswith(options.name)]
        if len(found) != 1:
            raise _Refused(f"{len(found)} jobs are called {options.name}: without a name they "
                           "are listed")
        return (_removed if options.remove else collect)(found[0], options.ended)
    except (_Refused, BrokenOff, OSError, ValueError) as error:
        complain(str(error))
        return 2 if isinstance(error, _Refused) else 1


def _jobs(options, hadoop):
    """Return where jobs are looked for, and those that are there."""
    if options.runner == "emr":
        from mr_extract.jobs.runners.emr.runner import folder_of

        place = options.cloud_tmp_dir or folder_of(options.conf_path)
        return place, list(left_in_bucket(place))
    if options.runner == "hadoop":
        return folder_of_jobs(), list(left_on_cluster(hadoop))
    if options.runner == "spark":
        place = folder_of_left(options.folder)
        return place, list(left_on_spark(place, hadoop))
    place = options.folder or tempfile.gettempdir()
    return place, list(left_here(place, hadoop))


def collect(one: Left, ended: bool = False) -> int:
    """Make the catalog of a job whose driver is gone.

    Parameters
    ----------
    one : mr_extract.jobs.driver.left.Left
    ended : bool
        As of `mr_extract.jobs.driver.left.Left.state`.

    Returns
    -------
    int
        The exit status that the driver would have had; images on which nothing is to be had
        are ``lost``, as after a job that failed.
    """
    from mr_extract.jobs.skeleton.image_job import ImageJob
    from mr_extract.jobs.skeleton.options import OVER_DETECTIONS

    record = one.record
    if one.ending is not None:
        return _given(one)
    if record.version != __version__:
        raise _Refused(f"{record.name} is a job of version {record.version}, this is "
                       f"{__version__}")
    if (state := one.state(ended)) != "left":
        raise _Refused(f"{record.name} {state}: it can be collected when it has ended"
                       + _advice(state))
    if not one.place:
        raise _Refused(f"{record.name}: its driver ended while it made the catalog, and nothing is "
                       "left; run it again")
    os.chdir(record.directory)
    job = ImageJob(record.arguments)
    job.sandbox(stdout=sys.stdout.buffer)

    def gathered(job: ImageJob, further: Sequence[Namespace] = ()) -> int:
        return _gathered(one, job, further)

    if job.options.reduce in OVER_DETECTIONS:
        from mr_extract.jobs.sky.after_images import reduced_after

        return reduced_after(job, gathered)
    return gathered(job)


def _gathered(one, job, further=()):
    from mr_extract.jobs.driver.merging import merged, reported
    from mr_extract.jobs.driver.outputs import check_outputs

    record, ordered = one.record, job.options.reduce != "none"
    if job.options.output_dir:
        raise _Refused(f"what {record.name} wrote is in parts in {job.options.output_dir}: "
                       "python -m preprocess merge reads them")
    if job.config.hash() != record.config:
        raise _Refused(f"{record.name} had other settings than its options mean now: a list or "
                       "configuration has changed")
    plan = one.plan()
    job.options.args = []  # what they say is in the plan
    for options in (job.options, *further):
        check_outputs(options, plan)
    with tempfile.TemporaryDirectory(prefix="mr_extract-") as scratch:
        with open(os.path.join(scratch, "blocks"), "wb+") as text:
            one.copy_output(text)
            one.end_cluster()
            kept_files.end(kept_files.told_in(record.arguments), complain)
            totals, unwritten = merged(job, plan, text, scratch, ordered)
    status = reported(job, plan, totals, {}, None)
    return 1 if unwritten else status


def _given(one):
    """Say and give what a detached driver has said and given."""
    sys.stderr.write(Path(one.folder, WORDS).read_text(encoding="utf-8", errors="replace"))
    with open(Path(one.folder, OUTPUT), "rb") as catalog:
        shutil.copyfileobj(catalog, sys.stdout.buffer)
    return one.ending


def _advice(state):
    return ", which --ended says where nobody else does" if "perhaps" in state else ""


def _removed(one, ended):
    if (state := one.state(ended)) not in ("left", "ended"):
        raise _Refused(f"{one.record.name} {state}: end it first" + _advice(state))
    kept_files.end(kept_files.told_in(one.record.arguments), complain)
    one.remove()
    return 0


def _line_of(one):
    record = one.record
    began = datetime.fromtimestamp(record.began).isoformat(" ", "minutes")
    try:
        state = one.state()
    except OSError as error:  # no other need wait for it
        state = f"nobody tells what becomes of it: {error}"
    return (f"{record.name}\t{record.runner}\t{began}\t{record.images} images\t"
            f"process {record.pid} on {record.host}\t{state}")


if __name__ == "__main__":
    sys.exit(main())
