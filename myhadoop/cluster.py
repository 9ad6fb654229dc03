"""The daemons of a small Hadoop, wherever they run: started, waited for, ended."""

import json
import os
import pwd
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from myhadoop.commands import daemon
from myhadoop.configuration import Layout
from myhadoop.home import Home
from myhadoop.links import Link, last_words
from myhadoop.readiness import PAGES, ask, hdfs_is_ready, yarn_is_ready
from myhadoop.running import is_alive

HDFS, YARN = "hdfs", "yarn"
# Seconds; some 15 are usual, but machines may be busy, and jars be read over a network.
READY_WITHIN = 300.0


class Cluster(Home):
    """NameNode, DataNodes, ResourceManager, NodeManagers and JobHistoryServer.

    Who inherits sets `layout` (`myhadoop.configuration.Layout`), `workers` (their numbers) and
    `java` (options of the daemons' JVM), and says of each daemon where it runs and is kept.
    """

    layout: Layout
    workers: Sequence[int] = ()
    java: Sequence[str] = ()
    ready_within = READY_WITHIN

    def __init__(self, folder: str | Path) -> None:
        super().__init__(folder)
        self.user = pwd.getpwuid(os.geteuid()).pw_name

    def keeper_folder(self, name: str) -> Path:
        """Return the folder of the keeper of a daemon, as ``datanode-1``."""
        raise NotImplementedError

    def place(self, name: str) -> tuple[str, str | Path, dict[str, str]]:
        """Return host, folder and further environment of a daemon."""
        raise NotImplementedError

    def links(self) -> dict[Path, Link]:
        """Return the links to keepers by folder, starting them where they are not."""
        raise NotImplementedError

    @property
    def head(self) -> str:
        """Host of the NameNode, the ResourceManager and the JobHistoryServer."""
        return self.layout.head

    @property
    def filesystem(self) -> str:
        """URI of the file system, as ``hdfs://127.1.2.1:8020``."""
        return f"hdfs://{self.head}:{self.layout.head_ports['fs']}"

    @property
    def webhdfs(self) -> str:
        """URL of the NameNode."""
        return self.layout.url(PAGES["namenode"])

    @property
    def resourcemanager(self) -> str:
        """URL of the ResourceManager."""
        return self.layout.url(PAGES["resourcemanager"])

    @property
    def historyserver(self) -> str:
        """URL of the JobHistoryServer."""
        return self.layout.url(PAGES["historyserver"])

    def daemons(self, *parts: str) -> list[str]:
        """Return the names of the daemons of some parts: ``hdfs``, ``yarn``."""
        names = []
        if HDFS in parts:
            names += ["namenode", *(f"datanode-{k}" for k in self.workers)]
        if YARN in parts:
            names += ["resourcemanager", *(f"nodemanager-{k}" for k in self.workers),
                      "historyserver"]
        return names

    def start(self, *parts: str) -> None:
        """Start daemons, and wait until they serve.

        Parameters
        ----------
        *parts : {"hdfs", "yarn"}
            Default: both.

        Raises
        ------
        RuntimeError
            When a daemon ends or is not ready in time; with the end of its log.
        """
        parts = parts or (HDFS, YARN)
        links = self.links()
        if HDFS in parts and not self.is_formatted():
            self._format()
        for name in self.daemons(*parts):
            links[self.keeper_folder(name)].begin(name)
        self.wait_ready(*parts)
        if HDFS in parts:
            self._make_folders()

    def is_formatted(self) -> bool:
        """Tell whether there is a file system already."""
        return os.path.isdir(os.path.join(self.layout.name_folder, "current"))

    def wait_ready(self, *parts: str, within: float | None = None) -> None:
        """Wait until the file system and all its DataNodes serve, and likewise for YARN."""
        parts, within = parts or (HDFS, YARN), within or self.ready_within
        end = time.monotonic() + within
        number = len(self.workers)
        checks = {HDFS: lambda: hdfs_is_ready(self.webhdfs, number, self.ask),
                  YARN: lambda: yarn_is_ready(self.resourcemanager, self.historyserver, number,
                                              self.ask)}
        for part in parts:
            while not checks[part]():
                for name in self.daemons(part):
                    if self.has_ended(name):
                        raise RuntimeError(f"the {name} ended:\n{self.last_words(name)}")
                if time.monotonic() > end:
                    raise RuntimeError(f"{part} is not ready after {within:.0f} s; logs are in "
                                       f"{self.keeper_folder(self.daemons(part)[0]) / 'logs'}")
                time.sleep(0.1)

    def has_ended(self, name: str) -> bool:
        """Tell whether a daemon was started and has ended."""
        return (self._pid_file(name).exists() and not self.pid(name)
                and self._pid_file(name).exists())

    def pid(self, name: str) -> int | None:
        """Return the process id of a daemon of this host, None when it does not live."""
        try:
            pid = int(self._pid_file(name).read_text())
        except FileNotFoundError:
            return None
        return pid if is_alive(pid) else None

    def last_words(self, name: str, lines: int = 15) -> str:
        """Return the end of the log of a daemon."""
        return last_words(self.keeper_folder(name), name, lines)

    def ask(self, url: str, method: str = "GET") -> Any:
        """Return what a daemon answers as an object, None when it does not answer.

        Who inherits says how, where daemons want to know who asks.
        """
        return ask(url, method)

    def get(self, url: str) -> Any:
        """Return what a daemon answers as an object, None when it does not answer."""
        return self.ask(url)

    def write_orders(self) -> None:
        """Write for each keeper how its daemons are started."""
        orders: dict[Path, dict[str, Any]] = {}
        for name in self.daemons(HDFS, YARN):
            orders.setdefault(self.keeper_folder(name), {})[name] = self._daemon(name)
        for folder, daemons in orders.items():
            (folder / "run").mkdir(parents=True, exist_ok=True)
            (folder / "run" / "daemons.json").write_text(json.dumps(daemons, indent=1))
            for name in daemons:
                self._pid_file(name).unlink(missing_ok=True)

    def _pid_file(self, name):
        return self.keeper_folder(name) / "run" / f"{name}.pid"

    def _daemon(self, name):
        host, folder, environment = self.place(name)
        return daemon(name.partition("-")[0], self.java, self.conf, self.layout.jars, host,
                      folder, environment)

    def _format(self):
        namenode = self._daemon("namenode")
        done = subprocess.run(
            [*namenode["command"], "-format", "-nonInteractive"], env=namenode["environment"],
            capture_output=True, text=True, cwd=self.keeper_folder("namenode") / "logs",
        )
        if done.returncode:
            raise RuntimeError(f"cannot format the file system:\n{done.stderr[-2000:]}")

    def _make_folders(self):
        """Make the folders that people and programs take for granted."""
        for path, mode in (("/tmp", 1777), (f"/user/{self.user}", 755)):
            url = f"{self.webhdfs}/webhdfs/v1{path}?op=MKDIRS&permission={mode}"
            end = time.monotonic() + READY_WITHIN
            while not self.ask(f"{url}&user.name={self.user}", "PUT"):
                if time.monotonic() > end:
                    raise RuntimeError(f"the NameNode does not make {path}:\n"
                                       f"{self.last_words('namenode')}")
                time.sleep(0.1)
