"""HDFS as it is: real NameNodes and DataNodes, and what becomes of files when they fail."""

import itertools
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import hdfs_native
import pytest
from conftest import ROOT, job
from pages import commands_of, read_page, shell_in
from test_storage_contract import fails, put

from bench.clusters.slurm_lab import wait_until
from mr_extract import storage
from mr_extract.storage.access import Access
from mr_extract.storage.faults import Passing
from mr_extract.storage.hadoop import errors as hadoop_errors
from mr_extract.storage.hdfs.tokens import as_tokens_have_it
from myhadoop.local import LocalCluster

DATA = random.Random(1).randbytes(20_000_000)
SCHEMES = ["hdfs", "webhdfs"]


@pytest.fixture
def impatient():
    storage.configure(Access(fetch_timeout=10.0, fetch_budget=2.0))


def root(cluster, scheme):
    """Return the URI of the root of a cluster's file system."""
    return cluster.filesystem if scheme == "hdfs" else cluster.webhdfs.replace("http", "webhdfs")


def put_in_blocks(cluster, path, data, **options):
    options = hdfs_native.WriteOptions(block_size=1 << 20, overwrite=True, **options)
    with hdfs_native.Client(cluster.filesystem).create(path, options) as file:
        file.write(data)


def hosts_of(cluster, path):
    answer = cluster.get(f"{cluster.webhdfs}/webhdfs/v1{path}?op=GETFILEBLOCKLOCATIONS")
    blocks = answer["BlockLocations"]["BlockLocation"]
    return {host for block in blocks for host in block["hosts"]}


@contextmanager
def configured(monkeypatch, folder, **properties):
    """Have the configuration of Hadoop say this and no more."""
    folder.mkdir(exist_ok=True)
    text = "".join(f"<property><name>{name}</name><value>{value}</value></property>"
                   for name, value in properties.items())
    (folder / "core-site.xml").write_text(f"<configuration>{text}</configuration>")
    with monkeypatch.context() as patch:
        patch.setenv("HADOOP_CONF_DIR", str(folder))
        yield


@contextmanager
def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def silent_port():
    """Give the address of what accepts connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_file_of_many_blocks_at_once_and_in_parts_across_their_borders(hdfs, scheme):
    put_in_blocks(hdfs, "/blocks/a.fits", DATA)
    uri = f"{root(hdfs, scheme)}/blocks/a.fits"
    assert storage.read(uri) == DATA
    block, version = 1 << 20, ""
    for offset, size in [(block - 1, 2), (block, block), (3 * block - 7, 2 * block + 20),
                         (len(DATA) - 5, 10), (0, len(DATA))]:
        part, version = storage.read_range(uri, offset, size, version)
        assert part == DATA[offset : offset + size]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_hadoop_hides_and_what_it_has_not_finished_is_not_listed(hdfs, scheme):
    top = f"{root(hdfs, scheme)}/hidden-{scheme}"
    for name in ("a.fits", "_SUCCESS", "_temporary/0/b.fits", "c.fits._COPYING_", "d_e/f.fits"):
        put(f"{top}/{name}", b"x")
    assert sorted(found.uri for found in storage.list_files(top)) == [
        f"{top}/a.fits", f"{top}/d_e/f.fits"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_file_of_another_user_may_not_be_read(hdfs, scheme, monkeypatch):
    put_in_blocks(hdfs, "/private.fits", b"x", permission=0o600)
    monkeypatch.setenv("HADOOP_USER_NAME", "stranger")
    uri = f"{root(hdfs, scheme)}/private.fits"
    message = fails("fetch-forbidden", storage.read, uri)
    assert "user=stranger" in message and "private" not in message
    fails("fetch-forbidden", storage.read_range, uri, 0, 1)
    fails("fetch-forbidden", put, f"{root(hdfs, scheme)}/new.fits", b"x")
    assert storage.stat(uri).size == 1


def test_the_default_file_system_and_the_usual_port(hdfs, monkeypatch, tmp_path):
    put(f"{hdfs.filesystem}/default.fits", b"x")
    put(f"hdfs://{hdfs.head}/usual.fits", b"y")
    with configured(monkeypatch, tmp_path, **{"fs.defaultFS": hdfs.filesystem}):
        assert storage.read("hdfs:///default.fits") == b"x"
        assert storage.read("hdfs:///usual.fits") == b"y"
        found, = storage.list_files("hdfs:///default.fits")
        assert found.uri == "hdfs:///default.fits"
    with configured(monkeypatch, tmp_path / "none"):
        assert "HADOOP_CONF_DIR" in fails("fetch-failed", storage.read, "hdfs:///default.fits")


def test_a_mount_table(hdfs, monkeypatch, tmp_path):
    put(f"{hdfs.filesystem}/deep/sky/a.fits", b"x")
    table = "fs.viewfs.mounttable.all"
    with configured(monkeypatch, tmp_path, **{
        f"{table}.link./images": f"{hdfs.filesystem}/deep/sky",
        f"{table}.linkFallback": f"{hdfs.filesystem}/",
    }):
        assert storage.read("viewfs://all/images/a.fits") == b"x"
        assert storage.read("viewfs://all/deep/sky/a.fits") == b"x"
        assert [found.uri for found in storage.list_files("viewfs://all/images")] == [
            "viewfs://all/images/a.fits"]
        put("viewfs://all/images/b.fits", b"y")
    assert storage.read(f"{hdfs.filesystem}/deep/sky/b.fits") == b"y"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("first", [closed_port, silent_port])
def test_of_two_namenodes_the_first_is_dead(hdfs, monkeypatch, tmp_path, scheme, first):
    put(f"{hdfs.filesystem}/available.fits", DATA[:1000])
    storage.configure(Access(fetch_timeout=2.0, fetch_budget=100.0))
    with first() as dead, configured(monkeypatch, tmp_path, **{
        "dfs.nameservices": "pair",
        "dfs.ha.namenodes.pair": "one,two",
        "dfs.namenode.rpc-address.pair.one": dead,
        "dfs.namenode.rpc-address.pair.two": hdfs.filesystem.removeprefix("hdfs://"),
        "dfs.namenode.http-address.pair.one": dead,
        "dfs.namenode.http-address.pair.two": hdfs.webhdfs.removeprefix("http://"),
        "dfs.client.failover.proxy.provider.pair":
            "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider",
    }):
        assert storage.read(f"{scheme}://pair/available.fits") == DATA[:1000]
        put(f"{scheme}://pair/available-{scheme}.fits", DATA[:10])
    assert storage.read(f"{hdfs.filesystem}/available-{scheme}.fits") == DATA[:10]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_namenode_and_a_silent_one(scheme, impatient):
    with closed_port() as place:
        message = fails("fetch-failed", storage.read, f"{scheme}://{place}/a.fits")
        assert "refused" in message and "times)" in message
    storage.configure(Access(fetch_timeout=0.3, fetch_budget=0.1))
    with silent_port() as place:
        fails("fetch-timeout", storage.read, f"{scheme}://{place}/a.fits")
        fails("fetch-timeout", put, f"{scheme}://{place}/a.fits", b"x")
        fails("fetch-timeout", list, storage.list_files(f"{scheme}://{place}/a"))


def told(kind, uri):
    """Return the message of a failure, which may speak of schemes but not of this URI."""
    with pytest.raises(storage.ImageFailure) as caught:
        storage.read(uri)
    assert caught.value.kind == kind
    assert uri not in caught.value.message
    return caught.value.message


def test_the_port_of_the_other_protocol_is_told(hdfs, impatient):
    web, native = hdfs.webhdfs.removeprefix("http://"), hdfs.filesystem.removeprefix("hdfs://")
    assert "is the port that of hdfs://?" in told("fetch-failed", f"hdfs://{web}/a.fits")
    assert "no WebHDFS" in told("fetch-failed", f"webhdfs://{native}/a.fits")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_file_is_deleted_between_its_parts(hdfs, scheme):
    uri = f"{root(hdfs, scheme)}/deleted.fits"
    put(uri, DATA[:1000])
    _, version = storage.read_range(uri, 0, 10)
    hdfs_native.Client(hdfs.filesystem).delete("/deleted.fits")
    fails("fetch-not-found", storage.read_range, uri, 10, 10, version)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_file_that_is_rewritten_while_threads_read_is_never_a_mixture(hdfs, scheme):
    uri = f"{root(hdfs, scheme)}/rewritten.fits"
    states = [bytes([k]) * 3_000_000 for k in range(8)]
    put(uri, states[0])
    stop, seen = threading.Event(), []

    def read():
        while not stop.is_set():
            seen.append(storage.read(uri))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for state in states[1:]:
        put(uri, state)
    wait_until(lambda: len(seen) > 3 or not any(map(threading.Thread.is_alive, threads)), 100)
    stop.set()
    for thread in threads:
        thread.join()
    assert len(seen) > 3
    assert all(data in states for data in seen)


@pytest.fixture(scope="module")
def breakable():
    """A cluster of its own, for what breaks it."""
    with tempfile.TemporaryDirectory(prefix="hdfs-") as folder:
        cluster = LocalCluster(folder, settings={"hdfs-site": {
            "dfs.replication": 1, "dfs.client.socket-timeout": 1000}})
        try:
            cluster.start("hdfs")
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture
def frail(breakable):
    """The same, whole and in good health, whatever was done to it before."""
    for name in breakable.daemons("hdfs"):
        if breakable.pid(name) is None:
            breakable.restart(name)
        else:
            breakable.kill(name, signal.SIGCONT)
        breakable.wait_serves(name)
    breakable.wait_ready("hdfs")
    return breakable


@pytest.mark.needs("hdfs")
def test_the_namenode_is_killed_and_comes_back(frail):
    client = hdfs_native.Client(frail.filesystem)
    names = sorted(f"/many/{k}.fits" for k in range(1234))  # 1,000 are listed at once
    for name in names:
        client.create(name, hdfs_native.WriteOptions(overwrite=True)).close()
    storage.configure(Access(fetch_timeout=10.0, fetch_budget=200.0))
    listings, outcomes = {}, {}
    for scheme in SCHEMES:
        put(f"{root(frail, scheme)}/{scheme}.fits", DATA[:300_000])
        listings[scheme] = storage.list_files(f"{root(frail, scheme)}/many")
        listings[scheme] = itertools.chain([next(listings[scheme])], listings[scheme])
    frail.kill("namenode")

    def read(scheme):
        outcomes[scheme, "read"] = storage.read(f"{root(frail, scheme)}/{scheme}.fits")

    def go_on(scheme):
        found = [found.uri for found in listings[scheme]]
        outcomes[scheme, "listed"] = [uri.removeprefix(root(frail, scheme)) for uri in found]

    threads = [threading.Thread(target=task, args=(scheme,))
               for scheme in SCHEMES for task in (read, go_on)]
    for thread in threads:
        thread.start()
    time.sleep(1)  # some attempts are refused
    assert not outcomes
    frail.restart("namenode")
    for thread in threads:
        thread.join()
    for scheme in SCHEMES:
        assert outcomes[scheme, "read"] == DATA[:300_000]
        assert outcomes[scheme, "listed"] == names


@pytest.mark.needs("hdfs")
def test_the_datanode_of_the_only_replica_is_killed(frail):
    storage.configure(Access(fetch_timeout=20.0, fetch_budget=60.0))
    dead, living = frail.addresses[1:]
    names, at, both = (f"/{k}.fits" for k in itertools.count()), {}, "/both.fits"
    while len(at) < 2:
        path = next(names)
        put_in_blocks(frail, path, DATA[:500_000])
        at[hosts_of(frail, path).pop()] = path
    put_in_blocks(frail, both, DATA[:500_000], replication=2)
    wait_until(lambda: hosts_of(frail, both) == {dead, living}, 60)
    frail.kill("datanode-1")
    for scheme in SCHEMES:
        top = root(frail, scheme)
        storage.configure(Access(fetch_timeout=5.0, fetch_budget=3.0))
        assert "DataNode" in fails("fetch-failed", storage.read, f"{top}{at[dead]}")
        fails("fetch-failed", storage.read_range, f"{top}{at[dead]}", 10, 10)
        storage.configure(Access(fetch_timeout=20.0, fetch_budget=60.0))
        assert storage.read(f"{top}{at[living]}") == DATA[:500_000]
        for _ in range(5):  # the NameNode may name the dead one first
            assert storage.read(f"{top}{both}") == DATA[:500_000]
    frail.restart("datanode-1")
    for scheme in SCHEMES:
        assert storage.read(f"{root(frail, scheme)}{at[dead]}") == DATA[:500_000]


@pytest.mark.needs("hdfs")
def test_a_datanode_falls_silent_and_the_other_replica_is_read(frail):
    # Here the DataNodes have one address: the other one reads from the silent one, too.
    storage.configure(Access(fetch_timeout=20.0, fetch_budget=60.0))
    put_in_blocks(frail, "/a.fits", DATA, replication=2)
    storage.configure(Access(fetch_timeout=2.0, fetch_budget=200.0))
    frail.kill("datanode-1", signal.SIGSTOP)
    for scheme in SCHEMES:
        for _ in range(2):
            assert storage.read(f"{root(frail, scheme)}/a.fits") == DATA


def test_a_forked_process_reads_and_ends(hdfs):
    put(f"{hdfs.filesystem}/forked.fits", b"x")
    program = (
        "import os, sys\n"
        "from mr_extract import storage\n"
        "uri = sys.argv[1]\n"
        "assert storage.read(uri) == b'x'\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    assert storage.read(uri) == b'x'\n"
        "    sys.exit(7)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7\n"
        "assert storage.read(uri) == b'x'\n"
    )
    subprocess.run([sys.executable, "-c", program, f"{hdfs.filesystem}/forked.fits"],
                   check=True, cwd=ROOT, timeout=240)


def test_without_hdfs_native_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "hdfs_native", None)
    message = told("unsupported-scheme", "hdfs://none.invalid:1/a.fits")
    assert "pip install 'mr_extract[hdfs]'" in message


def test_the_commands_of_the_page_measure_what_they_say(hdfs, night, monkeypatch, tmp_path):
    (commands,) = commands_of(read_page("docs/storage.md", "HDFS"))
    image = next(night.glob("*.fits"))
    put(f"{hdfs.filesystem}/night/a.fits", image.read_bytes())
    pair = {
        "dfs.ha.namenodes.survey": "one",
        "dfs.namenode.rpc-address.survey.one": hdfs.filesystem.removeprefix("hdfs://"),
        "dfs.namenode.http-address.survey.one": hdfs.webhdfs.removeprefix("http://"),
    }
    with configured(monkeypatch, tmp_path / "conf", **pair):
        run = shell_in(tmp_path)(commands)
    assert run.status == 0, run.err
    local = job(image)
    catalogs = [(tmp_path / name).read_text() for name in ("c.tsv", "d.tsv")]
    assert rows(catalogs[0]) == rows(catalogs[1]) == rows(local.out.decode()) != []


def rows(catalog):
    return [line.split("\t")[1:] for line in catalog.splitlines()
            if not line.startswith(("#", "image"))]


def test_java_s_program_and_ours_see_the_same_names(hdfs):
    path = "/ä b%20+.fits"
    hdfs.run("fs", "-put", "-", path, input="abc", check=True)
    for scheme in SCHEMES:
        assert storage.read(f"{root(hdfs, scheme)}{path}") == b"abc"


class _NameNode(BaseHTTPRequestHandler):
    """Tells what it was asked; as a NameNode that trusts nobody when there is no token."""

    asked = []

    def do_GET(self):
        self.asked.append(parse_qs(urlsplit(self.path).query))
        known = "delegation" in self.asked[-1]
        status = {"type": "FILE", "length": 3, "modificationTime": 1}
        body = json.dumps({"FileStatus": status}).encode() if known else b"<html>"
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def test_a_delegation_token_is_sent_and_never_told(monkeypatch, impatient):
    with ThreadingHTTPServer(("127.0.0.1", 0), _NameNode) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        uri = f"webhdfs://127.0.0.1:{server.server_port}/a.fits"
        monkeypatch.setenv("HADOOP_USER_NAME", "someone")
        assert "HADOOP_TOKEN" in told("fetch-forbidden", uri)
        assert _NameNode.asked[-1]["user.name"] == ["someone"]
        monkeypatch.setenv("HADOOP_TOKEN", "SECRETtoken")
        assert storage.stat(uri).size == 3
        assert _NameNode.asked[-1]["delegation"] == ["SECRETtoken"]
        assert "user.name" not in _NameNode.asked[-1]
        message = fails("fetch-failed", storage.read, uri)
        assert "SECRET" not in message
        server.shutdown()


@pytest.mark.parametrize("java_class, message, kind, passes", [
    ("java.io.FileNotFoundException", "File does not exist: /a\n\tat x", "fetch-not-found", False),
    ("java.io.FileNotFoundException", "Path is not a file: /a", "fetch-not-a-file", False),
    ("org.apache.hadoop.security.AccessControlException",
     'Permission denied: user=a, access=READ, inode="/b/c":d:e:-rw', "fetch-forbidden", False),
    ("org.apache.hadoop.security.token.SecretManager$InvalidToken", "token (token for a) can't be "
     "found in cache", "fetch-forbidden", False),
    ("org.apache.hadoop.ipc.StandbyException", "Operation category READ is not supported in state "
     "standby", "fetch-failed", True),
    ("org.apache.hadoop.ipc.RetriableException", "busy", "fetch-throttled", True),
    ("org.apache.hadoop.hdfs.server.namenode.SafeModeException", "", "fetch-failed", True),
    ("org.apache.hadoop.hdfs.BlockMissingException", "Could not obtain block: BP-1:blk_1 "
     "file=/a", "fetch-failed", True),
    ("org.apache.hadoop.hdfs.protocol.DSQuotaExceededException", "full", "fetch-failed", False),
])
def test_exceptions_of_java_have_names_and_tell_no_path(java_class, message, kind, passes):
    failure = hadoop_errors.named(java_class, message)
    assert failure.kind == kind
    assert isinstance(failure, Passing) == passes
    assert "/" not in failure.message and "\n" not in failure.message


class _Refused:
    """What hdfs-native makes in place of a client, where it raises an error."""

    def __init__(self, error):
        self._error = error

    def __call__(self, *_):
        raise self._error


NO_CREDENTIALS = (
    'GSSAPIError(GssMajorCodes { raw: "0x00070000", calling_error: "none", routine_error: '
    '"GSS_S_NO_CRED", supplementary_info: "0x0000" }, 2529639053, "No credentials were supplied, '
    'or the credentials were unavailable or inaccessible: No Kerberos credentials available '
    '(default cache: FILE:/none)")')
EXPIRED = (
    'GSSAPIError(GssMajorCodes { raw: "0x000d0000", calling_error: "none", routine_error: '
    '"GSS_S_FAILURE", supplementary_info: "0x0000" }, 2529638944, "Unspecified GSS failure.  '
    'Minor code may provide more information: Ticket expired")')


def test_tokens_know_a_namenode_by_its_address_unless_they_are_told_otherwise(monkeypatch):
    # What comes of it on a cluster is in test_kerberos.py.
    known = {"fs.defaultFS": "hdfs://localhost", "dfs.ha.namenodes.survey": "one,two"}
    named = {"": "127.0.0.1:8020", "localhost": "127.0.0.1:8020", "localhost:1": "127.0.0.1:1",
             "survey": "survey", "none.invalid:1": "none.invalid:1"}
    monkeypatch.setenv("HADOOP_TOKEN_FILE_LOCATION", "/none")
    assert {one: as_tokens_have_it(one, known) for one in named} == named
    for differing in ({"hadoop.security.token.service.use_ip": "false"},
                      {"fs.defaultFS": "hdfs://survey"}, {"fs.defaultFS": "viewfs://all"}):
        assert as_tokens_have_it("", {**known, **differing}) == ""
    monkeypatch.delenv("HADOOP_TOKEN_FILE_LOCATION")
    assert as_tokens_have_it("localhost", known) == "localhost"


@pytest.mark.parametrize("said, told_of", [
    (NO_CREDENTIALS, "asks (No Kerberos credentials available (default cache: FILE:/none));"),
    (EXPIRED, "asks (Ticket expired); is there a Kerberos ticket?"),
    ("NoSASLMechanism", "asks (NoSASLMechanism); is there a Kerberos ticket?"),
    ('OperationFailed("Failed to load libgssapi_krb")', "libgssapi-krb5-2"),
])
def test_what_kerberos_lacks_is_told_at_once(monkeypatch, said, told_of):
    # As hdfs-native spelt it before a NameNode that wants Kerberos.
    monkeypatch.setattr(hdfs_native, "Client", _Refused(RuntimeError(said)))
    message = told("fetch-forbidden", "hdfs://none.invalid:1/a.fits")
    assert told_of in message and "times)" not in message


def test_a_closed_connection_may_be_one_that_wanted_kerberos(monkeypatch, tmp_path, impatient):
    monkeypatch.setattr(hdfs_native, "Client", _Refused(OSError("RPC listener disconnected")))
    uri = "hdfs://none.invalid:1/a.fits"
    with configured(monkeypatch, tmp_path / "simple"):
        message = told("fetch-failed", uri)
        assert "is the port that of hdfs://?" in message and "wants Kerberos" in message
        monkeypatch.setenv("HADOOP_PROXY_USER", "somebody")
        assert "May you be somebody" in told("fetch-failed", uri)
    monkeypatch.delenv("HADOOP_PROXY_USER")
    with configured(monkeypatch, tmp_path / "secure",
                    **{"hadoop.security.authentication": "kerberos"}):
        assert "wants Kerberos" not in told("fetch-failed", uri)
