"""Faults of hosts, daemons and tasks while images are measured."""

import signal
import time

from bench.clusters.fault_bench import OPTIONS, what_dies
from bench.clusters.hadoop_lab import MAPPER, MASTER
from bench.clusters.jobs_to_hit import kill


@what_dies("nothing")
def nothing(bench):
    return bench.survives()


@what_dies("`kill -9` of a mapper's Python")
def mapper(bench):
    def fault(lab, process):
        kill(next(iter(lab.busy(process))))

    return bench.survives(fault)


@what_dies("`kill -9` of a NodeManager with running maps")
def nodemanager(bench):
    def fault(lab, process):
        lab.busy(process)
        master = set(lab.wait_for(MASTER).values())
        while not (others := set(lab.wait_for(MAPPER, process=process).values()) - master):
            time.sleep(0.05)
        lab.cluster.kill(f"nodemanager-{others.pop()}")

    return bench.survives(fault)


@what_dies("a host: NodeManager, DataNode and all containers, the ApplicationMaster's among them")
def host(bench):
    def fault(lab, process):
        lab.busy(process)
        end_host(lab, next(iter(lab.wait_for(MASTER).values())))

    return bench.survives(fault)


def end_host(lab, worker):
    """Kill all that runs on a host."""
    for name in ("nodemanager", "datanode"):
        lab.cluster.kill(f"{name}-{worker}")
    for pid, its in lab.processes("").items():
        if its == worker:
            kill(pid)


def on_hdfs(bench, replication):
    """Put the images on HDFS and return a manifest of these."""
    place = f"/survey-{replication}"
    bench.lab.put(bench.frames[0].parent, place, replication)
    root = f"{bench.lab.cluster.filesystem}{place}"
    return bench.list_of(f"hdfs-{replication}.txt", lambda frame: f"{root}/{frame.name}")


def _kills_a_datanode(lab, process):
    lab.busy(process)
    lab.cluster.kill("datanode-1")


@what_dies("`kill -9` of a DataNode, images on HDFS with 2 replicas")
def datanode(bench):
    return bench.survives(_kills_a_datanode, on_hdfs(bench, 2))


@what_dies("the same, images with 1 replica")
def only_replica(bench):
    # Every line is an image that is fetched: its file may be gone.
    done = bench.lab.run(*OPTIONS, "--fetch-budget", "5", on_hdfs(bench, 1),
                         fault=_kills_a_datanode)
    kinds = set(done.failures.values())
    if not done.failures or not kinds <= {"fetch-failed", "fetch-timeout", "fetch-not-found"}:
        return done, "WRONG"
    return done, bench.expects_all_but(done, done.failures)


@what_dies("`kill -9` of the ApplicationMaster")
def applicationmaster(bench):
    def fault(lab, process):
        lab.busy(process)
        kill(next(iter(lab.wait_for(MASTER))))

    return bench.survives(fault)


@what_dies("`kill -9` of the ResourceManager, and its restart (with recovery)")
def resourcemanager(bench):
    def fault(lab, process):
        lab.busy(process)
        lab.cluster.restart("resourcemanager")

    return bench.survives(fault)


@what_dies("a mapper that hangs (`SIGSTOP`)")
def hanging_mapper(bench):
    def fault(lab, process):
        kill(next(iter(lab.busy(process))), signal.SIGSTOP)

    return bench.survives(fault)
