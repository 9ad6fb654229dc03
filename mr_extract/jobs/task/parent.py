"""A task that does not outlive the driver that started it on its machine."""

import os
import signal
import sys

PARENT = "MR_EXTRACT_DRIVER"  # the variable that tells a task the number of that process
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent() -> bool:
    """Have the kernel kill this process when the one that `PARENT` names is gone.

    Returns
    -------
    bool
        Whether it will. Without the variable it will not: Hadoop has its own ways.
    """
    parent = os.environ.get(PARENT)
    if parent is None or sys.platform != "linux":
        return False
    import ctypes  # which numpy will load

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if str(os.getppid()) != parent:  # it was quicker
        os.kill(os.getpid(), signal.SIGKILL)
    return True
