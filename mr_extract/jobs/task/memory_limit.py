"""How much memory the process that measures may take, so that one image costs no task.

YARN and Kubernetes kill a container that grows over its limit with all that is in it: Java, the
mapper, the process that measures. So that process gets what the others leave, and finds its
memory at an end where an image is too large: that is a failure of the image.
"""

import os
import resource
from collections.abc import Mapping

CONTAINER = "MR_EXTRACT_CONTAINER"  # the variable that tells a task of Spark its executor's
LEAST = 192 << 20  # without an image the process that measures holds some 90 MB
_PAGE = resource.getpagesize()


class MemoryLimit:
    """A limit for a process, fixed or what the container of a task leaves.

    Parameters
    ----------
    megabytes : int or None
        The limit; 0 for none. None: what the container leaves, if there is one.
    container : int
        Bytes that all processes of the container may hold together, 0 where there is none.
    tasks : int
        How many share the container, each with its mapper and its process that measures.
    """

    def __init__(self, megabytes: int | None = None, container: int = 0, tasks: int = 1) -> None:
        self._fixed = (megabytes or 0) << 20
        self._container = container if megabytes is None else 0
        self._tasks = tasks

    def __bool__(self) -> bool:
        return bool(self._fixed or self._container)

    def room(self) -> int:
        """Return the bytes that the process may hold as things are now.

        An eighth of the container is kept back: Java and the mapper grow, too.
        """
        if self._fixed:
            return self._fixed
        return max(LEAST, self._share(self._container - self._container // 8))

    def set_for(self, pid: int) -> None:
        """Make allocations of a process fail beyond its room."""
        try:
            _, hard = resource.prlimit(pid, resource.RLIMIT_DATA)
            room = self.room() if hard == resource.RLIM_INFINITY else min(self.room(), hard)
            resource.prlimit(pid, resource.RLIMIT_DATA, (room, hard))
        except ProcessLookupError:
            pass  # it died; who waits for its answer will find out

    def is_exceeded_by(self, pid: int) -> bool:
        """Tell whether a process holds so much that it, or its container, is in danger.

        Not every way to memory heeds the limit of `set_for`, and the others may have grown.
        """
        held = _resident(pid)
        if self._fixed:
            return held > self._fixed
        return held > self._share(self._container - self._container // 32)

    def _share(self, room):
        """Return what of a room in the container the mapper and what it shares leave this task."""
        own = _resident(os.getpid())
        return (room - (_held_by_others() - own)) // self._tasks - own


def container_size(environment: Mapping[str, str]) -> tuple[int, int]:
    """Return the bytes of the container of a task, 0 outside of one, and how many tasks share it.

    Parameters
    ----------
    environment : dict of str to str
        Of the task: Hadoop streaming puts its properties there, and our tasks of Spark theirs.
    """
    size, _, tasks = environment.get(CONTAINER, "").partition("/")
    if size:
        return int(size) << 20, int(tasks)
    if "CONTAINER_ID" not in environment:
        return 0, 1
    megabytes = environment.get("mapreduce_map_memory_mb", "")
    return int(megabytes) << 20 if megabytes.isdecimal() else 0, 1


def _held_by_others():
    """Return what this process and those above it in its session hold: mapper, Java, shells."""
    pid, session, held = os.getpid(), os.getsid(0), 0
    while True:
        held += _resident(pid)
        if pid in (session, 0):  # of a pod the session began outside
            return held
        pid, its_session = _parent(pid)
        if its_session != session:
            return held


def _resident(pid):
    """Return the bytes in memory of a process, shared ones too, as YARN counts them."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _parent(pid):
    """Return the parent of a process, and the session of that."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            parent = int(file.read().rpartition(b")")[2].split()[1])
        return parent, os.getsid(parent) if parent else 0
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0
