"""Claims about ``preprocess shards --by host``: what is on one host of a real HDFS."""

import re
from collections import Counter
from pathlib import Path

import hdfs_native
import pytest
from pages import commands_of, read_page, shell_in
from test_storage_contract import put
from test_storage_hdfs import closed_port, configured, hosts_of, put_in_blocks, silent_port

from mr_extract.storage.hadoop.block_hosts import hosts_of as most_of
from preprocess.__main__ import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def images(hdfs):
    """Forty images on one host each, and ten on both."""
    for k in range(50):
        put_in_blocks(hdfs, f"/hosts/{k}.fits", b"x" * (1000 + 7 * k), replication=1 + (k >= 40))
    return {k: hosts_of(hdfs, f"/hosts/{k}.fits") for k in range(50)}


def web(cluster):
    return cluster.webhdfs.replace("http", "webhdfs")


def shards(*arguments):
    assert main(["shards", "list.txt", "--by", "host", "-o", "out", *arguments]) == 0
    found = []
    for path in sorted(Path("out").iterdir()):
        host = None
        for line in path.read_text().splitlines():
            if line.startswith("#"):
                host = re.fullmatch("# host: (.+)", line)[1]
            else:
                found.append((path.name, host, line))
    return found


def test_what_is_on_one_host_stays_together_under_its_name(hdfs, images, folder, capsys):
    roots = [hdfs.filesystem, web(hdfs)]
    lines = [f"{roots[k % 2]}/hosts/{k}.fits\tbytes={1000 + 7 * k}" for k in range(50)]
    Path("list.txt").write_text("\n".join([
        *lines, "local.fits\tbytes=900", f"{hdfs.filesystem}/hosts/none.fits\tbytes=900",
        f"{hdfs.filesystem}/hosts/0.fits\tid=elsewhere\thost=worker-9\tbytes=900"]))
    with configured(pytest.MonkeyPatch(), folder / "conf", **{
            "fs.defaultFS": hdfs.filesystem,
            "dfs.namenode.http-address": hdfs.webhdfs.removeprefix("http://")}):
        found = shards("-n", "6")
    assert Counter(line for *_, line in found) == Counter(Path("list.txt").read_text().split("\n"))
    assert "; 2 without a known host" in capsys.readouterr().err
    for _, host, line in found:
        number = re.search(r"/hosts/(\d+)\.fits$", line.split("\t")[0])
        if "host=" in line:
            assert host == "worker-9"
        elif number is None:
            assert host == "unknown"
        else:
            assert host in images[int(number[1])]
    hosts = Counter(host for _, host, line in found if "/hosts/" in line and "=worker" not in line)
    # Ten may go either way, and neither host gets them all.
    both = Counter(host for _, host, line in found
                   if re.search(r"/hosts/4\d\.fits", line))
    assert len(hosts) == 3 and len(both) == 2
    # A shard is of one host, or the end of one and the beginning of the next.
    assert len({(name, host) for name, host, _ in found}) <= 6 + 4 - 1


def test_a_file_is_where_most_of_it_is(hdfs):
    sizes = (1 << 20, 1 << 20, 1 << 20)
    put_in_blocks(hdfs, "/most.fits", b"x" * sum(sizes), replication=1)
    answer = hdfs.get(f"{hdfs.webhdfs}/webhdfs/v1/most.fits?op=GETFILEBLOCKLOCATIONS")
    blocks = Counter(block["hosts"][0] for block in answer["BlockLocations"]["BlockLocation"])
    assert sum(blocks.values()) == 3
    assert most_of(f"{web(hdfs)}/most.fits") == (blocks.most_common(1)[0][0],)
    hdfs_native.Client(hdfs.filesystem).create("/no-bytes.fits").close()
    assert most_of(f"{web(hdfs)}/no-bytes.fits") == ()


@pytest.mark.parametrize("authority, properties", [
    ("", {"fs.defaultFS": "hdfs://{rpc}", "dfs.namenode.http-address": "{web}"}),
    ("{rpc}", {"fs.defaultFS": "hdfs://{rpc}", "dfs.namenode.http-address": "0.0.0.0:{port}"}),
    ("{rpc}", {"dfs.nameservices": "one,two", "dfs.namenode.rpc-address.two": "{rpc}",
               "dfs.namenode.http-address.two": "{web}",
               "dfs.namenode.http-address.one": "127.0.0.1:1"}),
    ("pair", {"dfs.nameservices": "pair", "dfs.ha.namenodes.pair": "a,b",
              "dfs.namenode.http-address.pair.a": "127.0.0.1:1",
              "dfs.namenode.http-address.pair.b": "{web}"}),
    ("{host}", {}),  # the cluster has the usual ports
])
def test_the_web_server_of_the_namenode_is_found(
        hdfs, images, monkeypatch, tmp_path, authority, properties):
    words = {"rpc": hdfs.filesystem.removeprefix("hdfs://"),
             "web": hdfs.webhdfs.removeprefix("http://")}
    words["host"], words["port"] = words["web"].split(":")
    with configured(monkeypatch, tmp_path / "conf", **{
            name: value.format(**words) for name, value in properties.items()}):
        assert set(most_of(f"hdfs://{authority.format(**words)}/hosts/45.fits")) == images[45]


def test_the_command_of_the_page_runs(hdfs, images, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in hdfs.environment.items():
            patch.setenv(name, value)
        put("hdfs:///survey/list.txt", "".join(
            f"hdfs:///hosts/{k}.fits\tbytes={1000 + 7 * k}\n" for k in range(50)).encode())
    (command,) = commands_of(read_page("docs/preprocess.md", "Shards by host"))
    run = shell_in(tmp_path, hdfs.environment)(command)
    assert run.status == 0, run.err
    assert run.err.startswith("50 images, ") and "without" not in run.err
    found = [path.read_text().splitlines() for path in (tmp_path / "by-host").iterdir()]
    assert len(found) == 8 and all(lines[0].startswith("# host: ") for lines in found)


@pytest.mark.parametrize("uri, words", [
    ("hdfs:///a.fits", "names no file system"),
    ("webhdfs://{closed}/a.fits", "refused"),
    ("webhdfs://{silent}/a.fits", "no byte within"),
])
def test_a_namenode_that_cannot_be_asked_is_one_line_and_exit_2(
        folder, monkeypatch, capsys, uri, words):
    monkeypatch.delenv("HADOOP_CONF_DIR", raising=False)
    monkeypatch.delenv("HADOOP_HOME", raising=False)
    with closed_port() as closed, silent_port() as silent:
        Path("list.txt").write_text(uri.format(closed=closed, silent=silent) + "\n")
        assert main(["shards", "list.txt", "-n", "2", "--by", "host", "-o", "out",
                     "--fetch-timeout", "0.3", "--fetch-budget", "0"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "cannot learn on which host" in error and words in error
    assert not Path("out").exists()
