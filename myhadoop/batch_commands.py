"""The sub-commands for a batch job: configure, start, status, stop, clean, run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from myhadoop import jars, session, spark
from myhadoop.allocation import allocation, scratch_folder, seconds_left
from myhadoop.batch import BatchCluster
from myhadoop.nodes import REMOTE, check_hosts
from myhadoop.persistent import check_number
from myhadoop.readiness import ask, hdfs_is_ready, yarn_is_ready
from myhadoop.running import running_keeper, stop_keeper
from myhadoop.setups import STAGED, plan


def add_to(commands: Any) -> None:
    """Add the sub-commands to a parser's."""
    for name, words in (
            ("configure", "write the configuration for the hosts of this job"),
            ("start", "start it; print what to export"),
            ("status", "tell whether it serves"),
            ("stop", "end its daemons on every host and remove their files"),
            ("clean", "remove what stop leaves but logs"),
            ("run", "all of these around a command: run [options] -- COMMAND")):
        command = commands.add_parser(name, help=words, description=words)
        command.add_argument("--folder", help="that all hosts see [hadoop.JOB here]")
        if name in ("configure", "run"):
            command.add_argument("--hosts", type=_words, metavar="A,B",
                                 help="where neither PBS nor Slurm names them")
            command.add_argument("--cores", type=int, help="of each host [the job's]")
            command.add_argument("--memory", type=_megabytes, metavar="SIZE",
                                 help="of each host, as 64g or 64000m [the job's]")
            command.add_argument("--scratch", help="folder that each host has for itself")
            command.add_argument("--remote", default=REMOTE,
                                 help="program that takes a host and a command [%(default)s]")
            command.add_argument("--java-option", action="append", default=[],
                                 help="of every JVM; may stand several times")
            where = command.add_mutually_exclusive_group()
            where.add_argument("--no-hdfs", action="store_true",
                               help="YARN alone: files stay on the disk that all hosts see")
            where.add_argument("--persistent", metavar="FOLDER",
                               help="on such a disk, for an HDFS that the next job finds again")
            command.add_argument("--spark", action="store_true",
                                 help="have `-r spark` run on its YARN")
        if name == "run":
            command.add_argument("--save-before", type=float, default=120.0, metavar="SECONDS",
                                 help="end YARN's jobs so long before the wall time is over "
                                      "[%(default)s]")
            command.add_argument("--grace", type=float, default=20.0, metavar="SECONDS",
                                 help="for the command to end after a signal [%(default)s]")
            command.add_argument("--stage", metavar="LIST",
                                 help=f"put the images of a list into {STAGED} first, packed, "
                                      "unless they are there")
            command.add_argument("words", nargs="+", metavar="COMMAND")


def configure(options: Namespace) -> int:
    """Write the configuration and print its folder."""
    print(_configured(options).folder)
    return 0


def run(options: Namespace) -> int:
    """Run a command with a Hadoop around it."""
    words = options.words
    if options.stage:
        if options.no_hdfs:
            raise RuntimeError("--stage is for HDFS, and --no-hdfs has none")
        words = [sys.executable, "-m", "myhadoop.staging", options.stage, *words]
    return session.run(_configured(options), words, lambda: seconds_left(os.environ),
                       options.save_before, options.grace)


def start(options: Namespace) -> int:
    """Start what is configured, in a process that lives as long as the calling shell."""
    cluster = BatchCluster(_folder(options))
    if running_keeper(cluster.folder):
        raise RuntimeError(f"it runs in {cluster.folder} already")
    (cluster.folder / "run").mkdir(exist_ok=True)
    log_path = cluster.folder / "start.log"
    with open(log_path, "wb") as log:
        holder = subprocess.Popen(
            [sys.executable, "-m", "myhadoop", "hold", "--folder", str(cluster.folder),
             "--owner", str(os.getppid())], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True)
    (cluster.folder / "run" / "keeper.pid").write_text(f"{holder.pid}\n")
    end = time.monotonic() + 3 * cluster.ready_within
    while not (cluster.folder / "run" / "ready").exists():
        if holder.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"Hadoop did not start:\n{log_path.read_text().strip()}")
        time.sleep(0.1)
    for name, value in cluster.environment.items():
        print(f"export {name}={shlex.quote(value)}")
    print(f"export PATH={shlex.quote(str(cluster.hadoop_bin.parent))}:$PATH")
    return 0


def hold(options: Namespace) -> int:
    """Keep a cluster for `start`."""
    return session.hold(BatchCluster(options.folder), options.owner)


def status(options: Namespace) -> int:
    """Print whether it serves; the exit status says it, too."""
    cluster = BatchCluster(_folder(options))
    number = len(cluster.setup.hosts)
    serves = {"YARN": yarn_is_ready(cluster.resourcemanager, cluster.historyserver, number)}
    if cluster.setup.hdfs:
        serves = {"HDFS": hdfs_is_ready(cluster.webhdfs, number), **serves}
    hosts = " ".join(cluster.setup.hosts)
    for name, ready in serves.items():
        print(f"{name} {'serves' if ready else 'does not serve'} on {hosts}")
    nodes = ask(f"{cluster.resourcemanager}/ws/v1/cluster/nodes") or {}
    for node in (nodes.get("nodes") or {}).get("node", []):
        print(f"{node['nodeHostName']}: {node['state']}, {node['numContainers']} containers")
    return 0 if all(serves.values()) else 1


def stop(options: Namespace) -> int:
    """End it on every host."""
    if not stop_keeper(_folder(options)):
        raise RuntimeError(f"nothing runs in {_folder(options)}")
    return 0


def clean(options: Namespace) -> int:
    """Remove scratch and configuration; logs stay."""
    if running_keeper(_folder(options)):
        raise RuntimeError("it runs; `stop` first")
    BatchCluster(_folder(options)).clean()
    return 0


def _configured(options):
    if reason := jars.lacking():
        raise RuntimeError(reason)
    given = allocation(os.environ, options.hosts, options.cores, options.memory)
    scratch = scratch_folder(os.environ, options.scratch)
    library = jars.fetch().resolve()
    if options.spark and (reason := spark.lacking()):
        raise RuntimeError(reason)
    persistent = _kept(options.persistent, len(given.hosts)) if options.persistent else ""
    setup = plan(given, scratch, options.remote, options.java_option, not options.no_hdfs,
                 persistent, options.spark)
    check_hosts(setup.hosts, options.remote, scratch, jars.java(), str(jars.streaming(library)))
    folder = _folder(options)
    if (folder / "hosts").exists():
        if running_keeper(folder):
            raise RuntimeError(f"a Hadoop runs in {folder} already")
        shutil.rmtree(folder / "hosts")  # logs of the job's earlier start
    return BatchCluster.configure(folder, setup)


def _folder(options):
    job = os.environ.get("SLURM_JOB_ID") or os.environ.get("PBS_JOBID") or "hosts"
    return Path(options.folder or f"hadoop.{re.sub(r'[^0-9A-Za-z_.-]', '_', job)}").resolve()


def _kept(folder, hosts):
    place = str(Path(folder).resolve())
    if re.search(r"\s", place):
        raise RuntimeError(f"Hadoop takes no folder with a blank in its path: {place}")
    check_number(place, hosts)
    return place


def _words(text):
    return [word for word in re.split(r"[,\s]+", text) if word]


def _megabytes(text):
    found = re.fullmatch(r"(\d+)([gGmM])[bB]?", text)
    if not found:
        raise ValueError(text)
    return int(found[1]) * (1024 if found[2] in "gG" else 1)
