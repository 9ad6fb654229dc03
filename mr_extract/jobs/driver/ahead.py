"""What a job may look at before its tasks start: its first images, and the fields of all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from mr_extract.jobs.task.fetching import fetch_ahead

if TYPE_CHECKING:
    from mr_extract.jobs.driver.plan import Plan
    from mr_extract.jobs.skeleton.image_job import ImageJob
    from mr_extract.jobs.task.one_line import Outcome
    from mr_extract.settings.tree import Settings

IMAGES = 8  # that are tried


class Ahead:
    """The lines of a job that is about to begin.

    Parameters
    ----------
    job : mr_extract.jobs.skeleton.image_job.ImageJob
    plan : mr_extract.jobs.driver.plan.Plan
    scratch : str
        A folder that lives as long as the job.
    """

    def __init__(self, job: ImageJob, plan: Plan, scratch: str) -> None:
        self._job, self._plan, self.scratch = job, plan, scratch

    def __len__(self) -> int:
        return len(self._plan.entries)

    def has_field(self, name: str) -> bool:
        """Tell whether any line has a field of this name."""
        return any(entry.get(name) is not None for entry in self._plan.entries.values())

    def outcomes(self, config: Settings, more: dict[str, Any]) -> Iterator[Outcome]:
        """Yield what becomes of the first images, one after the other.

        Parameters
        ----------
        config : mr_extract.settings.tree.Settings
        more : dict of str to object
            What a task is told besides.
        """
        job = self._job
        entries = islice(self._plan.entries.values(), IMAGES)
        images = fetch_ahead(entries, config, most_images=1)
        if (job.options.runner or "inline") == "inline":
            from mr_extract.jobs.task.one_line import process
            from mr_extract.jobs.task.renewal import asked

            for entry, files in images:
                yield process(entry, job.work, config, files, more)
                asked()  # there is no process to renew
            return
        from mr_extract.jobs.task.memory_limit import MemoryLimit
        from mr_extract.jobs.task.supervisor import measure_supervised
        from mr_extract.jobs.task.worker import opening

        for _, outcome in measure_supervised(
                images, opening(job.work, config, job.access, more),
                job.options.image_timeout, memory=MemoryLimit(job.options.image_memory),
                overlapping=False):
            yield outcome
