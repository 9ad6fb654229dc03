"""What a job on Spark is told unless the user says otherwise: with -D, or in Spark's defaults."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from mr_extract.jobs.task.retried import ATTEMPTS

_HERE = re.compile(r"local(?:\[\s*(\*|\d+)\s*(?:,\s*(\d+)\s*)?\])?$")
_CLUSTER_HERE = re.compile(r"local-cluster\[\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\]$")
_SIZE = re.compile(r"(\d+)\s*([kmgt]?)i?b?$", re.IGNORECASE)
_UNITS = {"k": 10, "m": 20, "g": 30, "t": 40}
#: An executor's processes that die may be those of others: two more than images on which a
#: task may give up, twice.
_ATTEMPTS = 8
_JAVA = "-XX:TieredStopAtLevel=1"
_HEAP_MB, _PYTHON_MB = 512, 1536  # of an executor for each of its cores: as a task of Hadoop

PROGRAM = str(Path(__file__).parent / "program.py")
TASKS = "spark.default.parallelism"
TAGS = "spark.yarn.tags"
CORES, INSTANCES = "spark.executor.cores", "spark.executor.instances"
MEMORY, OVERHEAD = "spark.executor.memory", "spark.executor.memoryOverhead"


def hadoop_properties(is_reduced: bool) -> dict[str, str]:
    """Return what Hadoop's classes within Spark are told.

    Parameters
    ----------
    is_reduced : bool
        Parts appear when the job has ended well, not before; of maps alone what finished tasks
        wrote outlives a job that fails.
    """
    return {
        "mapreduce.input.fileinputformat.split.minsize": str(1 << 40),  # a shard is never cut
        "mapreduce.fileoutputcommitter.algorithm.version": "1" if is_reduced else "2",
        "mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",  # the driver does
        "mapreduce.output.fileoutputformat.compress": "false",
    }


class Conf(Protocol):
    """A SparkConf, or a dictionary."""

    def get(self, key: str, default: Any = None, /) -> Any:
        """Return the value of a property."""


def is_here(master: str) -> bool:
    """Tell whether a master is threads of the program itself."""
    return bool(_HERE.match(master))


def is_one_machine(master: str) -> bool:
    """Tell whether a master needs no place that several machines see."""
    return master.startswith("local")


def has_containers(master: str) -> bool:
    """Tell whether executors of a master are killed when they grow."""
    return master.startswith(("yarn", "k8s:"))


def with_attempts(master: str) -> str:
    """Return a master of this machine with which a task that dies is run again."""
    found = _HERE.match(master)
    if not found or found[2]:
        return master
    return f"local[{found[1] or 1},{ATTEMPTS}]"


def attempts_of(master: str, conf: Conf) -> int:
    """Return how many attempts of a task there are."""
    found = _HERE.match(master)
    if found:
        return int(found[2] or 1)
    return int(conf.get("spark.task.maxFailures", str(ATTEMPTS)))


def megabytes(text: str) -> int:
    """Return what a size as Spark takes it is, megabytes where it has no unit.

    Raises
    ------
    ValueError
    """
    found = _SIZE.match(text.strip())
    if not found:
        raise ValueError(f"{text!r} is no size")
    return int(found[1]) << _UNITS[found[2].lower() or "m"] >> 20


def container_of(master: str, conf: Conf) -> str:
    """Return the megabytes of an executor's container, and how many tasks share it.

    Parameters
    ----------
    master : str
    conf : pyspark.SparkConf
        Of Spark as it runs.

    Returns
    -------
    str
        As ``2048/1``; empty where nobody kills an executor that grows.
    """
    if not has_containers(master):
        return ""
    heap = megabytes(conf.get(MEMORY, "1g"))
    factor = float(conf.get("spark.executor.memoryOverheadFactor", "0.1"))
    over = conf.get(OVERHEAD)
    beside = megabytes(over) if over else max(384, round(factor * heap))
    python = megabytes(conf.get("spark.executor.pyspark.memory", "0"))
    tasks = int(conf.get(CORES, "1")) // int(conf.get("spark.task.cpus", "1"))
    return f"{heap + beside + python}/{max(1, tasks)}"


def slots_of(master: str, conf: Mapping[str, str]) -> int | None:
    """Return how many tasks run at once, None where the configuration does not tell.

    Parameters
    ----------
    master : str
    conf : dict of str to str
        As given, with what Spark's own configuration says.
    """
    if found := _HERE.match(master):
        cores = len(os.sched_getaffinity(0)) if found[1] == "*" else int(found[1] or 1)
    elif found := _CLUSTER_HERE.match(master):
        cores = int(found[1]) * int(found[2])
    else:
        executors = conf.get(INSTANCES, "2" if has_containers(master) else "")
        if conf.get("spark.dynamicAllocation.enabled", "false") == "true":
            executors = conf.get("spark.dynamicAllocation.maxExecutors", "")
        cores_each = conf.get(CORES, "1" if has_containers(master) else "")
        known = [int(conf["spark.cores.max"])] if "spark.cores.max" in conf else []
        if executors.isdecimal() and cores_each.isdecimal():
            known.append(int(executors) * int(cores_each))
        if not known and master.startswith("spark://"):
            from mr_extract.jobs.runners.spark.standalone import cores_of

            known = list(filter(None, [cores_of(master)]))
        if not known:
            return None
        cores = min(known)
    return max(1, cores // int(conf.get("spark.task.cpus", "1")))


def with_prefix(properties: Mapping[str, str]) -> dict[str, str]:
    """Return properties as spark-submit takes them: Hadoop's have a prefix there."""
    return {name if name.startswith("spark.") else f"spark.hadoop.{name}": value
            for name, value in properties.items()}


def defaults(master: str, deployed: str, given: Mapping[str, str],
             folder: str) -> dict[str, Any]:
    """Return what a job is told unless the user says otherwise.

    Parameters
    ----------
    master, deployed : str
        With the mode in which it is, ``client`` or ``cluster``.
    given : dict of str to str
        What the user, and Spark's own configuration, say.
    folder : str
        That of the job, as Java takes it.
    """
    found: dict[str, Any] = {
        "spark.task.maxFailures": _ATTEMPTS,
        "spark.speculation": "false",  # each image is measured once
        "spark.locality.wait": 0,  # a shard is a few kilobytes, wherever it is
        "spark.ui.showConsoleProgress": "false",
        "spark.python.worker.faulthandler.enabled": "true",
        # Java carries lines here, and mostly starts: its second compiler takes half of a start.
        "spark.driver.defaultJavaOptions": _JAVA,
        "spark.executor.defaultJavaOptions": _JAVA,
    }
    if is_here(master):
        return {**found, "spark.ui.enabled": "false"}
    if has_containers(master):
        cores = given.get(CORES, "1")
        found |= {
            CORES: cores, MEMORY: f"{_HEAP_MB}m", OVERHEAD: f"{_PYTHON_MB * int(cores)}m",
            # An image may take three executors with it, and others come for them.
            "spark.executor.maxNumFailures": 1000,
            "spark.yarn.max.executor.failures": 1000,  # its name before Spark 3.5
        }
    if deployed == "cluster":
        found |= {
            # What a second program would do, tasks of the first have done.
            "spark.yarn.maxAppAttempts": 1,
            "spark.kubernetes.file.upload.path": folder,  # of the program, and what travels
        }
    return found
