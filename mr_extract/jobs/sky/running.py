"""Shards of rows through a runner of mrjob, as images go in `jobs.driver.running`."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from mr_extract.jobs.beside.user_functions import travelling
from mr_extract.jobs.driver.cutting import slots_for
from mr_extract.jobs.driver.running import set_up_runner, watch_of
from mr_extract.jobs.runners.hadoop.output import collect
from mr_extract.jobs.runners.hadoop.tasks import number_of_maps

if TYPE_CHECKING:
    from mr_extract.jobs.sky.sky_job import SkyJob

_REDUCE_SHARE = 256 << 20  # bytes of rows, of which a reducer gets a quarter or less
_MOST_REDUCES = 128


def run_shards(job: SkyJob, write: Callable[[int, str], list[str]], counted: tuple[int, str],
               size: int, scratch: str, text: BinaryIO) -> None:
    """Run the tasks and collect what the reducers wrote.

    Parameters
    ----------
    job : mr_extract.jobs.sky.sky_job.SkyJob
    write : callable
        Takes a number of files and a folder, writes the shards and returns their paths.
    counted : tuple of (int, str)
        How many things are in them, and what these are.
    size : int
        Bytes of all rows.
    scratch : str
        A folder.
    text : binary file
        Empty, for what they write.
    """
    options = job.options
    name = options.runner or "inline"
    jobs = options.jobs or len(os.sched_getaffinity(0))
    set_up_runner(options, name, jobs, scratch)
    slots = slots_for(options, name, jobs)
    tasks = 1
    if name == "hadoop":
        tasks = number_of_maps(size, options.jobconf or {}, slots)
    elif name != "inline":
        tasks = slots or max(1, min(size // _REDUCE_SHARE, _MOST_REDUCES))
    shards = write(tasks, os.path.join(scratch, "input", "shards"))
    options.args = [glob.escape(path) for path in shards]  # mrjob takes them for patterns
    with job.make_runner() as runner:
        os.chmod(runner._get_local_tmp_dir(), 0o700)
        if name in ("hadoop", "spark"):
            runner.watch = watch_of(options, *counted)
            runner.modules = travelling(job.work.functions(job.config))
            runner.reduces = max(1, min(slots or _MOST_REDUCES, round(size / _REDUCE_SHARE)))
            if options.env_archive:
                runner.ship_environment(options.env_archive)
        runner.run()
        collect(runner, text)
