"""How many tasks a job on one machine has: as few as keep its processors busy to the end."""

from array import array
from statistics import fmean

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.driver.plan import Plan

# Seconds of a processor, of the main job with its defaults on a machine of today.
_IMAGE, _MEGABYTE = 0.0035, 0.02
_TASK = 20.0  # what a task should have to do: to start it and its child takes nearly one
_MOST = 16  # tasks for each that runs at a time
_UNKNOWN_SIZE = 8 << 20
_ASKED_FOR = 32  # files whose size no line says, of which the disk is asked


def number_of_tasks(plan: Plan, jobs: int) -> int:
    """Return how many tasks the images of a plan should be dealt to.

    Parameters
    ----------
    plan : mr_extract.jobs.driver.plan.Plan
    jobs : int
        Tasks that run at a time; there are at least as many.
    """
    size, unknown = 0.0, array("I")
    for number in plan.asked():
        if (told := plan.size(number)) is None:
            unknown.append(number)
        else:
            size += told
    if unknown:
        size += len(unknown) * _usual_size(plan, unknown)
    return tasks_for(len(plan.entries), size, jobs)


def tasks_for(images: int, size: float, jobs: int) -> int:
    """Return the same for a number of images and their bytes."""
    seconds = _IMAGE * images + _MEGABYTE * size / (1 << 20)
    return jobs * max(1, min(_MOST, round(seconds / _TASK / jobs)))


def _usual_size(plan, numbers):
    """Return the mean size of images, by some of those that are on this machine."""
    sizes = []
    for number in numbers[:: -(-len(numbers) // _ASKED_FOR)]:
        uri = plan.lines[number].uri
        try:
            if storage.is_local(uri) and (size := storage.stat(uri).size) is not None:
                sizes.append(size)
        except ImageFailure:
            continue  # its task will say so
    return fmean(sizes) if sizes else _UNKNOWN_SIZE
