"""Into how many tasks a job is cut, for its runner and for what that runs at once."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mr_extract.jobs.driver.plan import Plan

# Where nobody tells how many tasks run at once: what each should have, and how many there are.
_IMAGES, _SHARE, _LEAST, _MOST = 32, 64 << 20, 8, 4096


def number_of_tasks(options: Namespace, runner: str, slots: int | None, plan: Plan,
                    size: int) -> int:
    """Return how many tasks a job should have.

    Parameters
    ----------
    options : argparse.Namespace
    runner : str
    slots : int or None
        How many tasks run at once, where that is known.
    plan : mr_extract.jobs.driver.plan.Plan
    size : int
        Bytes of all images.
    """
    if runner == "inline":
        return 1
    if runner in ("hadoop", "emr"):
        from mr_extract.jobs.runners.hadoop.tasks import number_of_maps

        return number_of_maps(size, options.jobconf or {}, slots)
    if runner == "spark":
        from mr_extract.jobs.runners.spark.settings import TASKS

        if TASKS in (options.jobconf or {}):
            return int(options.jobconf[TASKS])
    if slots is None:
        return max(_LEAST, min(size // _SHARE, len(plan) // _IMAGES, _MOST))
    from mr_extract.jobs.driver.tasks_here import number_of_tasks as those_of_slots

    return those_of_slots(plan, slots)


def slots_for(options: Namespace, runner: str, jobs: int) -> int | None:
    """Return how many tasks a runner runs at once, None where nobody tells.

    Parameters
    ----------
    options : argparse.Namespace
        Its `spark_master` is there for Spark.
    runner : str
    jobs : int
        Processes of this machine.
    """
    properties = options.jobconf or {}
    if runner == "hadoop":
        from mr_extract.jobs.runners.hadoop.tasks import slots_of_cluster

        return slots_of_cluster(properties)
    if runner == "spark":
        from mr_extract.jobs.runners import spark_defaults
        from mr_extract.jobs.runners.spark.settings import slots_of

        return slots_of(options.spark_master, {**spark_defaults.properties(), **properties})
    return jobs if runner == "local" else None
