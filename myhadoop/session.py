"""A command with a Hadoop around it, which ends well however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from myhadoop.batch import BatchCluster
from myhadoop.readiness import ask
from myhadoop.running import is_alive
from myhadoop.telling import say

_ASKED_EVERY = 30.0  # seconds; a wall time may be changed while the job runs
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


class Ended(BaseException):
    """A signal says that it is time to end."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


def run(cluster: BatchCluster, command: Sequence[str],
        seconds_left: Callable[[], float | None] = lambda: None,
        save_before: float = 120.0, grace: float = 20.0) -> int:
    """Start a cluster, run a command on it, end the cluster; return the exit status.

    When a signal comes, or the wall time is nearly over, YARN's jobs are ended, and the command
    has time to save what they have done.

    Parameters
    ----------
    cluster : myhadoop.batch.BatchCluster
    command : sequence of str
    seconds_left : callable, optional
        Tells the seconds until the wall time is over, or None.
    save_before : float
        Seconds before that at which to save.
    grace : float
        Seconds for that after a signal.

    Returns
    -------
    int
        The command's; 128 and the number of the signal where that ended it; 1 when Hadoop did
        not start.
    """
    began = time.monotonic()
    status, guard = 1, None
    _listen(_raise)
    try:
        cluster.start()
        say(f"Hadoop is ready on {' '.join(cluster.setup.hosts)}, {_since(began)}")
        guard = _guarded(cluster, command)
        while (status := guard.poll()) is None:
            left = seconds_left()
            if left is not None and left <= save_before:
                say(f"the wall time ends in {left:.0f} s")
                status = _saved(cluster, guard, max(grace, left - grace), 128 + signal.SIGTERM)
                break
            wait = _ASKED_EVERY if left is None else min(_ASKED_EVERY, left - save_before)
            _finished(cluster, guard, time.monotonic() + wait)
    except Ended as end:
        _listen(signal.SIG_IGN)
        say(f"{end}: ending")
        status = 128 + end.number
        if guard:
            status = _saved(cluster, guard, grace, status)
    except RuntimeError as error:
        say(str(error))
    finally:
        _listen(signal.SIG_IGN)
        ends = time.monotonic()
        write_history(cluster)
        if guard:
            guard.stdin.close()
        silent = cluster.stop()
        say(f"Hadoop has ended, {_since(ends)}"
            + (f"; no word from {' '.join(silent)}" if silent else ""))
        if guard:
            guard.wait()
        cluster.tidy()
    return status


def hold(cluster: BatchCluster, owner: int) -> int:
    """Start a cluster and keep it until a signal comes or a process ends.

    Parameters
    ----------
    cluster : myhadoop.batch.BatchCluster
    owner : int
        Process id, as of the shell that runs the job's script.

    Returns
    -------
    int
        0, or 1 when Hadoop did not start.
    """
    _listen(_raise)
    try:
        cluster.start()
        (cluster.folder / "run" / "ready").touch()
        while is_alive(owner):
            time.sleep(0.5)
    except Ended:
        pass
    except RuntimeError as error:
        say(str(error))
        return 1
    finally:
        _listen(signal.SIG_IGN)
        write_history(cluster)
        cluster.stop()
        (cluster.folder / "run" / "ready").unlink(missing_ok=True)
    return 0


def write_history(cluster: BatchCluster) -> None:
    """Write what became of YARN's jobs to ``history.json``, if anybody tells."""
    told = ask(f"{cluster.resourcemanager}/ws/v1/cluster/apps")
    if told is None:
        return
    jobs = ask(f"{cluster.historyserver}/ws/v1/history/mapreduce/jobs") or {}
    kept = ("id", "name", "state", "finalStatus", "startedTime", "finishedTime", "diagnostics")
    (cluster.folder / "history.json").write_text(json.dumps({
        "applications": [{name: one.get(name) for name in kept} for one in _listed(told, "app")],
        "mapreduce": _listed(jobs, "job")}, indent=1) + "\n")


def _guarded(cluster, command):
    environment = {**os.environ, **cluster.environment}
    environment["PATH"] = f"{cluster.hadoop_bin.parent}{os.pathsep}{environment['PATH']}"
    package = str(Path(__file__).resolve().parent.parent)
    paths = [package, *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    return subprocess.Popen([sys.executable, "-m", "myhadoop.guard", *command],
                            stdin=subprocess.PIPE, env=environment, start_new_session=True)


def _finished(cluster, guard, end, ending=False):
    """Return the command's exit status, None when it takes longer."""
    lost = set(cluster.lost())
    while guard.poll() is None:
        if time.monotonic() > end:
            return None
        if ending:
            _end_jobs(cluster)
        for host in set(cluster.lost()) - lost:
            lost.add(host)
            say(f"{host} is lost; what ran there is tried on the others")
        time.sleep(0.2)
    return guard.returncode


def _saved(cluster, guard, within, otherwise):
    """End YARN's jobs, so that the command saves what they have done; return its status."""
    status = _finished(cluster, guard, time.monotonic() + within, ending=True)
    if status is None:
        say("the command does not end and is killed")
        return otherwise
    say(f"the command has ended with status {status}")
    return status


def _end_jobs(cluster):
    url = f"{cluster.resourcemanager}/ws/v1/cluster/apps"
    told = ask(f"{url}?states=NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING")
    for application in _listed(told or {}, "app"):
        ask(f"{url}/{application['id']}/state?user.name={cluster.user}", "PUT",
            {"state": "KILLED"})


def _listed(told, name):
    return (told.get(f"{name}s") or {}).get(name) or []


def _since(began):
    return f"{time.monotonic() - began:.1f} s"


def _listen(handler):
    for number in _SIGNALS:
        signal.signal(number, handler)


def _raise(number, _):
    _listen(signal.SIG_IGN)
    raise Ended(number)
