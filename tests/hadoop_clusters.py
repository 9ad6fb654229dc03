"""Real Hadoop for the tests: one that they share, and new ones for those that break it.

`cluster.kill("datanode-1")` and `cluster.restart("datanode-1")` are there for faults; a
test that leaves the shared one other than it was must take a `new_cluster`.
"""

import functools
import os
from pathlib import Path
from urllib.parse import quote

import pytest

from myhadoop import jars
from myhadoop.local import LocalCluster
from myhadoop.readiness import ask


@functools.cache
def lacks_hadoop():
    """Say why there can be no Hadoop; fetches its jars when they are not there."""
    reason = jars.lacking()
    if not reason:
        try:
            jars.fetch()
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
    return reason


@pytest.fixture(scope="session")
def hdfs(tmp_path_factory):
    """A cluster whose HDFS runs: `LocalCluster` with two DataNodes."""
    cluster = LocalCluster(tmp_path_factory.mktemp("hadoop"))
    try:
        cluster.start("hdfs")
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def hadoop(hdfs):
    """The same cluster with YARN: two NodeManagers on the hosts of the DataNodes."""
    hdfs.start("yarn")
    return hdfs


@pytest.fixture
def new_cluster(tmp_path):
    """Make a `LocalCluster` (not started) that ends with the test; takes its arguments."""
    clusters = []

    def make(**keywords):
        clusters.append(LocalCluster(tmp_path / f"hadoop-{len(clusters)}", **keywords))
        return clusters[-1]

    yield make
    for cluster in clusters:
        cluster.stop()


def clear(cluster, *paths):
    """Remove from HDFS what a test has left when it ran before, if it did."""
    for path in paths:
        ask(f"{cluster.webhdfs}/webhdfs/v1{quote(path)}?op=DELETE&recursive=true"
            f"&user.name={cluster.user}", "DELETE")


def processes_of(folder):
    """Return the command lines by pid of the processes that have to do with a cluster's folder.

    Parameters
    ----------
    folder : path
    """
    found = {}
    name = os.fsencode(Path(folder).resolve())
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        try:
            words = (process / "cmdline").read_bytes()
            told = words + (process / "environ").read_bytes()
        except OSError:
            continue  # it has ended
        if name in told:
            found[int(process.name)] = words.replace(b"\0", b" ").decode(errors="replace")
    return found
