"""Memory that a process has freed, kept for its next image or patch."""

import sys

# glibc's <malloc.h>
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_MMAP_MOST = 32 << 20  # bytes; glibc takes no more
_TRIM = 256 << 20


def keep_freed_memory() -> bool:
    """Have glibc keep arrays of up to 32 MB for the next ones; say whether it will.

    It gives freed memory back to the system at once, as it knows nothing of the next image,
    and the system clears each page anew: that is a tenth of the time of a frame. The most
    memory that a process has at a time stays the same, within a twentieth.
    """
    if sys.platform != "linux":
        return False
    import ctypes  # which numpy has loaded in a process that measures

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return mallopt is not None and bool(
        mallopt(_MMAP_THRESHOLD, _MMAP_MOST) and mallopt(_TRIM_THRESHOLD, _TRIM))
