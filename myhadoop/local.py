"""A Hadoop on this machine: each daemon a process of its own, each host an address of its own."""

import os
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from myhadoop import configuration, jars
from myhadoop.addresses import free_addresses, ports_of
from myhadoop.cluster import READY_WITHIN, Cluster
from myhadoop.configuration import HEAD_PORTS, WORKER_PORTS, Layout
from myhadoop.links import Link
from myhadoop.readiness import PAGES, serves
from myhadoop.running import is_alive


class LocalCluster(Cluster):
    """NameNode, DataNodes, ResourceManager, NodeManagers and JobHistoryServer of one's own.

    All state is in the folder. The head and each worker have a loopback address of their own,
    picked at random where all ports are free: to HDFS and YARN they are different hosts, and
    clusters side by side do not meet.

    Parameters
    ----------
    folder : path
        Made when it is not there; a file system that it holds is used again.
    workers : int
        DataNodes, and NodeManagers.
    settings : dict of str to dict of str to object, optional
        Further properties by file, as ``{"hdfs-site": {"dfs.replication": 1}}``.
    memory_mb, cores : int
        What each NodeManager may give away.
    alone : bool
        Let the daemons live on when this process ends, until `stop` or `stop_keeper`.
    java : sequence of str, optional
        Further options of every JVM.

    Raises
    ------
    RuntimeError
        When the jars are not there and cannot be fetched, or there is a blank in the path of the
        folder, with which Hadoop cannot do.
    """

    def __init__(self, folder: str | Path, workers: int = 2,
                 settings: Mapping[str, Mapping[str, object]] | None = None,
                 memory_mb: int = 4096, cores: int = 4, alone: bool = False,
                 java: Sequence[str] = ()) -> None:
        super().__init__(folder)
        self.jars = jars.fetch().resolve()
        for name in ("logs/userlogs", "tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.workers = range(1, workers + 1)
        self.addresses = free_addresses(workers + 1)
        jvm = (*configuration.JVM, *jars.shared_classes(),
               f"-Djdk.net.hosts.file={self.folder}/hosts", f"-Djava.io.tmpdir={self.folder}/tmp",
               *java)
        self.java = (*jvm, f"-Dhadoop.log.dir={self.folder}/logs",
                     "-Dhadoop.root.logger=INFO,console")
        self._link: Link | None = None
        self._alone = alone
        self.layout = Layout(
            head=self.addresses[0], jars=str(self.jars), name_folder=str(self.folder / "name"),
            logs=str(self.folder / "logs" / "userlogs"), workers=workers,
            memory_mb=memory_mb, cores=cores, jvm=jvm, data_address="127.0.0.1",
        )
        self.furnish(self.layout, self.java, settings)
        # Java asks this file alone: some resolvers call every loopback address localhost. The
        # name of this machine leads to the head, whose web pages go by it.
        names = [("127.0.0.1", "localhost"), *((address, address) for address in self.addresses),
                 (self.head, socket.gethostname())]
        (self.folder / "hosts").write_text("".join(f"{a} {name}\n" for a, name in names))
        self.write_orders()

    @property
    def ports(self) -> list[tuple[str, int]]:
        """All (address, port) that its daemons may listen on."""
        return ports_of(self.addresses)

    def keeper_folder(self, name: str) -> Path:
        """Return the folder of the keeper, which is one for all daemons."""
        return self.folder

    def place(self, name: str) -> tuple[str, str | Path, dict[str, str]]:
        """Return address, folder and further environment of a daemon."""
        number = int(name.partition("-")[2] or 0)
        folder = self.folder / (f"worker-{number}" if number else "head")
        folder.mkdir(exist_ok=True)
        return self.addresses[number], folder, {}

    def links(self) -> dict[Path, Link]:
        """Return the link to the keeper, which is started when it is not there."""
        if self._link is None:
            self._link = Link(self.folder, *(["--alone"] * self._alone))
        return {self.folder: self._link}

    def kill(self, name: str, with_signal: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a daemon, as ``datanode-1``; for SIGKILL wait until it is gone."""
        pid = self.pid(name)
        if pid is None:
            raise RuntimeError(f"the {name} does not live")
        os.kill(pid, with_signal)
        while with_signal == signal.SIGKILL and is_alive(pid):
            time.sleep(0.02)

    def restart(self, name: str) -> None:
        """Start a daemon, killing it first if it lives; `wait_serves` waits until it serves."""
        if self.pid(name):
            self.kill(name)
        self.links()[self.folder].begin(name)

    def stop(self) -> None:
        """End every process of the cluster; its files stay."""
        if self._link is not None:
            self._link.terminate()
            self._link = None

    def wait_serves(self, name: str, within: float = READY_WITHIN) -> None:
        """Wait until a daemon that was started again answers, and a DataNode has its blocks.

        The NameNode and the ResourceManager know for some seconds nothing of a worker's death,
        so that `wait_ready` cannot tell.
        """
        kind, _, number = name.partition("-")
        port = {**HEAD_PORTS, **WORKER_PORTS}[PAGES[kind]]
        url = f"http://{self.addresses[int(number or 0)]}:{port}"
        end = time.monotonic() + within
        while not serves(kind, url):
            if time.monotonic() > end:
                raise RuntimeError(f"the {name} does not serve:\n{self.last_words(name)}")
            time.sleep(0.1)
