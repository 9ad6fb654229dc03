"""How many tasks a Hadoop job has. The numbers are those of `python -m bench model`.

As many map tasks as the cluster has room for are the quickest, while nodes are alike. More
even out what is not, but each starts anew. One more than there is room for is the worst: it
runs when all others have ended. So YARN is asked what there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mr_extract.failures import ImageFailure
from mr_extract.jobs.runners.hadoop import rest
from mr_extract.jobs.runners.hadoop.settings import DEFAULTS, MAP_CORES, MAP_MEMORY, MAPS
from mr_extract.storage.hadoop.configuration import properties as configured

_MEGABYTE = 1 << 20
_UNKNOWN_SIZE = 8 * _MEGABYTE  # of an image
_SMALLEST_SHARE = 64 * _MEGABYTE  # of a task: measured in about half the time of its start
_WAVE = 1024 * _MEGABYTE  # measured in some eight times the start of a task
_MOST_WAVES = 8
_REDUCE_SHARE = 1024 * _MEGABYTE  # bytes of images whose rows one reducer gets
_MOST_REDUCES = 128
# Where YARN does not tell what it has.
_TASKS_AIMED_AT, _SHARES = 512, (256 * _MEGABYTE, 2048 * _MEGABYTE)


def size_of(sizes: Iterable[int | None]) -> int:
    """Return the bytes of all images, of some of which none knows them."""
    return sum(size or _UNKNOWN_SIZE for size in sizes)


def number_of_maps(size: int, properties: Mapping[str, str], slots: int | None = None) -> int:
    """Return how many map tasks a job should have.

    Parameters
    ----------
    size : int
        Bytes of all images.
    properties : dict of str to str
        As given with -D; ``mapreduce.job.maps`` among them stands above all.
    slots : int, optional
        Map tasks that the cluster runs at once, when it is known.
    """
    if MAPS in properties:
        return int(properties[MAPS])
    if not slots:
        share = min(max(size / _TASKS_AIMED_AT, _SHARES[0]), _SHARES[1])
        return max(1, round(size / share))
    waves = min(max(1, round(size / slots / _WAVE)), _MOST_WAVES)
    return max(1, min(waves * slots, round(size / _SMALLEST_SHARE)))


def number_of_reduces(size: int, slots: int | None = None) -> int:
    """Return how many reduce tasks a job should have: all of them run at once.

    Parameters
    ----------
    size : int
        Bytes of all images.
    slots : int, optional
        Map tasks that the cluster runs at once, when it is known.
    """
    most = max(1, slots // 2) if slots else _MOST_REDUCES
    return max(1, min(most, round(size / _REDUCE_SHARE)))


def slots_of_cluster(properties: Mapping[str, str]) -> int | None:
    """Return how many map tasks YARN's nodes hold beside an ApplicationMaster.

    Parameters
    ----------
    properties : dict of str to str
        As given with -D, above Hadoop's configuration.

    Returns
    -------
    int or None
        None where the ResourceManager is not known or does not tell, as with Kerberos.
    """
    try:
        found = {**configured("core-site.xml", "yarn-site.xml"), **properties}
    except ImageFailure:
        return None  # the command hadoop will say what is wrong with it
    for url in rest.resource_managers(found):
        metrics = rest.cluster_metrics(url)
        if metrics:
            memory = int(properties.get(MAP_MEMORY, DEFAULTS[MAP_MEMORY]))
            cores = int(properties.get(MAP_CORES, 1))
            return max(1, min(metrics["totalMB"] // memory,
                              metrics["totalVirtualCores"] // cores) - 1)
    return None
