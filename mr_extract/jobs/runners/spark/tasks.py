"""What runs in an executor of Spark: a partition is a shard, through the job's own mapper.

What stands here is sent by name: executors import it from the code that travels with the job.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby
from operator import itemgetter
from typing import Any

from pyspark import Accumulator, TaskContext
from pyspark.accumulators import AccumulatorParam

from mr_extract.jobs.runners.spark.counting import Line
from mr_extract.jobs.task.memory_limit import CONTAINER

_KEY = itemgetter(0)


class ByTask(AccumulatorParam):
    """Counters by stage and partition: those of the attempt that came last."""

    def zero(self, value: Any) -> dict[tuple[str, int], dict]:
        """Return none."""
        return {}

    def addInPlace(self, value1: dict, value2: dict) -> dict:  # noqa: N802
        """Return both, the second above the first."""
        return {**value1, **value2}


@dataclass(frozen=True)
class Tasks:
    """What the tasks of a job are told.

    Parameters
    ----------
    job : str
        Its class, as ``module:Class``.
    arguments : tuple of str
        Of each task.
    attempts : int
        As many as Spark makes of a task before it gives the job up.
    container : str
        What the container of an executor holds, as `mr_extract.jobs.task.memory_limit` has it.
    counters : pyspark.Accumulator
        Takes the counters of tasks, as `ByTask`.
    line : mr_extract.jobs.runners.spark.counting.Line, optional
        To the program, for counts while a task runs.
    """

    job: str
    arguments: tuple[str, ...]
    attempts: int
    container: str
    counters: Accumulator[Any]
    line: Line | None = None

    def mapped(self, partition: int, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield what the mapper makes of a shard: blocks, each a text without its line end."""
        for _, value in self._mapped(partition, lines):
            yield value

    def keyed(self, partition: int, lines: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Yield what the mapper makes of a shard for reducers: keys and values."""
        return self._mapped(partition, lines)

    def reduced(self, partition: int, pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
        """Yield what the reducer makes of pairs that are in the order of their keys."""
        job, counted = self._job("reducer", partition)
        for key, values in groupby(pairs, _KEY):
            for _, value in job.reducer(key, (value for _, value in values)):
                yield value
        self._told(job, "reducer", partition, counted)

    def _mapped(self, partition, lines):
        job, counted = self._job("mapper", partition)
        try:
            yield from job.map_pairs(((None, line) for line in lines), 0)
        except SystemExit as end:
            # It would end Spark's worker, and Spark would not tell why.
            raise RuntimeError(str(end.code)) from None
        self._told(job, "mapper", partition, counted)

    def _job(self, kind, partition):
        """Return the job as a task has it, and what it will have counted."""
        # As Hadoop streaming tells its tasks: spark reuses processes, so always.
        context = TaskContext.get()
        assert context is not None
        os.environ |= {
            "mapreduce_task_attempt_id":
                f"attempt_spark_{kind[0]}_{partition:06d}_{context.attemptNumber()}",
            "mapreduce_map_maxattempts": str(self.attempts), CONTAINER: self.container}
        module, _, name = self.job.partition(":")
        job = getattr(import_module(module), name)([*self.arguments, f"--{kind}", "--step-num=0"])
        counted: Counter[tuple[str, str]] = Counter()
        tell = self.line and self.line.opened(f"{kind} {partition}", context.taskAttemptId())

        def increment_counter(group, counter, amount=1):
            counted[group, counter] += amount
            if tell:
                tell.count(group, counter, amount)

        job.increment_counter = increment_counter
        job.set_status = lambda _: tell and tell.alive()
        return job, counted

    def _told(self, job, kind, partition, counted):
        self.counters.add({(kind, partition): dict(counted)})


def in_groups(told: dict[tuple[str, int], dict[tuple[str, str], int]]) -> dict[str, dict[str, int]]:
    """Return the counters of all tasks together, by group and name."""
    groups: dict[str, dict[str, int]] = {}
    for counted in told.values():
        for (group, name), amount in counted.items():
            found = groups.setdefault(group, {})
            found[name] = found.get(name, 0) + amount
    return groups


