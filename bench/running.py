"""What the kernel says of the processes that run on this machine."""

from pathlib import Path


def running():
    """Yield the numbers of all processes."""
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            yield int(process.name)


def fields_of(pid):
    """Return the fields of a process's stat from its state on, or nothing when it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def parent_of(pid):
    """Return the parent of a process; None when it has ended."""
    fields = fields_of(pid)
    return int(fields[1]) if fields else None


def words_of(pid):
    """Return the command line of a process (bytes), each word closed by a NUL; empty when ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
