"""How far a job on Spark is, in a file that whoever has submitted it can read."""

from __future__ import annotations

import json
import threading
from time import monotonic
from typing import Any

from mr_extract.jobs.runners.spark.counting import Counts
from mr_extract.jobs.runners.spark.java import in_one_line

SIGN = "mr_extract-spark "  # before a state on standard output
_WRITE = 5.0  # seconds
_MOST_FAILURES = 10  # that are told of one by one


class State:
    """Tell how far a job is: on standard output, or in a file of Hadoop's file systems.

    Parameters
    ----------
    place : str
        URI of the file.
    echo : bool
        On standard output, and in the file at the end alone.
    """

    def __init__(self, place: str, echo: bool) -> None:
        self._place, self._echo = place, echo
        self._told: dict[str, Any] = {}
        self._context: Any = None
        self._lock = threading.Lock()
        self._wrote_at, self._last = float("-inf"), ""

    def starts(self, context: Any) -> None:
        """Say that Spark has started."""
        self._context = context
        self.say(application=context.applicationId, url=context.uiWebUrl or "",
                 began=monotonic())

    def say(self, **facts: Any) -> None:
        """Add facts, and tell all that is known."""
        with self._lock:
            self._told |= facts
            text = json.dumps({name: value for name, value in self._told.items()
                               if name != "began"})
            if text == self._last:
                return
            ends = "failed" in facts or "counters" in facts
            self._last = text
            if self._echo:
                try:
                    print(SIGN + text, flush=True)
                except BrokenPipeError:
                    self._echo = False  # the driver is gone, and the job goes on
            if self._context and (ends or not self._echo
                                  and monotonic() - self._wrote_at >= _WRITE):
                self._write(text)

    def _write(self, text):
        self._wrote_at = monotonic()
        java = self._context._jvm
        path = java.org.apache.hadoop.fs.Path(self._place)
        file = path.getFileSystem(self._context._jsc.hadoopConfiguration()).create(path, True)
        try:
            file.write(text.encode())
        finally:
            file.close()

    def look(self, context: Any, counts: Counts, counters: Any) -> None:
        """Ask Spark how far it is, and tell."""
        for (kind, partition), one in list(counters.value.items()):
            images = {name: n for (group, name), n in one.items() if group == "images"}
            counts.settle(f"{kind} {partition}", sum(images.values()), images.get("failed", 0),
                          one.get(("rows", "measured"), 0))
        done, failed, rows = counts.total()
        tracker = context.statusTracker()
        stages = [stage for number in tracker.getActiveStageIds()
                  if (stage := tracker.getStageInfo(number))]
        tasks = {"all": sum(one.numTasks for one in stages),
                 "done": sum(one.numCompletedTasks for one in stages),
                 "running": sum(one.numActiveTasks for one in stages)}
        executors = len(context._jsc.sc().statusTracker().getExecutorInfos())
        waits = 0
        if executors < 2 and not tasks["running"] and not tasks["done"]:
            waits = round(monotonic() - self._told["began"])
        broken = sum(one.numFailedTasks for one in stages)
        told = self._told.get("attempts", [])
        if broken > len(told) < _MOST_FAILURES:
            told = _failures(context, [one.stageId for one in stages])
        self.say(images=done, broken=failed, rows=rows, tasks=tasks, waits=waits, attempts=told)


def _failures(context, stages):
    """Return what Spark knows of attempts of tasks that failed; nothing where it does not tell."""
    told = []
    api = context._jvm.org.apache.spark.status.api.v1
    try:
        failed = context._jvm.java.util.ArrayList()
        failed.add(api.TaskStatus.FAILED)
        store = context._jsc.sc().statusStore()
        for stage in stages:
            found = store.taskList(stage, 0, 0, _MOST_FAILURES, api.TaskSorting.ID, True, failed)
            for k in range(found.size()):
                one = found.apply(k)
                why = one.errorMessage()
                told.append([f"task {one.index()}, attempt {one.attempt()}",
                             f"{one.host()} executor {one.executorId()}",
                             in_one_line(why.get() if why.isDefined() else "")])
    except Exception:  # what is not promised from one version of Spark to the next
        return told
    return told
