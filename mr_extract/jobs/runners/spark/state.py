"""How far a job on Spark is, in a file that whoever has submitted it can read."""

from __future__ import annotations

import json
import sys
import threading
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from mr_extract.jobs.runners.spark.counting import Counts
from mr_extract.jobs.runners.spark.folder import Folder
from mr_extract.jobs.runners.spark.java import cause_of, in_one_line

if TYPE_CHECKING:  # whoever collects a job has no pyspark
    from mr_extract.jobs.runners.spark.files import InBucket, OfHadoop

SIGN = "mr_extract-spark "  # before a state on standard output
TOLD = "told"  # that file in the job's folder
STOP = "stop"  # beside the file: the program should end
_WRITE, _WRITE_SELDOM, _SILENT = 5.0, 20.0, 60.0  # seconds
_MOST_FAILURES = 10  # that are told of one by one


class State:
    """Tell how far a job is: on standard output, or in a file.

    Parameters
    ----------
    place : str
        URI of the file.
    echo : bool
        On standard output, too: the program is a child of the driver, and ends with it.
    """

    def __init__(self, place: str, echo: bool) -> None:
        self._place, self._echo = place, echo
        self._told: dict[str, Any] = {}
        self._files: OfHadoop | InBucket | None = None
        self._lock = threading.Lock()
        self._wrote_at, self._last = float("-inf"), ""
        self._stages: set[int] = set()

    def starts(self, context: Any, files: OfHadoop | InBucket) -> None:
        """Say that Spark has started, and from now on write where its file is."""
        self._files = files
        self.say(application=context.applicationId, url=context.uiWebUrl or "",
                 began=monotonic())

    def say(self, **facts: Any) -> None:
        """Add facts, and tell all that is known."""
        with self._lock:
            self._told |= facts
            known = {name: value for name, value in self._told.items() if name != "began"}
            text = json.dumps(known)
            if self._echo and text != self._last:
                print(SIGN + text, flush=True)
            self._last = text
            ends = "failed" in facts or "counters" in facts
            interval = _WRITE_SELDOM if self._echo else _WRITE
            if self._files and (ends or monotonic() - self._wrote_at >= interval):
                self._wrote_at = monotonic()
                told = {**known, "at": time(), "beside_driver": self._echo}
                try:
                    self._files.write(self._place, json.dumps(told).encode())
                except Exception as error:  # of Java's
                    if not self._echo:
                        raise
                    print(f"mr_extract: {self._place}: {cause_of(error)}", file=sys.stderr)

    def is_stopped(self) -> bool:
        """Tell whether the program should end: who has submitted it has said so."""
        if self._echo or not self._files:
            return False  # then it has other ways
        return self._files.exists(f"{self._place.rpartition('/')[0]}/{STOP}")

    def look(self, context: Any, counts: Counts, counters: Any) -> None:
        """Ask Spark how far it is, and tell."""
        for (kind, partition), one in list(counters.value.items()):
            images = {name: n for (group, name), n in one.items() if group == "images"}
            counts.settle(f"{kind} {partition}", sum(images.values()), images.get("failed", 0),
                          one.get(("rows", "measured"), 0))
        done, failed, rows = counts.total()
        tracker = context.statusTracker()
        self._stages |= set(tracker.getActiveStageIds())
        stages = [stage for number in sorted(self._stages)
                  if (stage := tracker.getStageInfo(number))]
        tasks = {"all": sum(one.numTasks for one in stages),
                 "done": sum(one.numCompletedTasks for one in stages),
                 "running": sum(one.numActiveTasks for one in stages)}
        executors = len(context._jsc.sc().statusTracker().getExecutorInfos())
        waits = 0
        if executors < 2 and not tasks["running"] and not tasks["done"]:
            waits = round(monotonic() - self._told["began"])
        for attempt in counts.silent():
            context._jsc.sc().killTaskAttempt(attempt, True, "it said nothing for 5 minutes")
        broken = sum(one.numFailedTasks for one in stages)
        told = self._told.get("attempts", [])
        if broken > len(told) < _MOST_FAILURES:
            told = _failures(context, [one.stageId for one in stages])
        self.say(images=done, broken=failed, rows=rows, tasks=tasks, waits=waits, attempts=told)


def goes_on(folder: Folder, driver_is_gone: bool) -> bool:
    """Tell whether a program runs whose states are in a folder: it has said so just now.

    Parameters
    ----------
    folder : mr_extract.jobs.runners.spark.folder.Folder
    driver_is_gone : bool
        That is known, and with it goes a program that ran beside it.
    """
    text = folder.read(TOLD)
    if text is None:
        return False
    state = json.loads(text)
    if driver_is_gone and state.get("beside_driver"):
        return False
    return not {"failed", "counters"} & set(state) and time() - state.get("at", 0) < _SILENT


def _failures(context, stages):
    """Return what Spark knows of attempts of tasks that failed; nothing where it does not tell."""
    told = []
    api = context._jvm.org.apache.spark.status.api.v1
    try:
        failed = context._jvm.java.util.ArrayList()
        failed.add(api.TaskStatus.FAILED)
        store = context._jsc.sc().statusStore()
        for stage in stages:
            found = store.taskList(stage, 0, 0, _MOST_FAILURES, api.TaskSorting.ID, failed)
            for k in range(found.size()):
                one = found.apply(k)
                why = one.errorMessage()
                told.append([f"task {one.index()}, attempt {one.attempt()}",
                             f"{one.host()} executor {one.executorId()}",
                             in_one_line(why.get() if why.isDefined() else "")])
    except Exception:  # what is not promised from one version of Spark to the next
        return told
    return told
