"""CPU of the Pythons in which Spark runs tasks.

Spark's daemon starts one for each slot and ignores their end, so that the kernel adds what they
took to nobody's account: they are looked at while they are there.
"""

import os
import threading
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_LOOK = 0.1  # seconds; a Python waits for longer than that between its last task and its end


class Pythons(threading.Thread):
    """Looks at the Pythons of Spark on this machine, with what these have started."""

    def __init__(self):
        super().__init__(daemon=True)
        self._took, self._over = {}, threading.Event()

    def run(self):
        """Look until `stop` is called."""
        while not self._over.wait(_LOOK):
            daemons = set(_daemons())
            for pid in daemons:
                fields = fields_of(pid)
                if fields and int(fields[1]) in daemons:  # not the one that starts them
                    self._took[pid] = sum(map(int, fields[11:15])) / _TICKS

    def stop(self):
        """Return the CPU seconds of all that were seen."""
        self._over.set()
        self.join()
        return sum(self._took.values())


def fields_of(pid):
    """Return what the kernel says of a process, from its state on, or nothing if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _daemons():
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                words = (process / "cmdline").read_bytes()
            except OSError:
                continue  # it has ended
            if b"\0pyspark.daemon\0" in words:
                yield int(process.name)
