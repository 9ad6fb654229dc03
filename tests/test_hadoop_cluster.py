"""A Hadoop of one's own: it serves, and it leaves nothing."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, command
from hadoop_clusters import processes_of

from myhadoop import jars, shared_classes


def webhdfs(cluster, method, path, operation, body=None):
    """Ask as any client does, following the NameNode to a DataNode."""
    place = cluster.webhdfs.removeprefix("http://")
    path = f"/webhdfs/v1{path}?user.name={cluster.user}&op={operation}"
    while True:
        connection = http.client.HTTPConnection(place, timeout=30)
        connection.request(method, path, body if place not in cluster.webhdfs else None)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != 307:
            assert answer.status in (200, 201), text
            return text
        place, _, path = answer.headers["Location"].removeprefix("http://").partition("/")
        path = f"/{path}"


def all_free(ports):
    for place in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(place)
            except OSError:
                return False
    return True


def wait_until(true, timeout=120):
    end = time.monotonic() + timeout
    while not true() and time.monotonic() < end:
        time.sleep(0.1)
    return true()


def test_what_webhdfs_writes_the_program_reads_from_both_hosts(hdfs):
    body = bytes(range(256)) * 5000
    webhdfs(hdfs, "PUT", "/tmp/a/file", "CREATE&overwrite=true", body)
    assert webhdfs(hdfs, "GET", "/tmp/a/file", "OPEN") == body
    read = subprocess.run([hdfs.hadoop_bin, "fs", "-cat", "/tmp/a/file"], capture_output=True)
    assert read.stdout == body and read.stderr == b""
    blocks = json.loads(webhdfs(hdfs, "GET", "/tmp/a/file", "GETFILEBLOCKLOCATIONS"))
    hosts = blocks["BlockLocations"]["BlockLocation"][0]["hosts"]
    assert sorted(hosts) == sorted(hdfs.addresses[1:])


def test_the_nodes_of_yarn_are_the_hosts_of_the_blocks(hadoop):
    nodes = hadoop.get(f"{hadoop.resourcemanager}/ws/v1/cluster/nodes")["nodes"]["node"]
    assert sorted(node["nodeHostName"] for node in nodes) == sorted(hadoop.addresses[1:])
    assert {node["state"] for node in nodes} == {"RUNNING"}


def test_what_daemons_keep_is_in_the_folder(hadoop):
    assert (hadoop.folder / "head" / "node-attributes").is_dir()
    # Where Hadoop has it when nobody says.
    began = (hadoop.folder / "run" / "keeper.pid").stat().st_mtime
    beside = Path(f"/tmp/hadoop-yarn-{hadoop.user}").rglob("*")
    assert [path for path in beside if path.stat().st_mtime >= began] == []


def test_clients_and_daemons_start_with_the_classes_that_are_shared(hdfs, tmp_path):
    for name in ("namenode", "datanode-1"):
        with open(f"/proc/{hdfs.pid(name)}/maps") as maps:
            assert "/classes-" in maps.read()
    loaded = tmp_path / "loaded"
    told = command([hdfs.hadoop_bin, "fs", "-ls", "-d", "/tmp"],
                   env={"_JAVA_OPTIONS": f"-Xlog:class+load:file={loaded}"})
    assert told.status == 0 and told.lines[0].endswith(" /tmp")
    assert loaded.read_text().count("shared objects file (top)") > 1000


@pytest.mark.needs("hdfs")
def test_classes_of_another_class_path_are_not_shared_and_nothing_is_said(tmp_path):
    java, folder = jars.java(), jars.fetch().resolve()
    options = jars.shared_classes()
    assert options
    (tmp_path / "log4j.properties").write_text("log4j.rootLogger=OFF\n")
    done = command([java, *options, "-cp", f"{tmp_path}:{folder}/*",
                    "org.apache.hadoop.util.VersionInfo"])
    assert (done.status, done.lines[0], done.err) == (0, f"Hadoop {jars.VERSION}", "")


@pytest.mark.parametrize("does", ["exit 1", "exit 0"])
def test_where_classes_cannot_be_shared_hadoop_runs_without(tmp_path, does):
    """With a Java that does not know how."""
    java, folder = tmp_path / "java", tmp_path / "jars"
    folder.mkdir()
    java.write_text(f"#!/bin/sh\n{does}\n")
    java.chmod(0o755)
    assert not shared_classes.make(str(java), folder, folder / "streaming.jar")
    assert shared_classes.options(str(java), folder) == ()
    assert list(folder.iterdir()) == []


@pytest.mark.needs("hdfs")
def test_a_daemon_can_be_killed_and_started_again_and_nothing_is_left_at_the_end(new_cluster):
    cluster = new_cluster(workers=1)
    cluster.start("hdfs")
    webhdfs(cluster, "PUT", "/file", "CREATE", b"one replica")
    pid = cluster.pid("datanode-1")
    cluster.kill("datanode-1")
    assert cluster.pid("datanode-1") is None
    cluster.restart("datanode-1")
    assert cluster.pid("datanode-1") not in (None, pid)
    cluster.wait_serves("datanode-1")
    assert webhdfs(cluster, "GET", "/file", "OPEN") == b"one replica"
    assert len(processes_of(cluster.folder)) == 3  # with the keeper
    cluster.stop()
    assert processes_of(cluster.folder) == {}
    assert all_free(cluster.ports)


@pytest.mark.needs("hdfs")
def test_a_daemon_that_cannot_start_says_why(new_cluster):
    cluster = new_cluster(settings={"hdfs-site": {"dfs.namenode.name.dir": "file:///proc/none"}})
    (cluster.folder / "name" / "current").mkdir(parents=True)  # as if it were formatted
    with pytest.raises(RuntimeError, match="(?s)the namenode ended:.*/proc/none"):
        cluster.start("hdfs")


@pytest.mark.needs("hdfs")
def test_a_folder_with_a_blank_is_refused(tmp_path):
    run = command([sys.executable, "-m", "myhadoop", "up", "--folder", tmp_path / "a b"], cwd=ROOT)
    assert run.status == 1 and "no folder with a blank in its path" in run.err


@pytest.mark.needs("hdfs")
def test_whoever_started_it_may_be_killed_and_nothing_is_left(tmp_path):
    folder = tmp_path / "hadoop"
    # A DataNode without its NameNode lives on, and is enough.
    script = ("import sys, time; from myhadoop.local import LocalCluster\n"
              f"cluster = LocalCluster({str(folder)!r}); cluster.restart('datanode-1')\n"
              "while not cluster.pid('datanode-1'): time.sleep(0.05)\n"
              "print('ready', flush=True); time.sleep(600)")
    owner = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)
    assert owner.stdout.readline() == b"ready\n"
    assert len(processes_of(folder)) >= 2  # with the keeper
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    assert wait_until(lambda: processes_of(folder) == {})
