"""A Hadoop on the hosts of a batch job, each with a keeper that this process holds."""

import json
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from myhadoop import configuration, jars
from myhadoop.addresses import free_ports
from myhadoop.allocation import Allocation
from myhadoop.cluster import Cluster
from myhadoop.configuration import HEAD_PORTS, WORKER_PORTS, Layout
from myhadoop.links import Link
from myhadoop.nodes import reach

# What of a host's memory is not for containers: two daemons on each; on the head three more,
# the client and the program that starts the job.
_WORKER_MB, _HEAD_MB = 1024, 2560
_MASTER_MB, _TASK_MB = 512, 2048  # what an ApplicationMaster and a map task of mr_extract take
_BEAT = 10.0  # seconds
_ENDS_WITHIN = 20.0  # seconds
_MEMORY, _CORES = "MYHADOOP_MEMORY_MB", "MYHADOOP_CORES"


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
    """

    name: str
    hosts: list[str]
    cores: int
    memory_mb: int
    scratch: str
    remote: str
    java_options: list[str]
    ports: dict[str, int]


def plan(allocation: Allocation, scratch: str, remote: str,
         java_options: Sequence[str] = ()) -> Setup:
    """Return the setup of a cluster for what a job has.

    Raises
    ------
    RuntimeError
        When a host has too little memory.
    """
    least = _HEAD_MB + _WORKER_MB + _MASTER_MB
    if len(allocation.hosts) == 1:
        least += _TASK_MB
    least = max(least, _WORKER_MB + _TASK_MB + _MASTER_MB)
    if allocation.memory_mb < least:
        raise RuntimeError(f"{allocation.memory_mb} MB on each host are too little: Hadoop and one "
                           f"task of mr_extract take {least}")
    return Setup(allocation.name, list(allocation.hosts), allocation.cores, allocation.memory_mb,
                 f"{scratch.rstrip('/')}/myhadoop-{allocation.name}", remote, list(java_options),
                 free_ports(HEAD_PORTS))


class BatchCluster(Cluster):
    """The daemons of a batch job.

    Parameters
    ----------
    folder : path
        That all hosts see; `configure` writes it.
    """

    def __init__(self, folder: str | Path) -> None:
        super().__init__(folder)
        self._links: dict[Path, Link] = {}
        try:
            told = json.loads((self.folder / "cluster.json").read_text())
        except FileNotFoundError:
            raise RuntimeError(f"nothing is configured in {self.folder}") from None
        self.setup = Setup(**told)
        scratch = self.setup.scratch
        self.workers = range(1, len(self.setup.hosts) + 1)
        jvm = (*configuration.JVM, *jars.shared_classes(), *self.setup.java_options)
        self.java = (*jvm, f"-Djava.io.tmpdir={scratch}/tmp", f"-Dhadoop.log.dir={scratch}",
                     "-Dhadoop.root.logger=INFO,console")
        self.layout = Layout(
            head=self.setup.hosts[0], jars=str(jars.folder().resolve()),
            name_folder=f"{scratch}/name", logs=f"{scratch}/userlogs", workers=len(self.workers),
            memory_mb=f"${{env.{_MEMORY}:-{_TASK_MB}}}", cores=f"${{env.{_CORES}:-1}}", jvm=jvm,
            head_ports=self.setup.ports, worker_ports=dict.fromkeys(WORKER_PORTS, 0))

    @classmethod
    def configure(cls, folder: str | Path, setup: Setup) -> "BatchCluster":
        """Write the folder of a cluster and return the cluster."""
        made = Cluster(folder).folder
        made.mkdir(parents=True, exist_ok=True)
        (made / "cluster.json").write_text(json.dumps(asdict(setup), indent=1) + "\n")
        cluster = cls(made)
        cluster.furnish(cluster.layout, cluster.java, _settings(setup))
        cluster.write_orders()
        return cluster

    @property
    def environment(self) -> dict[str, str]:
        """What to export for clients, whose temporary files go where the job's do."""
        return {**super().environment, "TMPDIR": f"{self.setup.scratch}/tmp"}

    def keeper_folder(self, name: str) -> Path:
        """Return the folder of the keeper of a daemon's host."""
        return self.folder / "hosts" / self._host(name)

    def place(self, name: str) -> tuple[str, str | Path, dict[str, str]]:
        """Return host, folder and further environment of a daemon."""
        host = self._host(name)
        return host, self.setup.scratch, {
            _MEMORY: str(_memory_mb(self.setup, host)),
            # The head's further one is for the ApplicationMaster, which only waits.
            _CORES: str(self.setup.cores + (host == self.head))}

    def links(self) -> dict[Path, Link]:
        """Return the links to the keepers of all hosts, which are started at first."""
        if not self._links:
            for host in self.setup.hosts:
                folder = self.folder / "hosts" / host
                (folder / "run" / "scratch").unlink(missing_ok=True)
                self._links[folder] = Link(folder, "--scratch", self.setup.scratch,
                                           reach=reach(self.setup.remote, host))
            threading.Thread(target=self._beat, daemon=True).start()
            end = time.monotonic() + 30
            while missing := [folder.name for folder in self._links
                              if not (folder / "run" / "scratch").exists()]:
                if time.monotonic() > end or self.lost():
                    raise RuntimeError(f"nothing starts on {' '.join(self.lost() or missing)}; see "
                                       f"{self.folder}/hosts/*/logs/keeper.log")
                time.sleep(0.05)
        return self._links

    def has_ended(self, name: str) -> bool:
        """Tell whether the keeper of a daemon has ended, or it has on this host."""
        if self._host(name) in self.lost():
            return True
        return self._host(name) == self.head and super().has_ended(name)

    def lost(self) -> list[str]:
        """Return the hosts whose keepers have ended, or cannot be reached any more."""
        return [folder.name for folder, link in self._links.items() if not link.lives()]

    def stop(self) -> list[str]:
        """End all on every host; return the hosts that did not say that they have."""
        links, self._links = self._links, {}
        for link in links.values():
            link.let_go()
        end = time.monotonic() + _ENDS_WITHIN
        return [folder.name for folder, link in links.items()
                if not link.end(max(0.1, end - time.monotonic()))]

    def clean(self) -> None:
        """Remove the scratch folder of every host, and of this folder all but logs."""
        for host in self.setup.hosts:
            folder = self.folder / "hosts" / host
            Link(folder, "--scratch", self.setup.scratch,
                 reach=reach(self.setup.remote, host)).end(_ENDS_WITHIN)
        self.tidy()

    def tidy(self) -> None:
        """Remove all but logs and the account of jobs from the folder."""
        for name in ("bin", "etc", "share", "run", "cluster.json",
                     *(f"hosts/{host}/run" for host in self.setup.hosts)):
            path = self.folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def _host(self, name):
        return self.setup.hosts[int(name.partition("-")[2] or 1) - 1]

    def _beat(self):
        while self._links:
            for link in list(self._links.values()):
                link.say("")
            time.sleep(_BEAT)


def _memory_mb(setup, host):
    """Return what the containers of a host may take."""
    return setup.memory_mb - _WORKER_MB - (_HEAD_MB if host == setup.hosts[0] else 0)


def _settings(setup):
    """Return properties that hosts of their own need beside those of one machine."""
    any_address = "0.0.0.0"  # names of hosts lead to loopback addresses on some systems
    return {
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
            "yarn.client.nodemanager-connect.max-wait-ms": 3000,
            "yarn.client.nodemanager-connect.retry-interval-ms": 1000,
            "yarn.scheduler.maximum-allocation-mb":
                max(_memory_mb(setup, host) for host in setup.hosts),
            "yarn.scheduler.maximum-allocation-vcores": setup.cores + 1,
        },
        "mapred-site": {"mapreduce.jobhistory.bind-host": any_address},
        "capacity-scheduler": {
            # Cores count as memory does.
            "yarn.scheduler.capacity.resource-calculator":
                "org.apache.hadoop.yarn.util.resource.DominantResourceCalculator",
        },
    }
