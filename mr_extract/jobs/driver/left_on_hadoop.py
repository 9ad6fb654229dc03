"""Jobs of ``-r hadoop``: on the cluster, or a disk that its nodes see."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from mr_extract import storage
from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.driver.left import Left
from mr_extract.jobs.driver.plan import Plan
from mr_extract.jobs.driver.record import FACTS, FOLDER, PLAN, parse_record
from mr_extract.jobs.runners.hadoop.output import BrokenOff, streamed
from mr_extract.jobs.runners.hadoop.places import folder_of_jobs
from mr_extract.jobs.runners.hadoop.rest import ENDED, resource_managers, states_of
from mr_extract.storage.hadoop.configuration import properties as configured
from mr_extract.storage.local import path_of


def on_yarn(name: str) -> list[str] | None:
    """Return the states of what YARN has of a job's name, None where nobody answers."""
    for url in resource_managers(configured("core-site.xml", "yarn-site.xml")):
        states = states_of(url, name)
        if states is not None:
            return states
    return None


def any_runs(states: Sequence[str]) -> bool:
    """Tell whether one of YARN's applications has not ended."""
    return not set(states) <= set(ENDED)


class LeftOnHadoop(Left):
    """A job that YARN runs, or ran."""

    def _goes_on(self):
        states = on_yarn(self.record.name)
        if states is not None:
            return any_runs(states)
        # Hadoop removes that folder when a job ends, however it does; not when a cluster ends.
        return None if self._is_there(f"{self.record.output}/_temporary") else False

    def _plan_elsewhere(self):
        with tempfile.TemporaryFile() as copy:
            copy.writelines(streamed(self.hadoop, f"{self.place}/{PLAN}"))
            copy.seek(0)
            return Plan.read(copy)

    def copy_output(self, text: BinaryIO) -> None:
        """Write to a file what its tasks have written, as `Left.copy_output`."""
        if storage.is_local(self.record.output):
            super().copy_output(text)
        elif self._is_there(f"{self.record.output}/part-*"):
            text.writelines(streamed(self.hadoop, f"{self.record.output}/part-*"))

    def _remove_elsewhere(self):
        where = self.record.folder
        if not where or self.ending is not None:
            return
        if storage.is_local(where):
            if os.path.exists(path_of(where)):
                shutil.rmtree(path_of(where))
        elif not self._succeeds("-rm", "-r", "-f", "-skipTrash", where):
            raise OSError(f"{where} could not be removed")

    def _is_there(self, uri):
        if storage.is_local(uri):
            return os.path.exists(path_of(uri))
        return self._succeeds("-test", "-e", uri)

    def _succeeds(self, *words):
        if not self.hadoop:
            raise OSError(f"{self.record.name} is on a cluster: there is no command hadoop here")
        return subprocess.run([*self.hadoop, "fs", *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def left_on_cluster(hadoop: Sequence[str]) -> Iterator[Left]:
    """Yield the jobs whose records are in a user's folder on the cluster."""
    try:
        text = b"".join(streamed(hadoop, f"{folder_of_jobs()}/*/{FOLDER}/{FACTS}")).decode()
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
        yield LeftOnHadoop(record, record.folder, f"{record.folder}/{FOLDER}", tuple(hadoop))
