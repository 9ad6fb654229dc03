"""What spark-submit and the program that it runs tell, for a person who waits."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any, Self

from mr_extract.jobs.driver.following import Follower
from mr_extract.jobs.runners.spark.refusals import why_refused
from mr_extract.jobs.runners.spark.state import SIGN
from mr_extract.jobs.task.environment import advice

_APPLICATION = re.compile(r"Submitted application (application_\d+_\d+)"
                          r"|Application report for (application_\d+_\d+)")
_TRACKED = re.compile(r"tracking URL: (http\S+)")
_ACCEPTED = re.compile(r"\(state: (\w+)\)")
_POD = re.compile(r"\s*pod name: (\S+)")
_KEPT_LINES = 400
_MOST_ALIKE = 3  # attempts that fail for one reason, and are told of
_LOOK, _LONG = 5.0, 60.0  # seconds


class Watch(Follower):
    """Read what spark-submit says, and the state that the program tells, and tell the user.

    Parameters
    ----------
    images, rows, quiet
        As of `mr_extract.jobs.driver.following.Follower`.
    loud : bool
        Pass on all that Spark says.

    Attributes
    ----------
    application : str
        Spark's name of the job; empty until it has one.
    counters : dict of str to dict of str to int
        Of a job that has ended well.
    ask : callable, optional
        Returns the state as the program has written it, where it runs elsewhere.
    """

    def __init__(self, images: int, rows: str = "sources", quiet: bool = False,
                 loud: bool = False) -> None:
        super().__init__(images, rows, quiet)
        self._loud = loud
        self.application = ""
        self.ask: Callable[[], bytes | None] | None = None
        self._state: dict[str, Any] = {}
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._told_attempts: set[str] = set()
        self._reasons: Counter[str] = Counter()
        self._url, self._yarn, self._pod = "", "", ""
        self._began, self._waited = monotonic(), _LONG
        self._asking = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> Self:
        super().__enter__()
        self._began = monotonic()
        if self.ask:
            self._asking.start()
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        if self.ask:
            self._asking.join()

    def read(self, lines: Iterable[bytes]) -> None:
        """Read all that spark-submit and its program say."""
        for line in lines:
            self._take(line.decode(errors="replace").rstrip())

    @property
    def counters(self) -> dict[str, dict[str, int]]:
        """Counters of the job by group and name; none where it has not ended well."""
        return self._state.get("counters", {})

    @property
    def is_done(self) -> bool:
        """Tell whether the program says that the job has ended well."""
        return "counters" in self._state

    def far(self) -> tuple[int, int, int, str]:
        """Return images done, failed and rows, and how many tasks are done."""
        state, tasks = self._state, self._state.get("tasks", {})
        self._tell_waiting()
        words = f"{tasks['done']} of {tasks['all']} tasks" if tasks.get("all") else ""
        return state.get("images", 0), state.get("broken", 0), state.get("rows", 0), words

    def ending(self) -> str:
        """Say in one line why the job failed."""
        told = self._state.get("failed", "")
        why = advice(told) or told or why_refused(self._lines)
        logs = ""
        if self.application.startswith("application_"):
            logs = f"; its logs: yarn logs -applicationId {self.application}"
        elif self._pod:
            logs = f"; its logs: kubectl logs {self._pod}"
        return f"{why}{logs}"

    def _take(self, line):
        if line.startswith(SIGN):
            self._heard(json.loads(line.removeprefix(SIGN)))
            return
        self._lines.append(line)
        if self._loud:
            print(line, file=sys.stderr, flush=True)
        if found := _APPLICATION.search(line):
            self.application = found[1] or found[2]
        if found := _ACCEPTED.search(line):
            self._yarn = found[1]
        if found := _POD.match(line):
            self._pod = found[1]
        if found := _TRACKED.search(line):
            self._tell_address(found[1])

    def _heard(self, state):
        self._state = state
        self.application = state.get("application", self.application)
        self._tell_address(state.get("url", ""))
        for what, where, words in state.get("attempts", []):
            if what in self._told_attempts:
                continue
            self._told_attempts.add(what)
            words = advice(words) or words
            self._reasons[words] += 1
            if self._reasons[words] <= _MOST_ALIKE:
                self._say(f"{what} on {where} failed and may be tried again: {words}")

    def _tell_address(self, url):
        if url and not self._url:
            self._url = url
            self._say(f"Spark has the job: {self.application} {url}")

    def _tell_waiting(self):
        """Say what is waited for, when it takes long: Spark waits for ever."""
        waits = self._state.get("waits", 0) if self._state else monotonic() - self._began
        if waits < self._waited:
            return
        self._waited = 2 * waits
        if self._state:
            what = ("no executor has come: the cluster is full, or has no room for one of the "
                    "size that is asked for")
        elif self._yarn == "ACCEPTED":
            what = "YARN has accepted the job and not started it: the queue is full"
        else:
            what = "Spark has not started"
        self._say(f"{what}, for {waits:.0f} s; Ctrl-C ends the job")

    def _ask(self):
        while not self._over.wait(_LOOK):
            self.look()

    def look(self) -> None:
        """Read the state that the program has written, where it runs elsewhere."""
        try:
            text = self.ask() if self.ask else None
            if text:
                self._heard(json.loads(text))
        except (OSError, ValueError):
            return  # it is asked again
