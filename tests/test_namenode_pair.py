"""Two NameNodes, one active and one waiting: whichever is which, and while they change places."""

import io
import os
import signal
import socket
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest
from conftest import job

from mr_extract import storage
from mr_extract.storage.access import Access
from myhadoop import configuration, jars
from myhadoop.addresses import free_addresses
from myhadoop.commands import daemon
from myhadoop.readiness import ask

NAMES = ("one", "two")
DATA = os.urandom(300_000)
pytestmark = pytest.mark.needs("hdfs")


class Pair:
    """NameNodes ``one`` and ``two`` over a shared folder of edits, and a DataNode."""

    def __init__(self, folder):
        self.folder = folder
        self.at = dict(zip((*NAMES, "datanode"), free_addresses(3)))
        self.conf = folder / "conf"
        layout = configuration.Layout(
            head=self.at["one"], jars=str(jars.fetch()), name_folder="", logs=str(folder),
            workers=1, data_address="127.0.0.1")
        configuration.write(self.conf, layout, {
            "core-site": {"fs.defaultFS": "hdfs://survey"},
            "hdfs-site": {
                "dfs.nameservices": "survey", "dfs.ha.namenodes.survey": ",".join(NAMES),
                **{f"dfs.namenode.{kind}-address.survey.{name}": f"{self.at[name]}:{port}"
                   for name in NAMES for kind, port in (("rpc", 8020), ("http", 9870))},
                "dfs.namenode.name.dir": f"file://${{env.{configuration.WORKER_FOLDER}}}/name",
                "dfs.namenode.shared.edits.dir": f"file://{folder}/edits",
                "dfs.ha.fencing.methods": "shell(/bin/true)",
                "dfs.client.failover.proxy.provider.survey":
                    "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider",
            }})
        (folder / "hosts").write_text("".join(
            f"{address} {name}\n" for address, name in [
                *zip(self.at.values(), self.at.values()),
                ("127.0.0.1", "localhost"), ("127.0.0.1", socket.gethostname())]))
        self._processes = {}

    def start(self):
        self._run("one", "-format", "-nonInteractive")
        self.begin("one")
        self.wait(lambda: self.state("one") == "standby")
        self._run("two", "-bootstrapStandby", "-nonInteractive")
        self.begin("two")
        self.begin("datanode")
        self.wait(lambda: self.state("two") == "standby")
        self.make("one", "active")
        self.wait(lambda: all(
            (self._bean(name, "FSNamesystemState") or {}).get("NumLiveDataNodes")
            for name in NAMES))

    def begin(self, name):
        with open(self.folder / f"{name}.log", "ab") as log:
            self._processes[name] = subprocess.Popen(
                **self._daemon(name), stdout=log, stderr=log)

    def kill(self, name):
        self._processes.pop(name).send_signal(signal.SIGKILL)

    def stop(self):
        for process in self._processes.values():
            process.kill()
            process.wait()

    def state(self, name):
        return (self._bean(name, "NameNodeStatus") or {}).get("State")

    def make(self, name, state, *options):
        """Have a NameNode become active or standby."""
        words = self._daemon("datanode")
        words["args"][words["args"].index("-cp") + 2:] = [
            "org.apache.hadoop.hdfs.tools.DFSHAAdmin",
            f"-transitionTo{state.capitalize()}", *options, name]
        done = subprocess.run(**words, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self.wait(lambda: self.state(name) == state)

    def heal(self):
        """Start again what was killed, and see that one of them is active."""
        for name in set(NAMES) - self._processes.keys():
            self.begin(name)
            self.wait(lambda name=name: self.state(name) == "standby")
        if "active" not in [self.state(name) for name in NAMES]:
            self.make("one", "active", "--forceactive")

    def wait(self, true, within=240):
        end = time.monotonic() + within
        while not true():
            ended = [name for name, process in self._processes.items() if process.poll()]
            assert not ended and time.monotonic() < end, {
                name: self.folder.joinpath(f"{name}.log").read_text()[-1500:]
                for name in ended or self._processes}
            time.sleep(0.1)

    def _bean(self, name, bean):
        answer = ask(f"http://{self.at[name]}:9870/jmx?qry=Hadoop:service=NameNode,name={bean}")
        return answer and answer["beans"] and answer["beans"][0]

    def _daemon(self, name, *arguments):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        java = (*configuration.JVM, f"-Djdk.net.hosts.file={self.folder}/hosts",
                "-Dhadoop.root.logger=INFO,console")
        made = daemon("namenode" if name in NAMES else name, java, self.conf,
                      jars.fetch().resolve(), self.at[name], folder)
        if name in NAMES:
            # Every address is of this machine: which NameNode it is must be said.
            arguments = (f"-Ddfs.ha.namenode.id={name}", *arguments)
        return {"args": [*made["command"], *arguments], "env": made["environment"],
                "cwd": self.folder}

    def _run(self, name, *arguments):
        done = subprocess.run(**self._daemon(name, *arguments), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A pair of which `one` is active, and Hadoop's configuration that names it."""
    made = Pair(tmp_path_factory.mktemp("pair"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(autouse=True)
def survey(pair, monkeypatch):
    pair.heal()
    storage.configure(Access(fetch_timeout=10.0, fetch_budget=200.0))
    monkeypatch.setenv("HADOOP_CONF_DIR", str(pair.conf))


@contextmanager
def read_all_the_while(uris):
    stop, read = threading.Event(), []

    def work():
        while not stop.is_set():
            for uri in uris:
                read.append(storage.read(uri))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield read
    finally:
        stop.set()
        thread.join()


def test_they_change_places_while_files_are_read_and_written(pair, night):
    uris = ["hdfs://survey/a.fits", "webhdfs://survey/a.fits", "hdfs:///a.fits"]
    storage.write(uris[0], io.BytesIO(DATA))
    with read_all_the_while(uris) as read:
        for active, waiting in (("two", "one"), ("one", "two")):
            pair.make(waiting, "standby")  # for some seconds there is no active one
            pair.make(active, "active")
            for scheme in ("hdfs", "webhdfs"):
                storage.write(f"{scheme}://survey/{active}-{scheme}.fits", io.BytesIO(DATA[:9]))
                assert storage.stat(f"{scheme}://survey/{active}-{scheme}.fits").size == 9
        before = len(read)
        pair.wait(lambda: len(read) > before + 3)
    assert len(read) > 10 and all(data == DATA for data in read)
    assert len(list(storage.list_files("webhdfs://survey/"))) == 5
    assert len(list(storage.list_files("hdfs://survey/"))) == 5


def test_the_active_one_is_killed_while_a_job_reads(pair, night, tmp_path):
    paths = sorted(night.glob("*.fits"))[:4]
    for path in paths:
        storage.write(f"hdfs://survey/night/{path.name}", io.BytesIO(path.read_bytes()))
    lines = [f"hdfs://survey/night/{path.name}\tid={path.name}" for path in paths]
    storage.write("hdfs://survey/list.txt", io.BytesIO("\n".join(lines).encode()))
    (tmp_path / "here.txt").write_text("".join(f"{path}\tid={path.name}\n" for path in paths))
    before = job("-r", "inline", "--fetch-budget", "200", "hdfs://survey/list.txt")
    active = next(name for name in NAMES if pair.state(name) == "active")
    waiting = NAMES[1 - NAMES.index(active)]
    pair.kill(active)
    taken_over = threading.Timer(1.0, pair.make, (waiting, "active", "--forceactive"))
    taken_over.start()
    after = job("-r", "inline", "--fetch-budget", "200", "hdfs://survey/list.txt")
    taken_over.join()
    here = job("-r", "inline", tmp_path / "here.txt")
    assert before.status == after.status == here.status == 0, after.err
    assert before.out == after.out == here.out
