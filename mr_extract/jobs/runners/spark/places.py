"""Where a job on Spark keeps what it keeps: a place that this machine and all tasks see."""

from __future__ import annotations

import os
import shutil
import socket
from argparse import Namespace
from importlib.util import find_spec
from time import monotonic, sleep

from mr_extract import storage
from mr_extract.jobs.runners import spark_defaults
from mr_extract.jobs.runners.spark.settings import (
    CORES,
    INSTANCES,
    TASKS,
    has_containers,
    is_here,
    is_one_machine,
    with_attempts,
)

_STARTING, _LOOK = 3.0, 0.5  # seconds
_CONNECT = 10.0  # seconds, for a host that says nothing


def settle_master(options: Namespace) -> None:
    """Have options name Spark's master: as given, as Spark is configured, or this machine's cores.

    Raises
    ------
    ValueError
        When there is no Spark, or an option is not for the master.
    """
    if not (options.spark_submit_bin or find_spec("pyspark") or _of_home("SPARK_HOME",
                                                                         "spark-submit")):
        raise ValueError("-r spark needs Spark: pip install 'mr_extract[spark]', or say where one "
                         "is with SPARK_HOME, or its program with --spark-submit-bin")
    jobs = options.jobs or len(os.sched_getaffinity(0))
    # On one machine a task that died is run again, thrice.
    master = with_attempts(options.spark_master or spark_defaults.master() or f"local[{jobs}]")
    options.spark_master = master
    for name, what in ((TASKS, "tasks"), (CORES, "cores"), (INSTANCES, "executors")):
        value = str((options.jobconf or {}).get(name, 1))
        if not value.isdecimal() or int(value) < 1:
            raise ValueError(f"-D {name}={value}: it is a number of {what}")
    if options.env_archive and is_here(master):
        raise ValueError("--env-archive is for Spark on a cluster: here this Python runs the tasks")
    if options.spark_deploy_mode == "cluster" and not has_containers(master):
        raise ValueError(f"--spark-deploy-mode cluster is for yarn and k8s://: Spark takes no "
                         f"program in Python for {master} otherwise than as a client")


def placed(master: str, path: str) -> str:
    """Return the URI, or the path from the root, of a place as a user gives it.

    On YARN a path is one of the cluster's own file system, as it is to Spark and to Hadoop;
    elsewhere it is one of a disk.
    """
    if master.startswith("yarn"):
        from mr_extract.jobs.runners.hadoop.places import on_the_cluster

        return on_the_cluster(path)
    return storage.absolute(path)


def job_folders(master: str, asked: str | None, scratch: str) -> str:
    """Return the folder in which jobs have their folders.

    Parameters
    ----------
    master : str
    asked : str or None
        With ``--spark-tmp-dir``.
    scratch : str
        A folder of this machine.

    Returns
    -------
    str
        A path from the root, or a URI.

    Raises
    ------
    ValueError
        When it must be named.
    """
    if asked:
        return placed(master, asked)
    if is_one_machine(master):
        return os.path.join(scratch, "spark")
    if master.startswith("yarn"):
        if "HADOOP_CONF_DIR" not in os.environ and "YARN_CONF_DIR" in os.environ:
            os.environ["HADOOP_CONF_DIR"] = os.environ["YARN_CONF_DIR"]
        if not os.environ.get("HADOOP_CONF_DIR"):
            raise ValueError("--spark-master yarn needs the configuration of the cluster: name its "
                             "folder with HADOOP_CONF_DIR")
        from mr_extract.jobs.runners.hadoop.places import folder_of_jobs

        return folder_of_jobs()
    raise ValueError(f"--spark-master {master} needs a place that all nodes and this machine see: "
                     "--spark-tmp-dir hdfs://..., s3a://BUCKET/FOLDER or a folder of a shared disk")


def folder_of_left(asked: str | None) -> str:
    """Return the folder in which jobs have left theirs, whatever their master was.

    A path is one of this machine, where there is such a folder, else as YARN understands it.

    Parameters
    ----------
    asked : str or None
        What was named with ``--spark-tmp-dir``.

    Raises
    ------
    ValueError
        As `job_folders`, for YARN.
    """
    if asked and os.path.isdir(asked):
        return storage.absolute(asked)
    return job_folders("yarn", asked, "")


def check_reachable(master: str) -> None:
    """Raise OSError where no process listens at a standalone master: Spark tries for a minute.

    One that is about to listen is waited for, some seconds.
    """
    if not master.startswith("spark://"):
        return
    until = monotonic() + _STARTING
    while (why := _why_unreachable(master)) and monotonic() < until:
        sleep(_LOOK)
    if why:
        raise OSError(f"{master} cannot be reached: {why}")


def _why_unreachable(master):
    """Return why none of the addresses of a master takes a connection; empty where one does."""
    why = ""
    for place in master.removeprefix("spark://").split(","):
        host, _, port = place.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _CONNECT).close()
            return ""
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
    return why


def hadoop_command() -> list[str]:
    """Return the command ``hadoop``, empty where there is none."""
    found = _of_home("HADOOP_HOME", "hadoop")
    return [found] if found else []


def _of_home(variable, program):
    """Return the path of a program: in the home that a variable names, else where programs are."""
    home = os.environ.get(variable)
    return (home and shutil.which(program, path=os.path.join(home, "bin"))
            or shutil.which(program))
