"""A Hadoop on this machine: each daemon a process of its own, each host an address of its own."""

import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from myhadoop import configuration, jars, keeper
from myhadoop.addresses import free_addresses, ports_of
from myhadoop.commands import client_program, daemon
from myhadoop.configuration import HEAD_PORTS, Layout
from myhadoop.readiness import WEB_PORTS, ask, hdfs_is_ready, serves, yarn_is_ready
from myhadoop.running import is_alive

HDFS, YARN = "hdfs", "yarn"
READY_WITHIN = 120.0  # seconds; some 15 are usual



class LocalCluster:
    """NameNode, DataNodes, ResourceManager, NodeManagers and JobHistoryServer of one's own.

    The folder has the shape of an installed Hadoop, so that `HADOOP_HOME` may be set to it:
    ``bin/hadoop``, ``etc/hadoop``, ``logs``, and the streaming jar under ``share``. All state
    is in it. The head and each worker have a loopback address of their own, picked at random
    where all ports are free: to HDFS and YARN they are different hosts, and clusters side by
    side do not meet.

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

    Raises
    ------
    RuntimeError
        When the jars are not there and cannot be fetched, or there is a blank in the path of the
        folder, with which Hadoop cannot do.
    """

    def __init__(
        self,
        folder: str | Path,
        workers: int = 2,
        settings: Mapping[str, Mapping[str, object]] | None = None,
        memory_mb: int = 4096,
        cores: int = 4,
        alone: bool = False,
    ) -> None:
        self.folder = Path(folder).resolve()
        if " " in str(self.folder):
            raise RuntimeError(f"Hadoop takes no folder with a blank in its path: {self.folder}")
        self.jars = jars.fetch().resolve()
        for name in ("bin", "logs/userlogs", "run", "share/hadoop/tools/lib", "tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.workers = range(1, workers + 1)
        self.addresses = free_addresses(workers + 1)
        self.conf = self.folder / "etc" / "hadoop"
        self._jvm = (*configuration.JVM, f"-Djdk.net.hosts.file={self.folder}/hosts",
                     f"-Djava.io.tmpdir={self.folder}/tmp")
        self._java = (*self._jvm, f"-Dhadoop.log.dir={self.folder}/logs",
                      "-Dhadoop.root.logger=INFO,console")
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        self._keeper, self._alone = None, alone
        self._write(settings, memory_mb, cores)

    @property
    def head(self) -> str:
        """Address of the NameNode, the ResourceManager and the JobHistoryServer."""
        return self.addresses[0]

    @property
    def filesystem(self) -> str:
        """URI of the file system, as ``hdfs://127.1.2.1:8020``."""
        return f"hdfs://{self.head}:{HEAD_PORTS['fs']}"

    @property
    def webhdfs(self) -> str:
        """URL of the NameNode."""
        return f"http://{self.head}:{HEAD_PORTS['dfs.namenode.http-address']}"

    @property
    def resourcemanager(self) -> str:
        """URL of the ResourceManager."""
        return f"http://{self.head}:{HEAD_PORTS['yarn.resourcemanager.webapp.address']}"

    @property
    def hadoop_bin(self) -> Path:
        """The program ``hadoop`` for this cluster."""
        return self.folder / "bin" / "hadoop"

    @property
    def streaming_jar(self) -> Path:
        """Hadoop's streaming jar."""
        return jars.streaming(self.folder / "share/hadoop/tools/lib")

    @property
    def environment(self) -> dict[str, str]:
        """What to export for clients."""
        return {"HADOOP_HOME": str(self.folder), "HADOOP_CONF_DIR": str(self.conf)}

    @property
    def ports(self) -> list[tuple[str, int]]:
        """All (address, port) that its daemons may listen on."""
        return ports_of(self.addresses)

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
        if HDFS in parts and not (self.folder / "name" / "current").is_dir():
            self._format()
        if self._keeper is None:
            self._keep()
        for name in self.daemons(*parts):
            self._begin(name)
        self.wait_ready(*parts)
        if HDFS in parts:
            self._make_folders()

    def kill(self, name: str, with_signal: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a daemon, as ``datanode-1``; for SIGKILL wait until it is gone."""
        pid = cast(int, self.pid(name))
        os.kill(pid, with_signal)
        while with_signal == signal.SIGKILL and is_alive(pid):
            time.sleep(0.02)

    def restart(self, name: str) -> None:
        """Start a daemon, killing it first if it lives; `wait_serves` waits until it serves."""
        if self.pid(name):
            self.kill(name)
        self._begin(name)

    def pid(self, name: str) -> int | None:
        """Return the process id of a daemon, None when it does not live."""
        try:
            pid = int((self.folder / "run" / f"{name}.pid").read_text())
        except FileNotFoundError:
            return None
        return pid if is_alive(pid) else None

    def stop(self) -> None:
        """End every process of the cluster; its files stay."""
        if self._keeper is not None:
            self._keeper.terminate()
            self._keeper.wait()
            self._keeper.stdin.close()
            self._keeper = None

    def run(self, *args: object, **keywords: Any) -> subprocess.CompletedProcess[str]:
        """Run the program ``hadoop`` and return what `subprocess.run` does, with its output."""
        return subprocess.run([self.hadoop_bin, *map(str, args)], capture_output=True, text=True,
                              env={**os.environ, **self.environment}, **keywords)

    def wait_ready(self, *parts: str, within: float = READY_WITHIN) -> None:
        """Wait until the file system and all its DataNodes serve, and likewise for YARN."""
        parts = parts or (HDFS, YARN)
        end = time.monotonic() + within
        history = f"http://{self.head}:{WEB_PORTS['historyserver']}"
        number = len(self.workers)
        checks = {HDFS: lambda: hdfs_is_ready(self.webhdfs, number),
                  YARN: lambda: yarn_is_ready(self.resourcemanager, history, number)}
        for part in parts:
            while not checks[part]():
                for name in self.daemons(part):
                    pid_file = self.folder / "run" / f"{name}.pid"
                    if pid_file.exists() and not self.pid(name):
                        raise RuntimeError(f"the {name} ended:\n{self.last_words(name)}")
                if time.monotonic() > end:
                    raise RuntimeError(f"{part} is not ready after {within:.0f} s; logs are in "
                                       f"{self.folder / 'logs'}")
                time.sleep(0.1)

    def wait_serves(self, name: str, within: float = READY_WITHIN) -> None:
        """Wait until a daemon that was started again answers, and a DataNode has its blocks.

        The NameNode and the ResourceManager know for some seconds nothing of a worker's death,
        so that `wait_ready` cannot tell.
        """
        kind, _, number = name.partition("-")
        url = f"http://{self.addresses[int(number or 0)]}:{WEB_PORTS[kind]}"
        end = time.monotonic() + within
        while not serves(kind, url):
            if time.monotonic() > end:
                raise RuntimeError(f"the {name} does not serve:\n{self.last_words(name)}")
            time.sleep(0.1)

    def get(self, url: str) -> Any:
        """Return what a daemon answers as an object, None when it does not answer."""
        return ask(url)

    def last_words(self, name: str, lines: int = 15) -> str:
        """Return the end of the log of a daemon."""
        text = (self.folder / "logs" / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _make_folders(self):
        """Make the folders that people and programs take for granted."""
        for path, mode in (("/tmp", 1777), (f"/user/{self.user}", 755)):
            url = f"{self.webhdfs}/webhdfs/v1{path}?op=MKDIRS&permission={mode}"
            end = time.monotonic() + READY_WITHIN
            while not ask(f"{url}&user.name={self.user}", "PUT"):
                if time.monotonic() > end:
                    raise RuntimeError(f"the NameNode does not make {path}:\n"
                                       f"{self.last_words('namenode')}")
                time.sleep(0.1)

    def _write(self, settings, memory_mb, cores):
        """Write all that is not state: configuration, program, commands of the daemons."""
        layout = Layout(
            head=self.head, jars=str(self.jars), name_folder=str(self.folder / "name"),
            logs=str(self.folder / "logs" / "userlogs"), workers=len(self.workers),
            memory_mb=memory_mb, cores=cores, jvm=self._jvm,
            data_address="127.0.0.1",
        )
        configuration.write(self.conf, layout, settings)
        # Java asks this file alone: some resolvers call every loopback address localhost. The
        # name of this machine leads to the head, whose web pages go by it.
        names = [("127.0.0.1", "localhost"), *((address, address) for address in self.addresses),
                 (self.head, socket.gethostname())]
        (self.folder / "hosts").write_text("".join(f"{a} {name}\n" for a, name in names))
        self.hadoop_bin.write_text(client_program(self._java, self.conf, self.jars))
        self.hadoop_bin.chmod(0o755)
        self.streaming_jar.unlink(missing_ok=True)
        self.streaming_jar.symlink_to(jars.streaming(self.jars))
        daemons = {name: self._daemon(name) for name in self.daemons(HDFS, YARN)}
        (self.folder / "run" / "daemons.json").write_text(json.dumps(daemons, indent=1))
        for name in daemons:
            (self.folder / "run" / f"{name}.pid").unlink(missing_ok=True)

    def _daemon(self, name):
        kind, _, number = name.partition("-")
        number = int(number or 0)
        folder = self.folder / (f"worker-{number}" if number else "head")
        folder.mkdir(exist_ok=True)
        return daemon(kind, self._java, self.conf, self.jars, self.addresses[number], folder)

    def _format(self):
        namenode = self._daemon("namenode")
        done = subprocess.run(
            [*namenode["command"], "-format", "-nonInteractive"], env=namenode["environment"],
            capture_output=True, text=True, cwd=self.folder / "logs",
        )
        if done.returncode:
            raise RuntimeError(f"cannot format the file system:\n{done.stderr[-2000:]}")

    def _keep(self):
        with open(self.folder / "logs" / "keeper.log", "ab") as log:
            self._keeper = subprocess.Popen(
                [sys.executable, keeper.__file__, self.folder, *(["--alone"] * self._alone)],
                stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
            )
        (self.folder / "run" / "keeper.pid").write_text(f"{self._keeper.pid}\n")

    def _begin(self, name):
        pid_file = self.folder / "run" / f"{name}.pid"
        pid_file.unlink(missing_ok=True)
        self._keeper.stdin.write(f"{name}\n".encode())
        self._keeper.stdin.flush()
        while not pid_file.exists():
            if self._keeper.poll() is not None:
                raise RuntimeError(f"nothing can be started:\n{self.last_words('keeper')}")
            time.sleep(0.01)
