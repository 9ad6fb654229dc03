"""The time of a whole job on a cluster, from figures that were measured and a simulation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mr_extract.jobs.model.figures import Figures
from mr_extract.jobs.model.simulation import Cluster, Slots, seconds_of_task
from mr_extract.jobs.runners.hadoop.settings import DEFAULTS

SLOW_START: float = DEFAULTS["mapreduce.job.reduce.slowstart.completedmaps"]


@dataclass(frozen=True)
class Prediction:
    """What a job takes, in seconds from the command to its end.

    Parameters
    ----------
    start : float
        The command until the first container may run, planning with it.
    maps : float
        From there until the last map task has ended.
    reduces : float
        From there until the last reduce task has ended.
    end : float
        From there until the command has.
    images, cores : int
    kernel : float
        Seconds of an image in the kernels alone.
    computed : float
        Seconds of all images in their tasks.
    """

    start: float
    maps: float
    reduces: float
    end: float
    images: int
    cores: int
    kernel: float
    computed: float

    @property
    def time(self) -> float:
        """Seconds of the whole job."""
        return self.start + self.maps + self.reduces + self.end

    @property
    def on_cluster(self) -> float:
        """Seconds while tasks run."""
        return self.maps + self.reduces

    @property
    def efficiency(self) -> float:
        """Core-seconds in the kernels to those that the job held the cluster's cores."""
        return self.kernel * self.images / (self.cores * self.time)

    def relative(self, other: Prediction) -> float:
        """Return the efficiency to that of another run of the same images, as Kira's."""
        return other.time * other.cores / (self.time * self.cores)


def costs(images: int, mean: float, spread: float,
          rng: np.random.Generator) -> NDArray[np.float64]:
    """Return seconds of images, log-normal with a mean and a sigma of the logarithm."""
    return mean * np.exp(spread * rng.standard_normal(images) - spread * spread / 2)


def predict(figures: Figures, images: int, cluster: Cluster, tasks: int, reduces: int,
            merged: bool = False, read_ahead: bool = True, seed: int = 1) -> Prediction:
    """Predict a job.

    Parameters
    ----------
    figures : mr_extract.jobs.model.figures.Figures
    images : int
    cluster : mr_extract.jobs.model.simulation.Cluster
    tasks, reduces : int
        Map tasks and reduce tasks.
    merged : bool
        The driver makes one catalog of what the maps wrote, without reducers.
    read_ahead : bool
        Tasks fetch an image while they compute another, as they do.
    seed : int

    Returns
    -------
    Prediction
    """
    rng = np.random.default_rng(seed)
    seconds = costs(images, figures.image, figures.spread, rng)
    # Images alike in bytes are dealt in turn: shards are alike in their number.
    shards = [seconds[k::tasks] for k in range(min(tasks, images))]
    ready = figures.submit + figures.plan_line * images + figures.master
    slots = Slots(cluster, rng, ready)
    maps = slots.run([
        figures.start + seconds_of_task(shard, figures.image_bytes, cluster.share, read_ahead)
        for shard in shards])
    ends = sorted(attempt.ended for attempt in maps)
    mapped = ends[-1]
    reduced = mapped
    if not merged:
        each = images / reduces
        reducers = slots.run(
            reduces * [figures.reduce_start + each * figures.rows_bytes / cluster.share],
            not_before=ends[min(len(ends) - 1, int(SLOW_START * len(ends)))],
            waits_until=mapped, tail=each * figures.reduce)
        reduced = max(attempt.ended for attempt in reducers)
    end = figures.finish
    if merged:
        end += images * (figures.gather + figures.stream_megabyte * figures.rows_bytes / 1e6)
    return Prediction(ready, mapped - ready, reduced - mapped, end, images,
                      cluster.nodes * cluster.cores, figures.kernel, float(seconds.sum()))


def predict_on_spark(figures: Figures, images: int, cluster: Cluster, tasks: int,
                     seed: int = 1) -> Prediction:
    """Predict a job on Spark that makes one catalog.

    Its executors are there for the whole job, one a core, and its driver is on another machine
    and hears of the end of a task at once.

    Parameters
    ----------
    figures : mr_extract.jobs.model.figures.Figures
        With those of Spark.
    images : int
    cluster : mr_extract.jobs.model.simulation.Cluster
    tasks : int
    seed : int

    Returns
    -------
    Prediction
        Without reduces.
    """
    spark = figures.spark
    assert spark is not None
    rng = np.random.default_rng(seed)
    seconds = costs(images, spark.image, figures.spread, rng)
    shards = [seconds[k::tasks] for k in range(min(tasks, images))]
    ready = spark.start + figures.plan_line * images
    cluster = replace(cluster, heartbeat=0.0, asks=0.0, master=False)
    slots = Slots(cluster, rng, ready)
    attempts = slots.run([
        (spark.python if k < cluster.slots else spark.gap) + spark.task
        + seconds_of_task(shard, figures.image_bytes, cluster.share)
        for k, shard in enumerate(shards)])
    mapped = max(attempt.ended for attempt in attempts)
    end = spark.finish + images * (
        figures.gather + figures.stream_megabyte * figures.rows_bytes / 1e6)
    return Prediction(ready, mapped - ready, 0.0, end, images, cluster.nodes * cluster.cores,
                      figures.kernel, float(seconds.sum()))
