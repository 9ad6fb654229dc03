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
    _end_by(signal.SIGKILL)
    if str(os.getppid()) != parent:  # it was quicker
        os.kill(os.getpid(), signal.SIGKILL)
    return True


def end_when_parent_does() -> None:
    """Have the kernel tell this process to end when its parent is gone: for what becomes Java."""
    if sys.platform == "linux":
        _end_by(signal.SIGTERM)


def _end_by(number):
    import ctypes  # which numpy will load

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
