"""A standalone Spark on this machine: a master and workers, each a JVM of its own."""

import os
import re
import subprocess
import time
from pathlib import Path

from bench.clusters.jobs_to_hit import kill
from bench.clusters.spark_java import class_path, options, spark_home
from bench.running import running, words_of

_JAVA = "-Xmx256m", "-Dspark.worker.timeout=10", "-Dspark.ui.enabled=false"
_WITHIN = 120.0  # seconds for a daemon to serve; machines may be busy


class StandaloneCluster:
    """Master and workers of a standalone Spark: ``with StandaloneCluster(folder) as spark``.

    Parameters
    ----------
    folder : path
        For logs, and a folder of each worker in which executors work.
    workers, cores : int
        Workers, and cores of each.
    memory : str
        Of each worker, as ``2g``.
    place : callable, optional
        Takes the words that start a worker and its number and returns those that are run in
        place of them: so nodes can be where our Python is not.
    home : path, optional
        SPARK_HOME of the workers; by default that of pyspark.
    environment : dict of str to str, optional
        All that workers have in their environment; by default what this process has, without
        the path of our packages.

    Attributes
    ----------
    master : str
        What `--spark-master` takes.
    kept : Path
        Where jobs keep what they keep.
    """

    def __init__(self, folder, workers=2, cores=1, memory="2g", place=None, home=None,
                 environment=None):
        self.folder = Path(folder)
        self.workers = range(1, workers + 1)
        self._cores, self._memory = cores, memory
        self._place = place or (lambda words, number: words)
        self._home = Path(home or spark_home())
        kept = {name: value for name, value in os.environ.items()
                if name not in ("PYTHONPATH", "VIRTUAL_ENV", "PYSPARK_PYTHON")}
        self._of_workers = kept if environment is None else environment
        self._processes = {}
        self.master, self.kept = "", self.folder / "kept"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Start the daemons and wait until the master has all workers."""
        self.kept.mkdir(parents=True, exist_ok=True)
        try:
            self._begin("master", [*_java(spark_home(), "org.apache.spark.deploy.master.Master"),
                                   "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"])
            self.master = self._wait_for("master", r"Starting Spark master at (spark://\S+)")
            for number in self.workers:
                self.start_worker(number)
            for number in self.workers:
                self.wait_for_worker(number)
        except BaseException:
            self.stop()
            raise

    def start_worker(self, number):
        """Start a worker, which must not live."""
        words = [*_java(self._home, "org.apache.spark.deploy.worker.Worker"), "--host", "127.0.0.1",
                 "--cores", self._cores, "--memory", self._memory, "--work-dir",
                 self.work_of(number), "--webui-port", "0", self.master]
        self._begin(f"worker-{number}", self._place([str(word) for word in words], number))

    def wait_for_worker(self, number):
        """Wait until the master has a worker."""
        self._wait_for(f"worker-{number}", "Successfully registered with master")

    def work_of(self, number):
        """Return the folder in which the executors of a worker have theirs."""
        return self.folder / f"worker-{number}"

    def pid(self, name):
        """Return the process that was started as a daemon, as ``worker-1``."""
        return self._processes[name].pid

    def said(self, name):
        """Return what a daemon has written, as that of ``worker-1``."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    @property
    def arguments(self):
        """What a job is told to run here."""
        return "--spark-master", self.master, "--spark-tmp-dir", self.kept

    @property
    def collecting(self):
        """What `mr_extract.collect -r spark` is told to find jobs of here."""
        return "--folder", self.kept

    @property
    def environment(self):
        """What the environment of a job has besides that of this process."""
        return {"SPARK_LOCAL_IP": "127.0.0.1"}

    def processes(self, word):
        """Return the processes of executors and what they start, by a word of their commands.

        Returns
        -------
        dict of int to int
            Process id to the number of the worker.
        """
        return {pid: number for number in self.workers
                for pid in _below(self.work_of(number), word.encode())}

    def parts(self):
        """Return how many parts that tasks have written are in their place."""
        return len(list(self.kept.glob("*/output/part-*")))

    def kill_node(self, number):
        """Kill a worker with all that runs on it, as a machine that is lost."""
        self._end(f"worker-{number}")

    def kill_master(self):
        """Kill the master; jobs that run need it no more."""
        self._end("master")

    def heal(self):
        """Start workers that were killed, and wait until the master has them."""
        for number in self.workers:
            if f"worker-{number}" not in self._processes:
                self.start_worker(number)
                self.wait_for_worker(number)

    def stop(self):
        """End all that was started; what has been written stays."""
        for name in reversed(list(self._processes)):
            self._end(name)

    def _end(self, name):
        process = self._processes.pop(name)
        # Executors end by themselves when their worker is gone, some time later.
        pids = [] if name == "master" else _below(self.folder / name, b"")
        process.kill()
        for pid in pids:
            kill(pid)
        process.wait()

    def _begin(self, name, words):
        # What one before it has said, as where it serves, is true no more.
        with open(self.folder / f"{name}.log", "wb") as log:
            self._processes[name] = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env={**self._of_workers, "SPARK_HOME": str(self._home),
                     "SPARK_SCALA_VERSION": _scala(), "SPARK_LOCAL_IP": "127.0.0.1"})

    def _wait_for(self, name, pattern):
        end = time.monotonic() + _WITHIN
        while time.monotonic() < end:
            if found := re.search(pattern, self.said(name)):
                return found[found.re.groups]
            if self._processes[name].poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"the {name} does not serve:\n{self.said(name)[-3000:]}")


def _java(home, name):
    java = Path(os.environ["JAVA_HOME"], "bin", "java") if os.environ.get("JAVA_HOME") else "java"
    return [str(java), *options(), *_JAVA, "-cp", class_path(home), name]


def _scala():
    """Return the version of Scala, by which Spark's scripts know that it is installed."""
    (core,) = spark_home().glob("jars/spark-core_*.jar")
    return core.name.partition("_")[2].partition("-")[0]


def _below(folder, word):
    """Return processes that work in a folder or below and have a word in their command line."""
    found, place = [], str(folder)
    for pid in running():
        try:
            at = os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            continue  # it has ended
        words = words_of(pid).replace(b"\0", b" ")
        if (at == place or at.startswith(f"{place}/")) and word in words:
            found.append(pid)
    return found
