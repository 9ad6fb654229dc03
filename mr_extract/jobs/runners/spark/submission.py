"""What spark-submit is told of a job: its properties, and what travels with it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from mr_extract import storage
from mr_extract.jobs.runners import spark_defaults
from mr_extract.jobs.runners.spark import settings


def properties(master: str, deployed: str, given: Mapping[str, str], python: str,
               environment: Mapping[str, Any], folder: str, scratch: str) -> dict[str, Any]:
    """Return the properties of a job: ours, those of Spark's own configuration, the user's.

    Parameters
    ----------
    master, deployed : str
        With the mode in which it is, ``client`` or ``cluster``.
    given : dict of str to str
        With -D.
    python : str
        The command of the tasks.
    environment : dict of str to str
        Of the tasks.
    folder : str
        That of the job, as Java takes it.
    scratch : str
        A folder of this machine, which is removed with the job.
    """
    given = settings.with_prefix(given)
    found = spark_defaults.properties()
    ours = settings.defaults(master, deployed, {**found, **given}, folder)
    if settings.is_one_machine(master):
        ours["spark.local.dir"] = scratch
    beside = deployed == "client"
    must: dict[str, Any] = {"spark.pyspark.python": python,
                            "spark.pyspark.driver.python": sys.executable if beside else python}
    prefixes = ["spark.executorEnv"]
    if not beside:
        prefixes += ["spark.yarn.appMasterEnv", "spark.kubernetes.driverEnv"]
    for name, value in environment.items():
        must |= {f"{prefix}.{name}": value for prefix in prefixes}
    return {**{name: value for name, value in ours.items() if name not in found}, **given, **must}


def travelling(files: Mapping[str, str], archives: Mapping[str, str], modules: list[str],
               folder: str) -> list[str]:
    """Return the options by which files and archives get to where tasks run.

    Parameters
    ----------
    files, archives : dict of str to str
        Paths or URIs by the names that they shall have there.
    modules : list of str
        Paths or URIs of what Python shall find.
    folder : str
        That does not exist yet: Spark calls a file as it is called here, so links are put there.
    """
    os.mkdir(folder)
    places = []
    for name, path in files.items():
        if storage.is_local(path):
            link = os.path.join(folder, name)
            os.symlink(os.path.abspath(path), link)
            path = link
        places.append(path)
    words = ["--archives", ",".join(f"{path}#{name}" for name, path in archives.items())]
    if modules:
        words += ["--py-files", ",".join(modules)]
    return [*words, "--files", ",".join(places)] if places else words
