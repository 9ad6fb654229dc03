"""What spark-submit runs: the shards of a job through its own mapper, each a partition.

``program.py --job module:Class --input URI --output URI --told URI [--reduces N] [--packed]
[--echo] [--s3-...] -- ARGUMENTS``

The files at `--input` become parts at `--output`. At `--told` stands how far the job is, from
its beginning on, and at its end its counters, as JSON: where the program runs beside the driver
that has submitted it, each state is a line on standard output, too.
"""

from __future__ import annotations

import argparse
import sys
import threading
import zlib
from contextlib import suppress
from typing import Any

from pyspark import SparkContext

from mr_extract import storage
from mr_extract.jobs.runners.spark.counting import Counts
from mr_extract.jobs.runners.spark.files import files_at
from mr_extract.jobs.runners.spark.java import cause_of
from mr_extract.jobs.runners.spark.near import near_data
from mr_extract.jobs.runners.spark.settings import attempts_of, container_of, hadoop_properties
from mr_extract.jobs.runners.spark.state import State
from mr_extract.jobs.runners.spark.tasks import ByTask, Tasks, in_groups
from mr_extract.settings.options import access_from, add_access

_LOOK = 1.0  # seconds


def main() -> int:
    """Run the job, and return the exit status of the process."""
    sys.path[:1] = []  # the folder of this file: its modules are the package's
    options = _options()
    storage.configure(access_from(options))
    _leave_tables_alone()
    state = State(options.told, echo=options.echo)
    try:
        context = SparkContext()
    except Exception as error:  # of Java, mostly: whatever keeps Spark from starting
        state.say(failed=cause_of(error))
        return 1
    state.starts(context, files_at(options.told, context))
    try:
        state.say(counters=_run(context, options, state))
    except Exception as error:
        state.say(failed=cause_of(error))
        return 1
    finally:
        context.stop()
    return 0


def _options():
    parser = argparse.ArgumentParser()
    for name in ("job", "input", "output", "told"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--reduces", type=int, default=0)
    parser.add_argument("--echo", action="store_true")
    parser.add_argument("--packed", action="store_true")
    add_access(parser.add_argument)
    parser.add_argument("arguments", nargs="*")
    return parser.parse_args()


def _leave_tables_alone():
    """Keep pyspark from loading pandas at the first word to Java, which takes some seconds."""
    from py4j.protocol import INPUT_CONVERTER

    INPUT_CONVERTER[:] = [one for one in INPUT_CONVERTER
                          if not type(one).__module__.startswith("pyspark.sql")]


def _run(context, options, state):
    """Run the job and return its counters."""
    conf = context.getConf()
    for name, value in hadoop_properties(bool(options.reduces)).items():
        context._jsc.hadoopConfiguration().set(name, value)
    counters = context.accumulator({}, ByTask())
    bound = conf.get("spark.driver.bindAddress") or conf.get("spark.driver.host")
    with Counts(conf.get("spark.driver.host"), bound) as counts, \
            _watched(context, state, counts, counters):
        tasks = Tasks(options.job, tuple(options.arguments), attempts_of(context.master, conf),
                      container_of(context.master, conf), counters, counts.line)
        lines = files_at(options.input, context).lines(options.input)
        if options.packed:
            lines = near_data(context, lines)
        if options.reduces:
            pairs = lines.mapPartitionsWithIndex(tasks.keyed).repartitionAndSortWithinPartitions(
                options.reduces, zlib.crc32)
            done = pairs.mapPartitionsWithIndex(tasks.reduced)
        else:
            done = lines.mapPartitionsWithIndex(tasks.mapped)
        files_at(options.output, context).save(done, options.output)
    return in_groups(counters.value)


class _watched:
    """Have the state told from time to time while a job runs."""

    def __init__(self, context: Any, state: State, counts: Counts, counters: Any) -> None:
        self._context, self._state, self._counts = context, state, counts
        self._counters = counters
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        self._look()  # what came last

    def _look(self):
        # For people who wait: whatever breaks here, the job is another matter, and tells itself.
        with suppress(Exception):
            self._state.look(self._context, self._counts, self._counters)
            if self._state.is_stopped():
                self._context.cancelAllJobs()

    def _follow(self):
        while not self._over.wait(_LOOK):
            self._look()


if __name__ == "__main__":
    sys.exit(main())
