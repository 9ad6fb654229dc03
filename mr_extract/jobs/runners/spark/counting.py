"""Counts from tasks that run to the program that Spark runs: a datagram a second, at best.

They are for people who wait. Where one is lost, or none comes through, there is less to show:
what counts is what tasks hand over to Spark when they end.
"""

from __future__ import annotations

import hmac
import json
import secrets
import socket
import threading
from collections import Counter
from dataclasses import dataclass
from time import monotonic
from typing import Self

_SAY = 1.0  # seconds
_MOST = 2048  # bytes of a datagram
_SILENCE = 300.0  # seconds: a task speaks every ten, whatever an image takes
_ENDS = 2


@dataclass(frozen=True)
class Line:
    """Where counts go, and the word by which they are known.

    Parameters
    ----------
    host : str
    port : int
    word : str
        A secret of the job.
    """

    host: str
    port: int
    word: str

    def opened(self, task: str, attempt: int) -> Teller:
        """Return what tells of an attempt of a task, which has a number among all of the job."""
        return Teller(self, task, attempt)


class Teller:
    """Tell how far a task is, no more than once a second, and never wait for it.

    Parameters
    ----------
    line : Line
    task : str
        Its name, which is that of all its attempts.
    attempt : int
    """

    def __init__(self, line: Line, task: str, attempt: int) -> None:
        self._line, self._task, self._attempt = line, task, attempt
        self._done, self._failed, self._rows = 0, 0, 0
        self._said_at = 0.0
        try:
            self._place = socket.getaddrinfo(line.host, line.port, type=socket.SOCK_DGRAM)[0]
            self._socket: socket.socket | None = socket.socket(*self._place[:3])
            self._socket.setblocking(False)
        except OSError:
            self._socket = None
        self.alive()

    def count(self, group: str, counter: str, amount: int) -> None:
        """Take a counter of the job, of which images and rows are told."""
        if group == "images":
            self._done += amount
            self._failed += amount if counter == "failed" else 0
        elif (group, counter) == ("rows", "measured"):
            self._rows += amount
        else:
            return
        self.alive()

    def alive(self) -> None:
        """Say the counts, if that was not done just now."""
        if self._socket is None or monotonic() - self._said_at < _SAY:
            return
        self._said_at = monotonic()
        told = [self._line.word, self._task, self._attempt, self._done, self._failed, self._rows]
        try:
            self._socket.sendto(json.dumps(told).encode(), self._place[4])
        except OSError:
            self._socket = None


class Counts:
    """Hear the counts of all tasks.

    Parameters
    ----------
    host : str
        By which executors know this machine.
    bound : str
        The address at which to listen.

    Attributes
    ----------
    line : Line or None
        For the tasks; None where nothing can be heard.
    """

    def __init__(self, host: str, bound: str) -> None:
        self._of_task: dict[str, tuple[int, int, int]] = {}
        self._attempts: dict[str, tuple[int, float, int]] = {}  # number, when heard, how often
        self._ended_for_silence: Counter[str] = Counter()
        self.line: Line | None = None
        try:
            family = socket.AF_INET6 if ":" in bound else socket.AF_INET
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
            self._socket.bind((bound.strip("[]"), 0))
        except OSError:
            return
        self.line = Line(host.strip("[]"), self._socket.getsockname()[1], secrets.token_hex(16))
        self._thread = threading.Thread(target=self._hear, daemon=True)

    def __enter__(self) -> Self:
        if self.line:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        pass  # the process ends, and with it the thread

    def total(self) -> tuple[int, int, int]:
        """Return images done and failed of them, and rows, of all attempts that were heard last."""
        told = list(self._of_task.values())
        done, failed, rows = (sum(one[k] for one in told) for k in range(3))
        return done, failed, rows

    def silent(self) -> list[int]:
        """Return attempts that spoke and speak no more, as when a process was stopped: each once.

        A task is given up no more than twice: it may be that its words do not come through.
        """
        late = [task for task, (_, heard, times) in list(self._attempts.items())
                if times > 1 and monotonic() - heard > _SILENCE
                and self._ended_for_silence[task] < _ENDS]
        self._ended_for_silence.update(late)
        return [self._attempts.pop(task)[0] for task in late]

    def settle(self, task: str, done: int, failed: int, rows: int) -> None:
        """Take the counts of a task that has ended, which are right."""
        self._of_task[task] = done, failed, rows
        self._attempts.pop(task, None)

    def _hear(self):
        assert self.line is not None
        while True:
            try:
                word, task, attempt, *counts = json.loads(self._socket.recv(_MOST))
                if hmac.compare_digest(str(word), self.line.word):
                    self._take(str(task), int(attempt), *map(int, counts))
            except (ValueError, TypeError):
                continue  # not of ours

    def _take(self, task, attempt, done, failed, rows):
        before, _, times = self._attempts.get(task, (attempt, 0.0, 0))
        self._attempts[task] = attempt, monotonic(), times + 1 if attempt == before else 1
        self._of_task[task] = done, failed, rows
