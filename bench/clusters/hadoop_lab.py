"""A Hadoop of one's own with a job long enough to be hit, and the means to hit it."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.processes import ROOT

MAPPER, WORKER, REDUCER = "--mapper", "mr_extract.jobs.task.worker", "--reducer"
MASTER, TASK = "MRAppMaster", "YarnChild"
WAIT = 300.0  # seconds for something to begin; machines may be busy
_APPLICATION = re.compile(r"application_(\d+_\d+)")


@dataclass
class Done:
    """What became of a job.

    Parameters
    ----------
    status : int
        Exit status of mr_extract.
    out : bytes
    err : str
    attempts : dict of str to int
        Of its tasks as the last ApplicationMaster has told the JobHistoryServer: successful,
        failed, killed; and as ``masters`` the number of ApplicationMasters.
    """

    status: int
    out: bytes
    err: str
    attempts: dict = field(default_factory=dict)

    @property
    def body(self):
        """The lines behind the header of the catalog, bytes."""
        return self.out.split(b"\n", 3)[3] if self.out.count(b"\n") >= 3 else b""

    @property
    def rows(self):
        """Number of sources."""
        return sum(not line.startswith(b"#") for line in self.body.splitlines())

    @property
    def failures(self):
        """Image id to kind of failure."""
        cells = (line.split(b"\t") for line in self.body.splitlines())
        return {c[1].decode(): c[2].decode() for c in cells if c[0] == b"#error"}

    def without(self, ids):
        """Return the lines of the catalog that are not about some images."""
        ids = {one.encode() for one in ids}
        return [line for line in self.body.splitlines()
                if line.split(b"\t", 2)[line.startswith(b"#")] not in ids]


class Lab:
    """Jobs on a cluster, and its processes.

    Parameters
    ----------
    cluster : myhadoop.local.LocalCluster
        That runs.
    folder : path
        For what is written on this machine.
    """

    def __init__(self, cluster, folder):
        self.cluster, self.folder = cluster, Path(folder)

    def start(self, *arguments, **environment):
        """Start mr_extract with ``-r hadoop`` and return its Popen."""
        self._err = open(self.folder / "stderr", "wb+")  # noqa: SIM115  read when it has ended
        return subprocess.Popen(
            [sys.executable, str(ROOT / "mr_extract.py"), "-r", "hadoop", *map(str, arguments)],
            env={**os.environ, **self.cluster.environment, **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._err,
        )

    def finish(self, process, timeout=900):
        """Wait for a job and return what became of it."""
        out, _ = process.communicate(timeout=timeout)
        self._err.seek(0)
        err = self._err.read().decode(errors="replace")
        self._err.close()
        job = _APPLICATION.search(err)
        return Done(process.returncode, out, err, self._attempts(job[1]) if job else {})

    def run(self, *arguments, fault=None, **environment):
        """Run a job, and a function while it runs; return what became of it.

        Parameters
        ----------
        *arguments
            Of mr_extract.
        fault : callable, optional
            Called with the lab and the running job.
        """
        process = self.start(*arguments, **environment)
        try:
            if fault:
                fault(self, process)
            return self.finish(process)
        finally:
            if process.poll() is None:
                process.terminate()
                process.communicate()

    def said(self):
        """Return what the running job has written to standard error."""
        return (self.folder / "stderr").read_text(errors="replace")

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


def kill(pid, with_signal=signal.SIGKILL):
    """Send a signal; a process that is gone already is none of our business."""
    try:
        os.kill(pid, with_signal)
    except ProcessLookupError:
        pass
