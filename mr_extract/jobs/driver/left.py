"""Jobs that run, or were left by their driver: where their records are, and what they wrote."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mr_extract import storage
from mr_extract.jobs.driver.detached import status_of
from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.driver.parts_here import copy_parts
from mr_extract.jobs.driver.plan import Plan
from mr_extract.jobs.driver.record import FACTS, FOLDER, PLAN, Record, parse_record
from mr_extract.jobs.runners.hadoop.output import BrokenOff, streamed
from mr_extract.jobs.runners.hadoop.rest import ENDED, resource_managers, states_of
from mr_extract.jobs.runners.spark.folder import Folder
from mr_extract.jobs.runners.spark.state import goes_on
from mr_extract.storage.hadoop.configuration import properties as configured

_SCRATCH = "mr_extract-*"  # what drivers call their folders
_ON_CLUSTER = "tmp/mrjob"  # where mrjob has those of its jobs, in a user's own


@dataclass(frozen=True)
class Left:
    """A job with a record.

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
        """Its folder is on this machine."""
        return storage.is_local(self.folder)

    def state(self) -> str:
        """Say what becomes of it, as ``runs``; of what does not run ``ended`` or ``left``."""
        # On a disk that several machines see lie jobs of the others too.
        if (self.is_here and self.record.is_driven
                and (self.record.is_here or self.record.runner != "spark")):
            return "runs"
        if self.ending is not None:
            return "ended"
        if self.record.runner in ("inline", "local") or not self._goes_on():
            return "left"
        driven = self.record.is_driven
        if driven and self.record.is_here:
            return "runs"
        return f"runs, its driver perhaps on {self.record.host}" if driven else (
            "runs without its driver")

    def _goes_on(self):
        """Tell whether the job runs on a cluster, whatever has become of its driver."""
        for url in resource_managers(configured("core-site.xml", "yarn-site.xml")):
            if states := states_of(url, self.record.name):
                return not set(states) <= set(ENDED)
        if self.record.runner == "spark":
            return goes_on(self._of_job, driver_is_gone=not self.record.is_driven)
        # Hadoop removes that folder when a job ends, however it does.
        return self._succeeds("-test", "-e", f"{self.record.output}/_temporary")

    @property
    def ending(self) -> int | None:
        """Exit status of a detached driver that has come to its end."""
        return status_of(self.folder) if self.is_here else None

    @property
    def _of_job(self):
        """The folder of a job on Spark."""
        return Folder(self.record.folder, self.hadoop)

    def plan(self) -> Plan:
        """Return the plan of the job."""
        if self.is_here and self.place:
            with open(os.path.join(self.place, PLAN), "rb") as file:
                return Plan.read(file)
        with tempfile.TemporaryFile() as copy:
            if self.record.runner == "spark":
                copy.write((self._of_job / FOLDER).read(PLAN) or b"")
            else:
                copy.writelines(streamed(self.hadoop, f"{self.place}/{PLAN}"))
            copy.seek(0)
            return Plan.read(copy)

    def copy_output(self, text: BinaryIO) -> None:
        """Write to a file what its tasks have written.

        Raises
        ------
        BrokenOff
            When that is on a cluster and cannot be read to its end.
        """
        if self.record.runner == "spark":
            text.writelines(Folder(self.record.output, self.hadoop).parts())
        elif storage.is_local(self.record.output):
            copy_parts(self.record.output, text)
        elif self._succeeds("-test", "-e", f"{self.record.output}/part-*"):
            text.writelines(streamed(self.hadoop, f"{self.record.output}/part-*"))

    def end_cluster(self) -> None:
        """End what was started for the job alone and lives without it: nothing, but on EMR."""

    def remove(self) -> None:
        """Remove all that is left of it."""
        # What a user has named, as with --output-dir, is the user's.
        where = self.record.folder
        if self.record.runner == "spark":
            self._of_job.remove()
        elif where and self.ending is None and not self._succeeds(
                "-rm", "-r", "-f", "-skipTrash", where):
            raise OSError(f"{where} could not be removed")
        if self.is_here and os.path.exists(self.folder):
            shutil.rmtree(self.folder)

    def _succeeds(self, *words):
        if not self.hadoop:
            raise OSError(f"{self.record.name} is on a cluster: there is no command hadoop here")
        return subprocess.run([*self.hadoop, "fs", *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def left_here(folder: str, hadoop: Sequence[str] = ()) -> Iterator[Left]:
    """Yield the jobs whose drivers had their folders in one of this machine."""
    for scratch in sorted(Path(folder).glob(_SCRATCH)):
        try:
            found = _left_in(scratch, hadoop) if scratch.stat().st_uid == os.getuid() else None
        except FileNotFoundError:
            continue  # its driver has come to its end just now
        except ValueError as error:
            complain(f"{scratch} is passed over: {error}")
            continue
        if found:
            yield found


def _left_in(scratch, hadoop):
    within = f"input/{FOLDER}/{FACTS}"
    records = [*scratch.glob(within), *scratch.glob(f"{_SCRATCH}/{within}")]
    told = [path for path in (scratch / FACTS, *records) if path.exists()]
    if not told:
        return None
    record = parse_record(told[0].read_text(encoding="utf-8"))
    place = str(records[0].parent) if records else ""
    if record.runner == "emr":
        from mr_extract.jobs.driver.left_in_bucket import LeftInBucket

        return LeftInBucket(record, str(scratch), place)
    return Left(record, str(scratch), place, tuple(hadoop))


def left_on_spark(folder: str, hadoop: Sequence[str] = ()) -> Iterator[Left]:
    """Yield the jobs whose folders are in one that all nodes see.

    Parameters
    ----------
    folder : str
        A path or URI, as of ``--spark-tmp-dir``.
    hadoop : sequence of str
        The command ``hadoop``, for what our storage cannot read.
    """
    for text in Folder(folder, hadoop).read_below(f"{FOLDER}/{FACTS}"):
        try:
            record = parse_record(text.decode())
        except ValueError as error:
            complain(f"a job in {folder} is passed over: {error}")
            continue
        yield Left(record, record.folder, f"{record.folder}/{FOLDER}", tuple(hadoop))


def left_on_cluster(hadoop: Sequence[str]) -> Iterator[Left]:
    """Yield the jobs whose records are in a user's folder on the cluster."""
    try:
        text = b"".join(streamed(hadoop, f"{_ON_CLUSTER}/*/{FOLDER}/{FACTS}")).decode()
    except BrokenOff as error:
        if "No such file" in str(error):
            return
        raise
    for line in text.splitlines():
        try:
            record = parse_record(line)
        except ValueError as error:
            complain(f"a job on the cluster is passed over: {error}")
            continue
        yield Left(record, record.folder, f"{record.folder}/{FOLDER}", tuple(hadoop))
