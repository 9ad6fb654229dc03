"""Spark on the YARN of a batch job: its defaults, which `SPARK_CONF_DIR` makes known."""

import importlib.util
import os
import sys
from pathlib import Path

from myhadoop.setups import TASK_MB, Setup

_HEAP_MB = 512  # of an executor; the rest of a task's memory is for Python
_MASTER_HEAP_MB = 256


def lacking() -> str:
    """Say why there is no Spark; an empty text where it is."""
    if importlib.util.find_spec("pyspark") is None:
        return "--spark needs pyspark: pip install 'mr_extract[spark]'"
    return ""


def write_defaults(folder: Path, setup: Setup, staging: str = "") -> None:
    """Write ``spark-defaults.conf``: an executor for each task of mr_extract.

    Parameters
    ----------
    folder : Path
        Made when it is not there.
    setup : myhadoop.setups.Setup
    staging : str
        Where jobs are put together, if not in the user's home on HDFS.
    """
    found = importlib.util.find_spec("pyspark")
    assert found is not None and found.origin is not None
    java = " ".join(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *setup.java_options])
    values = {
        "spark.master": "yarn",
        # All hosts see them: 400 MB need not be copied to each.
        "spark.yarn.jars": f"local:{Path(found.origin).parent}/jars/*",
        "spark.pyspark.python": sys.executable,
        "spark.executorEnv.PYTHONPATH": os.pathsep.join(filter(None, (
            str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH")))),
        "spark.executorEnv.OPENBLAS_NUM_THREADS": 1,
        "spark.executor.instances": setup.tasks,
        "spark.executor.cores": 1,
        "spark.executor.memory": f"{_HEAP_MB}m",
        "spark.executor.memoryOverhead": f"{TASK_MB - _HEAP_MB}m",
        "spark.executor.extraJavaOptions": java,
        "spark.driver.memory": f"{_HEAP_MB}m",
        "spark.driver.extraJavaOptions": java,
        "spark.driver.host": setup.hosts[0],
        "spark.driver.bindAddress": "0.0.0.0",
        "spark.local.dir": f"{setup.scratch}/tmp",
        "spark.ui.enabled": "false",
        "spark.yarn.am.memory": f"{_MASTER_HEAP_MB}m",
        "spark.yarn.am.memoryOverhead": f"{_MASTER_HEAP_MB}m",
        "spark.yarn.am.extraJavaOptions": java,
    }
    if staging:
        values["spark.yarn.stagingDir"] = f"file://{staging}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spark-defaults.conf").write_text(
        "".join(f"{name} {value}\n" for name, value in values.items()))
