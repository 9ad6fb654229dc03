"""A Hadoop on this machine: each daemon a process of its own, each host an address of its own."""

import http.client
import json
import os
import pwd
import random
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from myhadoop import configuration, jars, keeper
from myhadoop.configuration import HEAD_PORTS, WORKER_PORTS, Layout

HDFS, YARN = "hdfs", "yarn"
READY_WITHIN = 120.0  # seconds; some 15 are usual

_CLASSES = {
    "namenode": "org.apache.hadoop.hdfs.server.namenode.NameNode",
    "datanode": "org.apache.hadoop.hdfs.server.datanode.DataNode",
    "resourcemanager": "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager",
    "nodemanager": "org.apache.hadoop.yarn.server.nodemanager.NodeManager",
    "historyserver": "org.apache.hadoop.mapreduce.v2.hs.JobHistoryServer",
}

_WEB_PORTS = {
    "namenode": HEAD_PORTS["dfs.namenode.http-address"],
    "datanode": WORKER_PORTS["dfs.datanode.http.address"],
    "resourcemanager": HEAD_PORTS["yarn.resourcemanager.webapp.address"],
    "nodemanager": WORKER_PORTS["yarn.nodemanager.webapp.address"],
    "historyserver": HEAD_PORTS["mapreduce.jobhistory.webapp.address"],
}

_PROGRAM = """\
#!/bin/sh
# The sub-commands of `hadoop` that clients call, over plain jars.
command=$1
shift
case $command in
  version) class=org.apache.hadoop.util.VersionInfo ;;
  jar) class=org.apache.hadoop.util.RunJar ;;
  fs) class=org.apache.hadoop.fs.FsShell ;;
  job) class=org.apache.hadoop.mapred.JobClient ;;
  *) echo "hadoop: $command is none of version, jar, fs, job" >&2; exit 2 ;;
esac
exec {java} -cp "${{HADOOP_CONF_DIR:-{conf}}}:"{jars}'/*' "$class" "$@"
"""


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
        When the jars are not there and cannot be fetched.
    """

    def __init__(self, folder, workers=2, settings=None, memory_mb=4096, cores=4, alone=False):
        self.folder = Path(folder).resolve()
        self.jars = jars.fetch().resolve()
        for name in ("bin", "logs/userlogs", "run", "share/hadoop/tools/lib", "tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.workers = range(1, workers + 1)
        self.addresses = _free_addresses(workers + 1)
        self.conf = self.folder / "etc" / "hadoop"
        self._jvm = (*configuration.JVM, f"-Djdk.net.hosts.file={self.folder}/hosts",
                     f"-Djava.io.tmpdir={self.folder}/tmp")
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        self._keeper, self._alone = None, alone
        self._write(settings, memory_mb, cores)

    @property
    def head(self):
        """Address of the NameNode, the ResourceManager and the JobHistoryServer."""
        return self.addresses[0]

    @property
    def filesystem(self):
        """URI of the file system, as ``hdfs://127.1.2.1:8020``."""
        return f"hdfs://{self.head}:{HEAD_PORTS['fs']}"

    @property
    def webhdfs(self):
        """URL of the NameNode."""
        return f"http://{self.head}:{HEAD_PORTS['dfs.namenode.http-address']}"

    @property
    def resourcemanager(self):
        """URL of the ResourceManager."""
        return f"http://{self.head}:{HEAD_PORTS['yarn.resourcemanager.webapp.address']}"

    @property
    def hadoop_bin(self):
        """The program ``hadoop`` for this cluster."""
        return self.folder / "bin" / "hadoop"

    @property
    def streaming_jar(self):
        """Hadoop's streaming jar."""
        return jars.streaming(self.folder / "share/hadoop/tools/lib")

    @property
    def environment(self):
        """What to export for clients."""
        return {"HADOOP_HOME": str(self.folder), "HADOOP_CONF_DIR": str(self.conf)}

    @property
    def ports(self):
        """All (address, port) that its daemons may listen on."""
        return _ports(self.addresses)

    def daemons(self, *parts):
        """Return the names of the daemons of some parts: ``hdfs``, ``yarn``."""
        names = []
        if HDFS in parts:
            names += ["namenode", *(f"datanode-{k}" for k in self.workers)]
        if YARN in parts:
            names += ["resourcemanager", *(f"nodemanager-{k}" for k in self.workers),
                      "historyserver"]
        return names

    def start(self, *parts):
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

    def kill(self, name, with_signal=signal.SIGKILL):
        """Send a signal to a daemon, as ``datanode-1``; for SIGKILL wait until it is gone."""
        pid = self.pid(name)
        os.kill(pid, with_signal)
        while with_signal == signal.SIGKILL and _is_alive(pid):
            time.sleep(0.02)

    def restart(self, name):
        """Start a daemon, killing it first if it lives; `wait_serves` waits until it serves."""
        if self.pid(name):
            self.kill(name)
        self._begin(name)

    def pid(self, name):
        """Return the process id of a daemon, None when it does not live."""
        try:
            pid = int((self.folder / "run" / f"{name}.pid").read_text())
        except FileNotFoundError:
            return None
        return pid if _is_alive(pid) else None

    def stop(self):
        """End every process of the cluster; its files stay."""
        if self._keeper is not None:
            self._keeper.terminate()
            self._keeper.wait()
            self._keeper.stdin.close()
            self._keeper = None

    def run(self, *args, **keywords):
        """Run the program ``hadoop`` and return what `subprocess.run` does, with its output."""
        return subprocess.run([self.hadoop_bin, *map(str, args)], capture_output=True, text=True,
                              env={**os.environ, **self.environment}, **keywords)

    def wait_ready(self, *parts, within=READY_WITHIN):
        """Wait until the file system and all its DataNodes serve, and likewise for YARN."""
        parts = parts or (HDFS, YARN)
        end = time.monotonic() + within
        checks = {HDFS: self._hdfs_is_ready, YARN: self._yarn_is_ready}
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

    def wait_serves(self, name, within=READY_WITHIN):
        """Wait until a daemon that was started again answers, and a DataNode has its blocks.

        The NameNode and the ResourceManager know for some seconds nothing of a worker's death,
        so that `wait_ready` cannot tell.
        """
        kind, _, number = name.partition("-")
        url = f"http://{self.addresses[int(number or 0)]}:{_WEB_PORTS[kind]}/jmx"
        end = time.monotonic() + within
        while not self._serves(kind, url):
            if time.monotonic() > end:
                raise RuntimeError(f"the {name} does not serve:\n{self.last_words(name)}")
            time.sleep(0.1)

    def _serves(self, kind, url):
        if kind != "datanode":
            return self.get(url) is not None
        answer = self.get(f"{url}?qry=Hadoop:service=DataNode,name=DataNodeInfo")
        beans = answer["beans"] if answer else []
        actors = json.loads(beans[0].get("BPServiceActorInfo") or "[]") if beans else []
        return bool(actors) and all(actor["ActorState"] == "RUNNING" for actor in actors)

    def last_words(self, name, lines=15):
        """Return the end of the log of a daemon."""
        text = (self.folder / "logs" / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def get(self, url, method="GET"):
        """Return what a daemon answers to a request as an object, None when it does not answer."""
        host, _, path = url.removeprefix("http://").partition("/")
        connection = http.client.HTTPConnection(host, timeout=5)
        try:
            connection.request(method, f"/{path}", headers={"Accept": "application/json"})
            answer = connection.getresponse()
            return json.loads(answer.read()) if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def _make_folders(self):
        """Make the folders that people and programs take for granted."""
        for path, mode in (("/tmp", 1777), (f"/user/{self.user}", 755)):
            url = f"{self.webhdfs}/webhdfs/v1{path}?op=MKDIRS&permission={mode}"
            if not self.get(f"{url}&user.name={self.user}", "PUT"):
                raise RuntimeError(f"the NameNode does not make {path}")

    def _hdfs_is_ready(self):
        answer = self.get(f"{self.webhdfs}/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState")
        state = answer["beans"][0] if answer and answer["beans"] else {}
        return (state.get("FSState") == "Operational"
                and state.get("NumLiveDataNodes") == len(self.workers))

    def _yarn_is_ready(self):
        answer = self.get(f"{self.resourcemanager}/ws/v1/cluster/metrics")
        port = HEAD_PORTS["mapreduce.jobhistory.webapp.address"]
        return (answer is not None
                and answer["clusterMetrics"]["activeNodes"] == len(self.workers)
                and self.get(f"http://{self.head}:{port}/ws/v1/history/info") is not None)

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
        self.hadoop_bin.write_text(_PROGRAM.format(
            java=shlex.join(self._java(512)), conf=shlex.quote(str(self.conf)),
            jars=shlex.quote(str(self.jars))))
        self.hadoop_bin.chmod(0o755)
        self.streaming_jar.unlink(missing_ok=True)
        self.streaming_jar.symlink_to(jars.streaming(self.jars))
        daemons = {name: self._daemon(name) for name in self.daemons(HDFS, YARN)}
        (self.folder / "run" / "daemons.json").write_text(json.dumps(daemons, indent=1))
        for name in daemons:
            (self.folder / "run" / f"{name}.pid").unlink(missing_ok=True)

    def _java(self, megabytes):
        return [jars.java(), f"-Xmx{megabytes}m", *self._jvm,
                f"-Dhadoop.log.dir={self.folder}/logs", "-Dhadoop.root.logger=INFO,console"]

    def _daemon(self, name):
        kind, _, number = name.partition("-")
        number = int(number or 0)
        folder = self.folder / (f"worker-{number}" if number else "head")
        folder.mkdir(exist_ok=True)
        home = Path(os.path.realpath(jars.java())).parent.parent
        return {
            "command": [*self._java(384), "-cp", f"{self.conf}:{self.jars}/*", _CLASSES[kind]],
            "environment": {
                "PATH": os.environ["PATH"], "JAVA_HOME": str(home), "LANG": "C.UTF-8",
                "USER": os.environ.get("USER", ""), "HOME": os.environ.get("HOME", "/"),
                "HADOOP_CONF_DIR": str(self.conf),
                configuration.WORKER_HOST: self.addresses[number],
                configuration.WORKER_FOLDER: str(folder),
            },
        }

    def _format(self):
        daemon = self._daemon("namenode")
        done = subprocess.run(
            [*daemon["command"], "-format", "-nonInteractive"], env=daemon["environment"],
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


def stop_keeper(folder):
    """End a cluster that was left to itself; False when none runs there.

    Parameters
    ----------
    folder : path
        Of the cluster.
    """
    path = Path(folder).resolve() / "run" / "keeper.pid"
    pid = running_keeper(folder)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        while _is_alive(pid):
            time.sleep(0.05)
    path.unlink(missing_ok=True)
    return pid is not None


def running_keeper(folder):
    """Return the process id of the keeper of a folder, None when it does not live."""
    folder = Path(folder).resolve()
    try:
        pid = int((folder / "run" / "keeper.pid").read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # A number may have been given to another process since.
    return pid if os.fsencode(folder) in words and _is_alive(pid) else None


def _is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def _ports(addresses):
    head, *workers = addresses
    return ([(head, port) for port in HEAD_PORTS.values()]
            + [(worker, port) for worker in workers for port in WORKER_PORTS.values()])


def _free_addresses(number):
    """Return loopback addresses of a random network on which all ports are free."""
    for _ in range(100):
        network = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}"
        addresses = [f"{network}.{k}" for k in range(1, number + 1)]
        if all(map(_is_free, _ports(addresses))):
            return addresses
    raise RuntimeError("a port that Hadoop needs is taken on every loopback address: "
                       f"one of {sorted([*HEAD_PORTS.values(), *WORKER_PORTS.values()])}")


def _is_free(place):
    with socket.socket() as probe:
        try:
            probe.bind(place)
        except OSError:
            return False
    return True
