"""Spark's JVMs for small jobs: quick to start, and with Spark's classes from a file.

``python -m bench.clusters.spark_java`` makes that file, once for a Java and a Spark: what a JVM
has in memory when it has run a small job (Java's class-data sharing). Whoever maps it need not
read, check and link some thousand classes anew.
"""

import importlib.util
import sys
from pathlib import Path

from myhadoop import jars, shared_classes

#: To start fast is worth more than to run fast.
SMALL = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

# What our jobs ask of Spark, on threads; executors and clusters need some classes more.
_JOB = """
import sys
from pyspark import SparkContext
from py4j.protocol import INPUT_CONVERTER, Py4JJavaError

INPUT_CONVERTER[:] = [one for one in INPUT_CONVERTER
                      if not type(one).__module__.startswith("pyspark.sql")]
folder = sys.argv[1]
context = SparkContext()
counter = context.accumulator(0)
lines = context.textFile(folder + "/in", use_unicode=False)

def keyed(number, part):
    for line in part:
        counter.add(1)
        yield line, line

lines.mapPartitionsWithIndex(keyed).repartitionAndSortWithinPartitions(
    2, len).values().saveAsTextFile(folder + "/out")
context.statusTracker().getActiveStageIds()
for name in ("executor.CoarseGrainedExecutorBackend", "deploy.master.Master",
             "deploy.worker.Worker", "deploy.client.StandaloneAppClient",
             "scheduler.cluster.StandaloneSchedulerBackend"):
    try:
        context._jvm.java.lang.Class.forName("org.apache.spark." + name)
    except Py4JJavaError:
        pass  # of another Spark
context.stop()
"""


def spark_home() -> Path:
    """Return the folder of the Spark that pyspark brings."""
    found = importlib.util.find_spec("pyspark")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent


def class_path(home: Path | str | None = None) -> str:
    """Return the class path of Spark's programs, by which classes of the file are known.

    Parameters
    ----------
    home : path, optional
        Of a copy of the Spark that pyspark brings.
    """
    first = [path.name for path in (spark_home() / "jars").glob("slf4j-api-*.jar")]
    return ":".join(f"{home or spark_home()}/jars/{name}" for name in [*first, "*"])


def options() -> tuple[str, ...]:
    """Return the options of Spark's JVMs: with the file of classes, where there is one."""
    path = _path()
    return (*SMALL, *(shared_classes.using(path) if path and path.exists() else ()))


def environment() -> dict[str, str]:
    """Return the variables by which Spark's programs, daemons and executors have the options."""
    words = " ".join(options())
    return {"SPARK_SUBMIT_OPTS": f"{words} -Dspark.executor.extraJavaOptions='{words}'",
            "SPARK_DAEMON_JAVA_OPTS": words,
            "SPARK_LAUNCHER_OPTS": " ".join(SMALL)}  # its class path is another


def write_defaults(folder: Path, *further: str) -> None:
    """Write the ``spark-defaults.conf`` of small jobs on a YARN whose nodes all have our Spark.

    Parameters
    ----------
    folder : path
        What `SPARK_CONF_DIR` will name.
    *further : str
        Options of every JVM besides ours.
    """
    path, java = class_path(), " ".join((*options(), *further))
    (folder / "spark-defaults.conf").write_text(
        f"spark.yarn.jars local:{spark_home()}/jars/*\nspark.driver.memory 512m\n"
        # First in the class path, as classes that are shared must be.
        f"spark.executor.extraClassPath {path}\nspark.driver.extraClassPath {path}\n"
        f"spark.executor.extraJavaOptions {java}\nspark.driver.extraJavaOptions {java}\n"
        f"spark.yarn.am.extraJavaOptions {java}\n")


def make() -> bool:
    """Make the file unless it is there; False where it cannot be, which costs speed alone."""
    path = _path()
    return path is not None and shared_classes.made(path, _run)


def _run(unfinished, scratch):
    """Return the words that run a job whose JVM writes the file, and their environment."""
    (scratch / "in").write_text("a line\nanother\n")
    (scratch / "job.py").write_text(_JOB)
    words = [spark_home() / "bin" / "spark-submit", "--master", "local[2]",
             "--conf", f"spark.local.dir={scratch}", "--conf", "spark.default.parallelism=2",
             scratch / "job.py", f"file://{scratch}"]
    told = " ".join((*SMALL, *shared_classes.making(unfinished)))
    return words, {"SPARK_SUBMIT_OPTS": told, "PYSPARK_PYTHON": sys.executable,
                   "SPARK_LOCAL_IP": "127.0.0.1"}


def _path():
    """Return where the file is or will be; None where there is no Java, or no Spark."""
    java = jars.java()
    if not java or importlib.util.find_spec("pyspark") is None:
        return None
    home = spark_home() / "jars"
    name = shared_classes.name_of(java, f"{home} {home.stat().st_mtime_ns}")
    path = jars.folder().parent / f"spark-{name}"
    return None if " " in str(path) else path  # words are cut at blanks


if __name__ == "__main__":
    make()
