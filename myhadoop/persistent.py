"""An HDFS that stays on a shared disk from job to job, and the job whose it is meanwhile.

The folder holds ``name``, the NameNode's, ``blocks-1`` and so on, those of the DataNodes by the
number of their host, ``hosts.json`` and, while a job holds it, ``held.json``.
"""

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# Seconds without a sign after which a job is taken for dead. Its daemons end after a minute of
# silence of the same process.
_SILENCE = 75.0


class Held:
    """A folder that a job holds; nobody else may while signs are given.

    Parameters
    ----------
    folder : path
    job : str
        Name, said to those who come meanwhile.
    hosts : sequence of str
    say : callable
        Takes a line for the user.

    Raises
    ------
    RuntimeError
        When the file system is one of another number of hosts, or another job holds it.
    """

    def __init__(self, folder: str | Path, job: str, hosts: list[str],
                 say: Callable[[str], None]) -> None:
        self._path = Path(folder) / "held.json"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        check_number(folder, len(hosts))
        self._words = json.dumps({"job": job, "host": hosts[0], "began": time.time()})
        while not self._took():
            if self._holder_is_silent():
                say(f"{folder} is taken from job {self._holder()['job']}, which gives no sign")
                self._path.unlink(missing_ok=True)
        (Path(folder) / "hosts.json").write_text(json.dumps({"hosts": len(hosts)}) + "\n")

    def give_sign(self) -> None:
        """Say that the job lives."""
        with suppress(OSError):  # of a shared disk that hangs; the next sign comes soon
            os.utime(self._path)

    def release(self) -> None:
        """Let others have it."""
        if self._path.exists() and self._path.read_text() == self._words:
            self._path.unlink()

    def _took(self):
        try:
            with open(self._path, "x", encoding="utf-8") as file:
                file.write(self._words)
        except FileExistsError:
            return False
        return True

    def _holder_is_silent(self):
        """Wait for a sign of who holds it; False when it is free meanwhile."""
        before, end = self._sign(), time.monotonic() + _SILENCE
        while time.monotonic() < end:
            time.sleep(0.2)
            now = self._sign()
            if now is None:
                return False
            if now != before:
                held = self._holder()
                raise RuntimeError(f"job {held['job']} on {held['host']} has the HDFS in "
                                   f"{self._path.parent}")
        return True

    def _sign(self):
        try:
            return self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def _holder(self):
        try:
            return json.loads(self._path.read_text())
        except (FileNotFoundError, ValueError):  # it ends just now, or never got to write
            return {"job": "of unknown name", "host": "an unknown host"}


def check_number(folder: str | Path, number: int) -> None:
    """Raise RuntimeError when the HDFS in a folder is one of another number of hosts."""
    if not (Path(folder) / "name" / "current").is_dir():
        return
    before = json.loads((Path(folder) / "hosts.json").read_text())["hosts"]
    if before != number:
        raise RuntimeError(f"the HDFS in {folder} is one of {before} hosts, and the job has "
                           f"{number}")
