"""Into how many tasks a job is cut, for its runner and for what that runs at once."""

from __future__ import annotations

from argparse import Namespace

IMAGES_PER_TASK = 32  # enough that starting a task costs a few percent of its work
TASKS_PER_SLOT = 16  # which even out what images take, and at the end leave few to wait for
_LARGE = 1 << 20  # bytes of what counts as an image there
# Where nobody tells of slots: bytes of a task, and how many there are.
_UNKNOWN_SHARE, _LEAST_UNKNOWN, _MOST_UNKNOWN = 64 << 20, 8, 4096


def number_of_tasks(options: Namespace, runner: str, slots: int | None, images: int,
                    size: int) -> int:
    """Return how many tasks a job should have.

    Parameters
    ----------
    options : argparse.Namespace
    runner : str
    slots : int or None
        How many tasks run at once, where that is known.
    images, size : int
        How many they are, and their bytes.
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
    large = min(images, size // _LARGE)
    if slots is None:
        return max(_LEAST_UNKNOWN, min(size // _UNKNOWN_SHARE, images // IMAGES_PER_TASK,
                                       _MOST_UNKNOWN))
    return slots * max(1, min(TASKS_PER_SLOT, large // (slots * IMAGES_PER_TASK)))


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
