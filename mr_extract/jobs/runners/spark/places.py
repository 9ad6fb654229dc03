"""Where a job on Spark keeps what it keeps: a place that this machine and all tasks see."""

from __future__ import annotations

import os
import shutil

from mr_extract import storage
from mr_extract.jobs.runners.spark.settings import is_one_machine


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
        return storage.absolute(asked)
    if is_one_machine(master):
        return os.path.join(scratch, "spark")
    if master.startswith("yarn"):
        if "HADOOP_CONF_DIR" not in os.environ and "YARN_CONF_DIR" in os.environ:
            os.environ["HADOOP_CONF_DIR"] = os.environ["YARN_CONF_DIR"]
        if not os.environ.get("HADOOP_CONF_DIR"):
            raise ValueError("--spark-master yarn needs the configuration of the cluster: name its "
                             "folder with HADOOP_CONF_DIR")
        from mr_extract.jobs.runners.hadoop.places import at_home

        return at_home("tmp/mrjob")
    raise ValueError(f"--spark-master {master} needs a place that all nodes and this machine see: "
                     "--spark-tmp-dir hdfs://..., s3a://BUCKET/FOLDER or a folder of a shared disk")


def hadoop_command() -> list[str]:
    """Return the command ``hadoop``, empty where there is none."""
    home = os.environ.get("HADOOP_HOME")
    for found in (shutil.which("hadoop", path=home and os.path.join(home, "bin")),
                  shutil.which("hadoop")):
        if found:
            return [found]
    return []
