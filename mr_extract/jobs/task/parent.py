"""A task that does not outlive the driver that started it on its machine."""

import os
import signal
import sys

PARENT = "MR_EXTRACT_DRIVER"  # the variable that tells a task the number of that process
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h


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
    end_with(int(parent))
    return True


def end_with(parent: int) -> None:
    """Have the kernel kill this process when its parent, a process of this number, is gone."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was quicker
            os.kill(os.getpid(), signal.SIGKILL)


def end_when_parent_does() -> None:
    """Have the kernel tell this process to end when its parent is gone: for what becomes Java."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def adopt() -> None:
    """Have the kernel make this process the parent of what its children leave behind."""
    if sys.platform == "linux":
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option, value):
    import ctypes  # which numpy will load

    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
