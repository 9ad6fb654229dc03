"""What the model of a cluster is told of a machine: figures by name, as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

#: What each figure is, for people.
MEANINGS = {
    "kernel": "an image in a warm process: read, measured, formatted (CPU)",
    "task_image": "an image in a task, both processes (CPU)",
    "image": "an image in a job: its share of all containers, Java with them (CPU)",
    "task_start": "a task: Python, imports, both processes (CPU)",
    "container_start": "the Java process around a map task (CPU)",
    "reduce_start": "the Java process around a reduce task, and its Python (CPU)",
    "reduce": "an image in a reduce task, all its processes (CPU)",
    "plan_line": "the driver, a line: read, checked, dealt to a shard (CPU)",
    "gather": "the driver, an image: put into the one catalog (CPU)",
    "stream_megabyte": "a megabyte of parts streamed to the driver by `hadoop fs -text` (CPU)",
    "submit": "the command until YARN has the job (wall, least of the runs)",
    "master": "YARN has the job until the first container runs (wall, least of the runs)",
    "finish": "the last container ended until the command does (wall, least of the runs)",
}
#: The same of those of Spark.
SPARK_MEANINGS = {
    "start": "the command until the first task starts, on a Spark that runs (wall, least of the "
             "runs)",
    "executor": "an executor, Java and Python with its first task's start (CPU)",
    "python": "the first task of an executor, beyond a later one (wall, least of the runs)",
    "task": "a further task (CPU)",
    "gap": "between two tasks of a slot (wall)",
    "image": "an image in a job: its share of all executors, Java with them (CPU)",
    "finish": "the last task ended until the command does (wall, least of the runs)",
}
_MAY_LACK = {"spread_real", "machine", "date", "trials", "spark"}


@dataclass(frozen=True)
class SparkFigures:
    """Measured figures of Spark: seconds; `SPARK_MEANINGS` says of what.

    Parameters
    ----------
    trials : sequence of dict
        Jobs on a small cluster, each beside `-r local` over the same images: those of
        `bench.clusters.measured_spark`.
    machine : str
        Whose figures these are.
    """

    start: float
    executor: float
    python: float
    task: float
    gap: float
    image: float
    finish: float
    trials: tuple = ()
    machine: str = ""


@dataclass(frozen=True)
class Figures:
    """Measured figures: seconds, unless said otherwise; `MEANINGS` says of what.

    Parameters
    ----------
    spread : float
        Standard deviation of the natural logarithm of the CPU time of an image.
    spread_real : float or None
        The same of the time by pixel over real images of many kinds.
    image_bytes, rows_bytes : float
        Bytes of an image, and of its rows.
    machine : str
        Whose figures these are.
    date : str
        When they were measured, as in ISO 8601.
    trials : sequence of dict
        Jobs on a small cluster, each beside `-r local` over the same images: those of
        `bench.clusters.measured_jobs`.
    spark : SparkFigures or None
        Of jobs on Spark.
    """

    kernel: float
    task_image: float
    image: float
    task_start: float
    container_start: float
    reduce_start: float
    reduce: float
    plan_line: float
    gather: float
    stream_megabyte: float
    submit: float
    master: float
    finish: float
    spread: float
    image_bytes: float
    rows_bytes: float
    spread_real: float | None = None
    machine: str = ""
    date: str = ""
    trials: tuple = ()
    spark: SparkFigures | None = None

    @property
    def start(self) -> float:
        """Seconds of a container and its task before the first image, but for waits."""
        return self.container_start + self.task_start


def shipped() -> Figures:
    """Return the figures of one machine that come with the package."""
    return read(Path(__file__).with_name("measured.json"))


def read(path: str | os.PathLike[str]) -> Figures:
    """Return the figures of a JSON file.

    Parameters
    ----------
    path : path

    Raises
    ------
    ValueError
        When some are missing or unknown; the message names them.
    """
    told = json.loads(Path(path).read_text(encoding="utf-8"))
    spark = told.pop("spark", None)
    if spark:
        told["spark"] = _checked(SparkFigures, spark, f"{path}, spark")
    return _checked(Figures, told, path)


def _checked(kind, told, where):
    known = {field.name for field in fields(kind)}
    wrong, lacking = sorted(set(told) - known), sorted(known - set(told) - _MAY_LACK)
    if wrong or lacking:
        raise ValueError(f"{where}: unknown {wrong}, missing {lacking} "
                         "(--cluster measures those of Hadoop and Spark)")
    return kind(**told)


def write(figures: Figures | Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write figures, or a part of them, to a JSON file."""
    told = asdict(figures) if isinstance(figures, Figures) else dict(figures)
    Path(path).write_text(json.dumps(told, indent=2, allow_nan=False) + "\n", encoding="utf-8")
