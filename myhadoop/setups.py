"""What a Hadoop inside a batch job is made of, and how it differs from that on one machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from myhadoop.addresses import free_ports
from myhadoop.allocation import Allocation
from myhadoop.configuration import HEAD_PORTS

# What of a host's memory is not for containers: a daemon of HDFS and one of YARN on each; on the
# head three more, the client and the program that starts the job.
_DAEMON_MB, _CLIENT_MB = 512, 1024
_MASTER_MB = 512  # an ApplicationMaster
TASK_MB = 2048  # what a map task of mr_extract takes
#: Where `run --stage` puts images.
STAGED = "hdfs:///images"
#: In a daemon's environment: the number of its host, under which a kept HDFS has its blocks.
WORKER_NUMBER = "MYHADOOP_NUMBER"


@dataclass(frozen=True)
class Setup:
    """What a cluster is made of; kept in its folder.

    Parameters
    ----------
    name : str
        Of the job.
    hosts : sequence of str
        The first is the head.
    cores, memory_mb : int
        Of each host.
    scratch : str
        Folder for the job's files on each host; made and removed.
    remote : str
        As for `myhadoop.nodes.reach`.
    java_options : sequence of str
        Of every JVM.
    ports : dict of str to int
        The head's, by property.
    hdfs : bool
        There is one; else the file system is the disk that all hosts see.
    persistent : str
        Folder of an HDFS that stays on such a disk; empty for one that ends with the job.
    spark : bool
        Spark is configured for it, too.
    """

    name: str
    hosts: list[str]
    cores: int
    memory_mb: int
    scratch: str
    remote: str
    java_options: list[str]
    ports: dict[str, int]
    hdfs: bool = True
    persistent: str = ""
    spark: bool = False

    @property
    def name_folder(self) -> str:
        """Where the NameNode keeps its image."""
        return f"{self.persistent or self.scratch}/name"

    def memory_of(self, host: str) -> int:
        """Return the megabytes that the containers of a host may take."""
        return self.memory_mb - _beside_containers(self.hdfs, host == self.hosts[0])

    def cores_of(self, host: str) -> int:
        """Return the cores that the containers of a host may take."""
        # The head's further one is for the ApplicationMaster, which only waits.
        return self.cores + (host == self.hosts[0])

    @property
    def tasks(self) -> int:
        """How many tasks of mr_extract run at once, beside an ApplicationMaster on the head."""
        return sum(min(self.cores, (self.memory_of(host) - (host == self.hosts[0]) * _MASTER_MB)
                       // TASK_MB) for host in self.hosts)


def plan(allocation: Allocation, scratch: str, remote: str, java_options: Sequence[str] = (),
         hdfs: bool = True, persistent: str = "", spark: bool = False) -> Setup:
    """Return the setup of a cluster for what a job has.

    Raises
    ------
    RuntimeError
        When a host has too little memory.
    """
    head = _beside_containers(hdfs, True) + _MASTER_MB
    if len(allocation.hosts) == 1:
        head += TASK_MB
    least = max(head, _beside_containers(hdfs, False) + TASK_MB + _MASTER_MB)
    if allocation.memory_mb < least:
        raise RuntimeError(f"{allocation.memory_mb} MB on each host are too little: Hadoop and one "
                           f"task of mr_extract take {least}")
    return Setup(allocation.name, list(allocation.hosts), allocation.cores, allocation.memory_mb,
                 f"{scratch.rstrip('/')}/myhadoop-{allocation.name}", remote, list(java_options),
                 free_ports(HEAD_PORTS), hdfs, persistent, spark)


def properties(setup: Setup, folder: str) -> dict[str, dict[str, Any]]:
    """Return properties by file that hosts of their own need beside those of one machine.

    Parameters
    ----------
    setup : Setup
    folder : str
        That all hosts see, for what jobs write where there is no HDFS.
    """
    any_address = "0.0.0.0"  # names of hosts lead to loopback addresses on some systems
    found: dict[str, dict[str, Any]] = {
        "core-site": {
            # A host that is gone is given up in seconds.
            "ipc.client.connect.max.retries": 3, "ipc.client.connect.timeout": 5000,
            "ipc.client.connect.max.retries.on.timeouts": 3,
        },
        "hdfs-site": {
            "dfs.namenode.rpc-bind-host": any_address, "dfs.namenode.http-bind-host": any_address,
            "dfs.datanode.http.address": f"{any_address}:0",
            "dfs.client.socket-timeout": 10000,
        },
        "yarn-site": {
            "yarn.resourcemanager.bind-host": any_address,
            "yarn.nodemanager.bind-host": any_address,
            # Else a host that died costs a job three minutes.
            "yarn.client.nodemanager-connect.max-wait-ms": 3000,
            "yarn.client.nodemanager-connect.retry-interval-ms": 1000,
            "yarn.scheduler.maximum-allocation-mb": max(map(setup.memory_of, setup.hosts)),
            "yarn.scheduler.maximum-allocation-vcores": setup.cores + 1,
        },
        "mapred-site": {"mapreduce.jobhistory.bind-host": any_address},
        "capacity-scheduler": {
            # Cores count as memory does.
            "yarn.scheduler.capacity.resource-calculator":
                "org.apache.hadoop.yarn.util.resource.DominantResourceCalculator",
        },
    }
    if not setup.hdfs:
        found["core-site"]["fs.defaultFS"] = "file:///"
        found["mapred-site"]["yarn.app.mapreduce.am.staging-dir"] = f"{folder}/staging"
    if setup.persistent:
        found["hdfs-site"]["dfs.datanode.data.dir"] = (
            f"file://{setup.persistent}/blocks-${{env.{WORKER_NUMBER}}}")
    return found


def _beside_containers(hdfs, is_head):
    """Return the megabytes of a host that daemons and clients take."""
    parts = 1 + hdfs
    return _DAEMON_MB * parts + is_head * (_DAEMON_MB * (1 + parts) + _CLIENT_MB)
