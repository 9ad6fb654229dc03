"""Jobs on a Spark of one's own, long enough to be hit, and the means to hit them."""

import json
import os
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

from bench.clusters import spark_java
from bench.clusters.jobs_to_hit import WAIT, WORKER, Jobs, kill
from bench.processes import job
from bench.running import parent_of, running, words_of

EXECUTOR = "CoarseGrainedExecutorBackend"
#: As what runs at once is a part of all there is.
TASKS = "spark.default.parallelism"
_REASONS = {"Success": "successful", "TaskKilled": "killed"}


class SparkLab(Jobs):
    """Jobs on a cluster, and its processes.

    Parameters
    ----------
    cluster : bench.clusters.spark_lab.StandaloneCluster or bench.clusters.spark_on_yarn.SparkOnYarn
        That runs.
    folder : path
        For what is written on this machine.
    """

    def __init__(self, cluster, folder):
        super().__init__(cluster, folder)
        self._events = self.folder / "events"

    def command(self, *arguments):
        """Return the words of mr_extract with ``-r spark``; Spark logs its events."""
        shutil.rmtree(self._events, ignore_errors=True)
        self._events.mkdir()
        told = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": f"file://{self._events}",
                "spark.eventLog.compress": "false", "spark.eventLog.rolling.enabled": "false",
                "spark.ui.enabled": "false"}
        words = [word for name, value in told.items() for word in ("-D", f"{name}={value}")]
        return job("-r", "spark", *self.cluster.arguments, *words, *arguments)

    def start(self, *arguments, **environment):
        """Start mr_extract with ``-r spark`` and return its Popen."""
        return subprocess.Popen(
            self.command(*arguments),
            env={**os.environ, **self.cluster.environment, **spark_java.environment(),
                 **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._opened_err(),
        )

    def events(self):
        """Yield the events of the last job, as Spark logs them."""
        for path in self._events.iterdir():
            for line in path.read_text(errors="replace").splitlines():
                try:
                    yield json.loads(line)
                except ValueError:
                    continue  # the last line of a driver that was killed

    def attempts_of(self, _):
        """Return the attempts of tasks of the last job, and its executors, as Spark logs them.

        Returns
        -------
        dict of str to int
            successful, failed, killed; executors.
        """
        found = Counter()
        for event in self.events():
            if event["Event"] == "SparkListenerTaskEnd":
                found[_REASONS.get(event["Task End Reason"]["Reason"], "failed")] += 1
            found["executors"] += event["Event"] == "SparkListenerExecutorAdded"
        return found

    def processes(self, word):
        """Return processes of executors by a word of their commands, with their nodes."""
        return self.cluster.processes(word)

    def wait_for(self, word, process=None, nodes=()):
        """Wait until a process of executors is there, on one of these nodes where they are given.

        Returns
        -------
        dict of int to int
            Process id to its node.
        """
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            found = {pid: node for pid, node in self.processes(word).items()
                     if not nodes or node in nodes}
            if found:
                return found
            if process is not None and process.poll() is not None:
                raise RuntimeError(f"the job ended before it could be hit:\n{self.said()}")
            time.sleep(0.05)
        raise RuntimeError(f"{word} did not appear within {WAIT:.0f} s:\n{self.said()}")

    def busy(self, process, nodes=()):
        """Wait until images are measured; return the Pythons of tasks, with their nodes."""
        self.wait_for(WORKER, process, nodes)
        time.sleep(1.0)
        found = {}
        while not found:
            for pid, node in self.wait_for(WORKER, process, nodes).items():
                if parent := parent_of(pid):
                    found[parent] = node
        return found

    def heal(self):
        """Start again what died, and end what outlived its job."""
        self.cluster.heal()
        for pid in self.processes(""):
            kill(pid)


def executor_of(pid):
    """Return the Java of the executor to which a Python belongs.

    Raises
    ------
    LookupError
        When it is none of an executor.
    """
    while pid and pid > 1:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        if EXECUTOR.encode() in words and b"java" in words.split(b"\0")[0]:
            return pid
        pid = parent_of(pid)
    raise LookupError("no executor above it")


def driver_of(process):
    """Return the Java of the Spark that a job has started here."""
    for pid in running():
        words = words_of(pid)
        if b"org.apache.spark.deploy.SparkSubmit" in words and b"java" in words.split(b"\0")[0]:
            above = pid
            while above and above > 1:
                if above == process.pid:
                    return pid
                above = parent_of(above)
    return None
