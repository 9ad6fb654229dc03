"""Jobs long enough to be hit, on a cluster of one's own, whatever its engine."""

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

WORKER = "mr_extract.jobs.task.worker"
WAIT = 300.0  # seconds for something to begin; machines may be busy


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
        Of its tasks: how many were successful, failed, killed; and how many of what ran them.
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


class Jobs:
    """Jobs on a cluster.

    Parameters
    ----------
    cluster : object
        That runs.
    folder : path
        For what is written on this machine.
    """

    def __init__(self, cluster, folder):
        self.cluster, self.folder = cluster, Path(folder)
        self._err = None  # of the running job, read when it has ended

    def start(self, *arguments, **environment):
        """Start mr_extract and return its Popen; it writes to `_err`."""
        raise NotImplementedError

    def attempts_of(self, err):
        """Return the attempts of the tasks of the job that has said this, as `Done` has them."""
        raise NotImplementedError

    def _opened_err(self):
        self._err = open(self.folder / "stderr", "wb+")  # noqa: SIM115
        return self._err

    def finish(self, process, timeout=900):
        """Wait for a job and return what became of it."""
        out, _ = process.communicate(timeout=timeout)
        self._err.seek(0)
        err = self._err.read().decode(errors="replace")
        self._err.close()
        return Done(process.returncode, out, err, self.attempts_of(err))

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


def kill(pid, with_signal=signal.SIGKILL):
    """Send a signal; a process that is gone already is none of our business."""
    try:
        os.kill(pid, with_signal)
    except ProcessLookupError:
        pass
