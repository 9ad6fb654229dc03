"""A job with a record: what becomes of it, and what it wrote."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import BinaryIO

from mr_extract import storage
from mr_extract.jobs.driver.detached import status_of
from mr_extract.jobs.driver.parts_here import copy_parts
from mr_extract.jobs.driver.plan import Plan
from mr_extract.jobs.driver.record import PLAN, Record
from mr_extract.storage.local import path_of


@dataclass(frozen=True)
class Left:
    """A job of one machine, whose tasks end with their driver; of clusters there are subclasses.

    Parameters
    ----------
    record : mr_extract.jobs.driver.record.Record
    folder : str
        What is removed with it: of this machine, or a URI.
    place : str
        Where the record is; empty where its driver has removed it.
    hadoop : tuple of str
        The command ``hadoop``; empty where there is none.
    """

    record: Record
    folder: str
    place: str
    hadoop: tuple[str, ...] = ()

    @property
    def is_here(self) -> bool:
        """Its folder is on this machine, or a disk that it sees."""
        return storage.is_local(self.folder)

    def state(self, ended: bool = False) -> str:
        """Say what becomes of it, as ``runs``; of what does not run ``ended`` or ``left``.

        Parameters
        ----------
        ended : bool
            A driver of another machine, and a cluster of which nobody tells, are gone.
        """
        here = self.record.is_here
        if self.is_here and here and self.record.is_driven:
            return "runs"
        if self.ending is not None:
            return "ended"
        goes_on = self._goes_on()
        if goes_on is False or (ended and not goes_on):
            return "left"
        if self.record.is_driven and (here or not ended):
            return "runs" if here else f"runs, its driver perhaps on {self.record.host}"
        return "runs without its driver" if goes_on else "perhaps runs without its driver"

    def _goes_on(self) -> bool | None:
        """Tell whether its tasks run though no driver was met, None where nobody knows."""
        return False if self.record.is_here else None

    @property
    def ending(self) -> int | None:
        """Exit status of a detached driver that has come to its end."""
        return status_of(self.folder) if self.is_here else None

    def plan(self) -> Plan:
        """Return the plan of the job."""
        if not (self.is_here and self.place):
            return self._plan_elsewhere()
        with open(os.path.join(path_of(self.place), PLAN), "rb") as file:
            return Plan.read(file)

    def _plan_elsewhere(self) -> Plan:
        raise OSError(f"{self.record.name} has left no plan")

    def copy_output(self, text: BinaryIO) -> None:
        """Write to a file what its tasks have written.

        Raises
        ------
        BrokenOff
            When that is on a cluster and cannot be read to its end.
        """
        copy_parts(path_of(self.record.output), text)

    def end_cluster(self) -> None:
        """End what was started for the job alone and lives without it: nothing, but on EMR."""

    def remove(self) -> None:
        """Remove all that is left of it."""
        self._remove_elsewhere()
        if self.is_here and os.path.exists(path_of(self.folder)):
            shutil.rmtree(path_of(self.folder))

    def _remove_elsewhere(self) -> None:
        """Remove the folder of the job; what a user has named, as --output-dir, is the user's."""
