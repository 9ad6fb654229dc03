"""What a scheduler has given to the job in which this runs."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SCRATCH = ("MYHADOOP_SCRATCH", "SLURM_TMPDIR", "PBS_JOBFS", "LOCAL_SCRATCH", "TMPDIR")


@dataclass(frozen=True)
class Allocation:
    """Hosts, and what of each of them is the job's.

    Parameters
    ----------
    name : str
        Of the job; tells it from others on the same hosts.
    hosts : tuple of str
        The first is this one.
    cores, memory_mb : int
        Of a host, the least of all.
    """

    name: str
    hosts: tuple[str, ...]
    cores: int
    memory_mb: int


def allocation(environ: Mapping[str, str], hosts: Sequence[str] | None = None,
               cores: int | None = None, memory_mb: int | None = None) -> Allocation:
    """Return what the job has.

    Parameters
    ----------
    environ : mapping of str to str
        Where PBS and Slurm tell it.
    hosts : sequence of str, optional
        Those to use, where no scheduler names them.
    cores, memory_mb : int, optional
        Of each host, above what the scheduler says.

    Raises
    ------
    RuntimeError
        When there are no hosts, or this one is not among them.
    """
    slots = _slots(environ, hosts)
    if not slots:
        raise RuntimeError("no hosts: neither PBS_NODEFILE nor SLURM_JOB_NODELIST is set; "
                           "name them with --hosts")
    cores = cores or _cores(environ) or (
        (os.cpu_count() or 1) if hosts else max(min(slots.values()), int(environ.get("NCPUS", 1))))
    job = environ.get("SLURM_JOB_ID") or environ.get("PBS_JOBID") or "hosts"
    return Allocation(re.sub(r"[^\w.-]", "_", job), _with_this_first(slots), cores,
                      memory_mb or _memory_mb(environ, cores))


def scratch_folder(environ: Mapping[str, str], named: str | None = None) -> str:
    """Return the folder for a job's files on each host.

    Raises
    ------
    RuntimeError
        When nothing names one.
    """
    found = named or next((environ[name] for name in _SCRATCH if environ.get(name)), None)
    if not found:
        raise RuntimeError("no scratch: name a folder that each host has for itself with --scratch "
                           f"(or one of {', '.join(_SCRATCH)})")
    if not os.path.isabs(found) or re.search(r"\s", found):
        raise RuntimeError(f"a path from the root, without blanks, is needed: --scratch {found}")
    return found


def seconds_left(environ: Mapping[str, str]) -> float | None:
    """Return the seconds until the wall time is over, None where nobody tells."""
    if environ.get("SLURM_JOB_ID"):
        told = _output("squeue", "-h", "-j", environ["SLURM_JOB_ID"], "-o", "%L")
        return _seconds(told.strip())
    if environ.get("PBS_JOBID"):
        told = _output("qstat", "-f", environ["PBS_JOBID"])
        wall = re.search(r"Resource_List\.walltime = (\S+)", told)
        used = re.search(r"resources_used\.walltime = (\S+)", told)
        if wall and (whole := _seconds(wall[1])) is not None:
            return whole - ((_seconds(used[1]) if used else 0) or 0)
    return None


def _seconds(text):
    """Return the seconds of ``[days-]hours:minutes:seconds``, None of other words."""
    found = re.fullmatch(r"(?:(\d+)-)?((?:\d+:){0,2}\d+)", text)
    if not found:
        return None
    total = 0
    for part in found[2].split(":"):
        total = 60 * total + int(part)
    return total + 86400 * int(found[1] or 0)


def _slots(environ, hosts):
    """Return the slots by host, in the order in which they are named."""
    if not hosts and environ.get("PBS_NODEFILE"):
        hosts = Path(environ["PBS_NODEFILE"]).read_text().split()
    if not hosts and environ.get("SLURM_JOB_NODELIST"):
        hosts = _output("scontrol", "show", "hostnames", environ["SLURM_JOB_NODELIST"]).split()
    slots = {}
    for host in hosts or ():
        if not re.fullmatch(r"[\w.][\w.:-]*", host):
            raise RuntimeError(f"this is no name of a host: {host!r}")
        slots[host] = slots.get(host, 0) + 1
    return slots


def _with_this_first(slots):
    own = socket.gethostname()
    for host in slots:
        if host.partition(".")[0] == own.partition(".")[0]:
            return (host, *(other for other in slots if other != host))
    raise RuntimeError(f"this host, {own}, is none of the job's: {' '.join(slots)}")


def _cores(environ):
    told = environ.get("SLURM_JOB_CPUS_PER_NODE")  # as 8(x2),4
    return min(map(int, re.findall(r"(?:^|,)(\d+)", told))) if told else None


def _memory_mb(environ, cores):
    """Return what the scheduler says, else what this process may take, else a fair share."""
    if int(environ.get("SLURM_MEM_PER_NODE") or 0):
        return int(environ["SLURM_MEM_PER_NODE"])
    if int(environ.get("SLURM_MEM_PER_CPU") or 0):
        return int(environ["SLURM_MEM_PER_CPU"]) * cores
    there = os.cpu_count() or 1
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    share = whole * min(cores, there) // there
    return min(share, *_limits(whole)) >> 20


def _limits(whole):
    """Return the limits of the control groups of this process, in bytes."""
    found = [whole]
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, kinds, path = line.split(":", 2)
        root = Path("/sys/fs/cgroup", *(["memory"] if kinds else []))
        if kinds and "memory" not in kinds.split(","):
            continue
        place = root / path.lstrip("/")
        for folder in (place, *place.parents):
            for name in ("memory.max", "memory.limit_in_bytes"):
                try:
                    found.append(int((folder / name).read_text()))
                except (OSError, ValueError):
                    continue  # none there, or `max`
    return found


def _output(*command):
    """Return what a program of the scheduler says, nothing when it does not."""
    for _ in range(3):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        if done.returncode == 0:
            return done.stdout
        time.sleep(1.0)
    return ""
