"""What a job keeps beside its shards while it runs: whoever finds it can finish the job."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mr_extract import __version__
from mr_extract.storage.output import for_me_alone

if TYPE_CHECKING:
    from mr_extract.jobs.driver.plan import Plan
    from mr_extract.jobs.skeleton.image_job import ImageJob

FOLDER, FACTS, PLAN = "record", "job.json", "plan"
CLUSTER = "cluster.json"  # of -r emr: on which the job runs, and as which step
DETACHED = "MR_EXTRACT_DETACHED"  # the variable that tells a detached driver its folder


@dataclass(frozen=True)
class Record:
    """A job that was begun.

    Parameters
    ----------
    name : str
        mrjob's, which is that of its folder on a cluster.
    arguments : tuple of str
        Of the command.
    directory : str
        Where it was given.
    runner : str
    output : str
        Folder or URI of what its tasks write, which may be the user's own.
    folder : str
        URI of the folder that is the job's alone, on a cluster; empty without one.
    images : int
        How many were asked for.
    config : str
        Hash of the settings.
    version : str
        Of this package.
    began : float
        Seconds since 1970.
    host : str
    pid, ticks : int
        Of the driver: its number, and when that process started, as the kernel counts.
    """

    name: str
    arguments: tuple[str, ...]
    directory: str
    runner: str
    output: str
    folder: str
    images: int
    config: str
    version: str
    began: float
    host: str
    pid: int
    ticks: int

    @property
    def is_here(self) -> bool:
        """Its driver ran on this machine."""
        return self.host == socket.gethostname()

    @property
    def is_driven(self) -> bool:
        """Its driver lives, as far as can be told: one of another machine may."""
        return not self.is_here or _ticks(self.pid) == self.ticks


def write_record(folder: str, job: ImageJob, plan: Plan, name: str, output: str,
                 of_job: str = "") -> None:
    """Write the record of a job that is about to begin; nobody else may read it.

    Parameters
    ----------
    folder : str
        That of the shards' folder.
    job : mr_extract.jobs.skeleton.image_job.ImageJob
    plan : mr_extract.jobs.driver.plan.Plan
    name, output : str
        As of `Record`, and `of_job` its `folder`.
    """
    place = Path(folder, FOLDER)
    place.mkdir(mode=0o700)
    record = Record(
        name, tuple(job.arguments), os.getcwd(), job.options.runner or "inline", output,
        of_job, len(plan.entries), job.config.hash(), __version__, time.time(),
        socket.gethostname(), os.getpid(), _ticks(os.getpid()))
    with open(place / PLAN, "wb", opener=for_me_alone) as file:
        plan.write(file)
    # The last to be written: where it is, all is.
    with open(place / f".{FACTS}", "w", encoding="utf-8", opener=for_me_alone) as text:
        text.write(json.dumps(asdict(record)) + "\n")
    os.rename(place / f".{FACTS}", place / FACTS)
    _announce(place / FACTS)


def _announce(facts):
    """Put a copy where whoever has started a detached driver waits for it."""
    folder = os.environ.get(DETACHED)
    if folder and not Path(folder, FACTS).exists():
        unfinished = Path(folder, f".{FACTS}")
        unfinished.write_bytes(facts.read_bytes())
        unfinished.rename(Path(folder, FACTS))


def parse_record(text: str) -> Record:
    """Return the record that a line of JSON is.

    Raises
    ------
    ValueError
        When it is none, or of another version.
    """
    try:
        told = json.loads(text)
        return Record(**{**told, "arguments": tuple(told["arguments"])})
    except (TypeError, KeyError) as error:
        raise ValueError(f"it is the record of another version: {error}") from error


def _ticks(pid):
    """Return when a process started, 0 where it is not there or nothing tells."""
    if sys.platform != "linux":
        return 0
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[19])
    except OSError:
        return 0
