"""Jobs of ``-r spark``: in a folder that all nodes see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.driver.left import Left
from mr_extract.jobs.driver.left_on_hadoop import any_runs, on_yarn
from mr_extract.jobs.driver.plan import Plan
from mr_extract.jobs.driver.record import FACTS, FOLDER, PLAN, parse_record
from mr_extract.jobs.runners.spark.folder import Folder
from mr_extract.jobs.runners.spark.state import goes_on


class LeftOnSpark(Left):
    """A job that Spark runs, or ran."""

    @property
    def _of_job(self):
        return Folder(self.record.folder, self.hadoop)

    def _goes_on(self):
        if states := on_yarn(self.record.name):  # else another may be its master
            return any_runs(states)
        return goes_on(self._of_job, driver_is_gone=not self.record.is_driven)

    def _plan_elsewhere(self):
        return Plan.read(((self._of_job / FOLDER).read(PLAN) or b"").splitlines(True))

    def copy_output(self, text: BinaryIO) -> None:
        """Write to a file what its tasks have written, as `Left.copy_output`."""
        text.writelines(Folder(self.record.output, self.hadoop).parts())

    def _remove_elsewhere(self):
        self._of_job.remove()


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
        yield LeftOnSpark(record, record.folder, f"{record.folder}/{FOLDER}", tuple(hadoop))
