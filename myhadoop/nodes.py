"""The hosts of a job: commands on them, and whether they are fit."""

import json
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from myhadoop import probe

REMOTE = "ssh -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=10"
_ANSWERS_WITHIN = 20.0  # seconds
_CLOCK = 120.0  # seconds; YARN's tokens are good for some minutes


def reach(remote: str, host: str) -> Callable[[list[str]], list[str]]:
    """Return a function that makes of a command one that runs it on a host.

    Parameters
    ----------
    remote : str
        The program that takes a host and a command, with its options, as ``ssh``, ``srun
        --overlap -N1 -n1 -w`` or ``pbs_tmrsh``.
    host : str
    """
    if host.partition(".")[0] == socket.gethostname().partition(".")[0]:
        return lambda command: command
    words = shlex.split(remote)
    if words[0].rpartition("/")[2] == "ssh":  # hands a line to a shell
        return lambda command: [*words, host, shlex.join(command)]
    return lambda command: [*words, host, *command]


def check_hosts(hosts: Sequence[str], remote: str, scratch: str, java: str, jar: str) -> None:
    """Refuse hosts that are not fit.

    Parameters
    ----------
    hosts : sequence of str
    remote : str
        As for `reach`.
    scratch, java, jar : str
        Paths that each must have.

    Raises
    ------
    RuntimeError
        Says of each host what is wrong with it, on one line.
    """
    def told(host):
        command = [sys.executable, probe.__file__, scratch, java, jar]
        began = time.time()
        try:
            done = subprocess.run(reach(remote, host)(command), stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=_ANSWERS_WITHIN)
        except subprocess.TimeoutExpired:
            return f"{host} does not answer within {_ANSWERS_WITHIN:.0f} s"
        except OSError as error:
            return f"{host} cannot be reached: {error}"
        try:
            answer = json.loads(done.stdout.splitlines()[-1])
        except (IndexError, ValueError):
            words = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
            return f"{host} cannot be reached: {words}"
        if answer["lacks"]:
            return f"{host} {answer['lacks']}"
        off = max(began - answer["time"], answer["time"] - time.time())
        return f"the clock of {host} is {off:.0f} s off" if off > _CLOCK else ""

    with ThreadPoolExecutor(min(64, len(hosts))) as pool:
        wrong = list(filter(None, pool.map(told, hosts)))
    if wrong:
        raise RuntimeError("; ".join(wrong))
