"""A Hadoop of one's own with a job long enough to be hit, and the means to hit it."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from bench.clusters.jobs_to_hit import WAIT, WORKER, Jobs, kill
from bench.processes import ROOT

MAPPER, REDUCER = "--mapper", "--reducer"
MASTER, TASK = "MRAppMaster", "YarnChild"
_APPLICATION = re.compile(r"application_(\d+_\d+)")


class Lab(Jobs):
    """Jobs on a cluster, and its processes.

    Parameters
    ----------
    cluster : myhadoop.local.LocalCluster
        That runs.
    folder : path
        For what is written on this machine.
    """

    def start(self, *arguments, **environment):
        """Start mr_extract with ``-r hadoop`` and return its Popen."""
        return subprocess.Popen(
            [sys.executable, str(ROOT / "mr_extract.py"), "-r", "hadoop", *map(str, arguments)],
            env={**os.environ, **self.cluster.environment, **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._opened_err(),
        )

    def attempts_of(self, err):
        """Return those of maps and reduces, and as ``masters`` how many ApplicationMasters were.

        The last of them has told the JobHistoryServer.
        """
        job = _APPLICATION.search(err)
        return self._attempts(job[1]) if job else {}

    def maps_done(self):
        """Return how many maps of the running job have their output in its place."""
        job = _APPLICATION.search(self.said())
        told = job and self.cluster.get(f"{self.cluster.resourcemanager}/proxy/application_{job[1]}"
                                        f"/ws/v1/mapreduce/jobs/job_{job[1]}")
        return told["job"]["mapsCompleted"] if told else 0

    def processes(self, what):
        """Return processes of containers whose command line holds a text.

        Returns
        -------
        dict of int to int
            Process id to the number of the worker on which it runs.
        """
        found = {}
        for process in Path("/proc").iterdir():
            if not process.name.isdecimal():
                continue
            try:
                place = os.readlink(process / "cwd")
                words = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue  # it has ended
            worker = re.match(rf"{re.escape(str(self.cluster.folder))}/worker-(\d+)/containers/",
                              place)
            # Shells name what they start, too.
            shell = os.path.basename(words[0]) in (b"bash", b"sh")
            if worker and not shell and any(what.encode() in word for word in words):
                found[int(process.name)] = int(worker[1])
        return found

    def wait_for(self, what, number=1, process=None, other_than=()):
        """Wait until so many processes are there and return them as `processes` does."""
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            found = {p: w for p, w in self.processes(what).items() if p not in other_than}
            if len(found) >= number:
                return found
            if process is not None and process.poll() is not None:
                raise RuntimeError(f"the job ended before it could be hit:\n{self.said()}")
            time.sleep(0.05)
        raise RuntimeError(f"{what} did not appear within {WAIT:.0f} s:\n{self.said()}")

    def busy(self, process):
        """Wait until images are measured; return the mappers."""
        self.wait_for(WORKER, process=process)
        time.sleep(1.0)
        return self.wait_for(MAPPER, process=process)

    def put(self, path, place, replication):
        """Copy a file or folder to HDFS."""
        done = self.cluster.run("fs", "-D", f"dfs.replication={replication}", "-put", path, place)
        if done.returncode:
            raise RuntimeError(done.stderr)

    def heal(self):
        """Start again what died, and wait until all serves."""
        for name in self.cluster.daemons("hdfs", "yarn"):
            if self.cluster.pid(name) is None:
                self.cluster.restart(name)
        self.cluster.wait_ready(within=WAIT)
        for pid in self.processes(TASK):  # a NodeManager that was killed leaves them
            kill(pid)

    def _attempts(self, job):
        """Return the attempts of a job, by Hadoop's number of it."""
        manager, history = self.cluster.resourcemanager, f"http://{self.cluster.head}:19888"
        masters = self.cluster.get(f"{manager}/ws/v1/cluster/apps/application_{job}/appattempts")
        found = {"masters": len(masters["appAttempts"]["appAttempt"])}
        url = f"{history}/ws/v1/history/mapreduce/jobs/job_{job}"
        end = time.monotonic() + 30  # it reads the history after the job has ended
        while (told := self.cluster.get(url)) is None and time.monotonic() < end:
            time.sleep(0.5)
        if not told:  # an ApplicationMaster that is killed writes none
            return found
        return found | {f"{how} {kind}": told["job"].get(f"{how}{kind.capitalize()}Attempts", 0)
                        for kind in ("map", "reduce") for how in ("successful", "failed", "killed")}
