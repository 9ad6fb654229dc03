"""CPU of the Pythons in which Spark runs tasks.

Spark's daemon starts one for each slot and ignores their end, so that the kernel adds what they
took to nobody's account: they are looked at while they are there.
"""

import os
import threading

from bench.running import fields_of, parent_of, running, words_of

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
            daemons = {pid for pid in running() if b"\0pyspark.daemon\0" in words_of(pid)}
            for pid in daemons:
                # Not the one that starts them, and not one that has ended since.
                if parent_of(pid) in daemons and (fields := fields_of(pid)):
                    self._took[pid] = sum(map(int, fields[11:15])) / _TICKS

    def stop(self):
        """Return the CPU seconds of all that were seen."""
        self._over.set()
        self.join()
        return sum(self._took.values())
