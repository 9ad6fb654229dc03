"""A Hadoop on the hosts of a batch job, each with a keeper that this process holds."""

import json
import shutil
import threading
import time
from dataclasses import asdict
from pathlib import Path

from myhadoop import configuration, jars, spark
from myhadoop.cluster import HDFS, YARN, Cluster
from myhadoop.configuration import WORKER_PORTS, Layout
from myhadoop.links import Link
from myhadoop.nodes import reach
from myhadoop.persistent import Held
from myhadoop.setups import TASK_MB, WORKER_NUMBER, Setup, properties
from myhadoop.telling import say

_BEAT = 10.0  # seconds
_ENDS_WITHIN = 20.0  # seconds
_MEMORY, _CORES = "MYHADOOP_MEMORY_MB", "MYHADOOP_CORES"


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
        self._held: Held | None = None
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
            name_folder=self.setup.name_folder, logs=f"{scratch}/userlogs",
            workers=len(self.workers), memory_mb=f"${{env.{_MEMORY}:-{TASK_MB}}}",
            cores=f"${{env.{_CORES}:-1}}", jvm=jvm, head_ports=self.setup.ports,
            worker_ports=dict.fromkeys(WORKER_PORTS, 0))

    @classmethod
    def configure(cls, folder: str | Path, setup: Setup) -> "BatchCluster":
        """Write the folder of a cluster and return the cluster."""
        made = Cluster(folder).folder
        made.mkdir(parents=True, exist_ok=True)
        (made / "cluster.json").write_text(json.dumps(asdict(setup), indent=1) + "\n")
        cluster = cls(made)
        cluster.furnish(cluster.layout, cluster.java, properties(setup, str(made)))
        if setup.spark:
            spark.write_defaults(cluster.conf.with_name("spark"), setup,
                                 "" if setup.hdfs else f"{made}/staging")
        if not setup.hdfs:
            (made / "staging").mkdir(mode=0o700, exist_ok=True)
            (made / "staging" / "tmp").mkdir(exist_ok=True)
        cluster.write_orders()
        return cluster

    @property
    def parts(self) -> tuple[str, ...]:
        """What there is of it: ``hdfs``, ``yarn``."""
        return (HDFS, YARN) if self.setup.hdfs else (YARN,)

    @property
    def filesystem(self) -> str:
        """URI of the file system."""
        return super().filesystem if self.setup.hdfs else "file://"

    def start(self, *parts: str) -> None:
        """Start what there is of it, as `Cluster.start`; a kept HDFS is this job's from now on.

        Raises
        ------
        RuntimeError
            Also when another job has that HDFS.
        """
        if self.setup.persistent and not self._held:
            self._held = Held(self.setup.persistent, self.setup.name, self.setup.hosts, say)
        super().start(*(parts or self.parts))

    @property
    def environment(self) -> dict[str, str]:
        """What to export for clients, whose temporary files go where the job's do."""
        # Without HDFS nobody copies them from there: nodes read code and lists where they lie.
        scratch = self.setup.scratch if self.setup.hdfs else self.folder / "staging"
        more = {"TMPDIR": f"{scratch}/tmp"}
        if self.setup.spark:
            more["SPARK_CONF_DIR"] = str(self.conf.with_name("spark"))
        return {**super().environment, **more}

    def keeper_folder(self, name: str) -> Path:
        """Return the folder of the keeper of a daemon's host."""
        return self.folder / "hosts" / self._host(name)

    def place(self, name: str) -> tuple[str, str | Path, dict[str, str]]:
        """Return host, folder and further environment of a daemon."""
        host = self._host(name)
        return host, self.setup.scratch, {
            _MEMORY: str(self.setup.memory_of(host)), _CORES: str(self.setup.cores_of(host)),
            WORKER_NUMBER: str(self.setup.hosts.index(host) + 1)}

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
        silent = [folder.name for folder, link in links.items()
                  if not link.end(max(0.1, end - time.monotonic()))]
        if self._held and not silent:  # else a DataNode may be there for another minute
            self._held.release()
        self._held = None
        return silent

    def clean(self) -> None:
        """Remove the scratch folder of every host, and of this folder all but logs."""
        for host in self.setup.hosts:
            folder = self.folder / "hosts" / host
            Link(folder, "--scratch", self.setup.scratch,
                 reach=reach(self.setup.remote, host)).end(_ENDS_WITHIN)
        self.tidy()

    def tidy(self) -> None:
        """Remove all but logs and the account of jobs from the folder."""
        for name in ("bin", "etc", "share", "run", "staging", "cluster.json",
                     *(f"hosts/{host}/run" for host in self.setup.hosts)):
            path = self.folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def _host(self, name):
        return self.setup.hosts[int(name.partition("-")[2] or 1) - 1]

    def _beat(self):
        while self._links:
            for link in list(self._links.values()):
                link.say("")
            if self._held:
                self._held.give_sign()
            time.sleep(_BEAT)
