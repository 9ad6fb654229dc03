"""Which processes of a cluster live."""

import os
import signal
import time
from pathlib import Path


def stop_keeper(folder: str | Path) -> bool:
    """End a cluster that was left to itself; False when none runs there.

    Parameters
    ----------
    folder : path
        Of the cluster.
    """
    path = Path(folder).resolve() / "run" / "keeper.pid"
    pid = running_keeper(folder)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        while is_alive(pid):
            time.sleep(0.05)
    path.unlink(missing_ok=True)
    return pid is not None


def running_keeper(folder: str | Path) -> int | None:
    """Return the process id of the keeper of a folder, None when it does not live."""
    folder = Path(folder).resolve()
    try:
        pid = int((folder / "run" / "keeper.pid").read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # A number may have been given to another process since.
    return pid if os.fsencode(folder) in words and is_alive(pid) else None


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
