"""A task that is tried again finds the image at which it dies, and goes on without it.

What dies with a task leaves no word. So a first attempt notes nothing and costs nothing; those
after it take one image after the other and note, where it outlives them, which one is in work.
The image at which an attempt died comes last in the next one, as it may have been chance (a
node that was lost), and is not tried again when it has died twice or no attempt is left.
"""

from __future__ import annotations

import io
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mr_extract import storage
from mr_extract.failures import ImageFailure

if TYPE_CHECKING:
    from mr_extract.text.entry import Entry

ATTEMPTS = 4  # as Hadoop's default
_DEATHS = 2  # of an attempt at an image, before it is given up
_BY_ONE_MASTER = 1000  # an ApplicationMaster that follows a dead one counts from here


class RetriedTask:
    """What is known of the attempts of a task before this one.

    Parameters
    ----------
    notes : str
        URI of a folder for the notes of this task.
    number : int
        Of this attempt, from 0.
    last : bool
        No attempt will follow.
    """

    def __init__(self, notes: str, number: int, last: bool) -> None:
        self._notes, self._number, self._last = notes, number, last
        self._deaths = self._earlier()

    def through(self, images: Iterable[tuple[Entry, Any]]) -> Iterator[tuple[Entry, Any]]:
        """Yield images one after the other, with a note of each before.

        Parameters
        ----------
        images : iterable of (Entry, object)

        Yields
        ------
        entry : mr_extract.text.entry.Entry
            One that is not to be tried has that as its problem.
        files : object
            As it came; none at all with an image that is not to be tried.
        """
        suspects = []
        for entry, files in images:
            if self._deaths[entry.id]:
                suspects.append((entry, files))
            else:
                yield self._noted(entry), files
        for entry, files in suspects:
            deaths = self._deaths[entry.id]
            if self._last or deaths >= _DEATHS:
                yield replace(entry, kind="killed", problem="the task died while it was in work"
                              + (f", {deaths} times" if deaths > 1 else "")), {}
            else:
                yield self._noted(entry), files
        self._note("")

    def _noted(self, entry):
        self._note(entry.id)
        return entry

    def _note(self, image_id):
        if self._notes is None:
            return
        try:
            storage.write(f"{self._notes}/{self._number}", io.BytesIO(image_id.encode()))
        except ImageFailure as failure:
            self._give_up("writes", failure)

    def _earlier(self):
        """Return how often an image was in work when an attempt ended."""
        try:
            notes = [storage.read(found.uri) for found in storage.list_files(self._notes)]
        except ImageFailure as failure:
            if failure.kind != "fetch-not-found":
                self._give_up("reads", failure)
            return Counter()
        return Counter(note.decode() for note in notes if note)

    def _give_up(self, what, failure):
        print(f"mr_extract: no note of what an attempt {what} can be had: {failure.message}",
              file=sys.stderr)
        self._notes = None


def retried_task(notes: str | None, environment: Mapping[str, str]) -> RetriedTask | None:
    """Return what this attempt of a task should know; None for a first one.

    Parameters
    ----------
    notes : str or None
        URI of a folder for the notes of all tasks.
    environment : dict of str to str
        With the properties of the job, as Hadoop streaming puts them there.

    Returns
    -------
    RetriedTask or None
    """
    attempt = re.fullmatch(r"attempt_(.+)_(\d+)", environment.get("mapreduce_task_attempt_id", ""))
    if not notes or not attempt:
        return None
    number = int(attempt[2])
    tried = number % _BY_ONE_MASTER
    if not tried:
        return None
    told = environment.get("mapreduce_map_maxattempts", "")
    most = int(told) if told.isdecimal() else ATTEMPTS
    return RetriedTask(f"{notes}/{attempt[1]}", number, tried + 1 >= max(most, _DEATHS + 1))
