"""How many tasks a Hadoop job has, and what YARN is asked for it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from conftest import job

from mr_extract.jobs.runners.hadoop.rest import cluster_metrics, resource_managers
from mr_extract.jobs.runners.hadoop.tasks import (
    number_of_maps,
    number_of_reduces,
    size_of,
    slots_of_cluster,
)

MB = 1 << 20
IMAGE = 6 * MB


@pytest.mark.parametrize(("images", "tasks"), [
    (1, 1),
    (4, 1),
    (2000, 47),  # 12 GB: a quarter of a gigabyte each
    (11150, 261),
    (100_000, 512),
    (1_000_000, 2930),  # 2 GB each
])
def test_where_yarn_is_silent_a_task_gets_images_enough_to_be_worth_its_start(images, tasks):
    assert number_of_maps(images * IMAGE, {}) == tasks
    assert number_of_maps(images * IMAGE, {"mapreduce.job.maps": "7"}, slots=31) == 7


def test_tasks_are_a_whole_number_of_waves_or_small_enough():
    for slots in (1, 3, 31, 255, 511):
        for images in (1, 40, 2310, 11150, 163_707, 10_000_000):
            size = images * IMAGE
            maps = number_of_maps(size, {}, slots)
            waves, rest = divmod(maps, slots)
            assert (rest == 0 and waves <= 8) or maps < slots
            if maps > 1:  # worth its start
                assert size / maps >= 60 * MB
            if waves > 1:
                assert size / maps >= 600 * MB


def test_on_a_cluster_of_any_size_large_work_is_cut_fine_and_small_work_is_not():
    assert [number_of_maps(n * IMAGE, {}, 31) for n in (4, 2310, 11150, 163_707)] == [
        1, 31, 62, 248]
    assert number_of_maps(2310 * IMAGE, {}, 511) == round(2310 * 6 / 64)


def test_reducers_run_at_once_and_follow_the_bytes():
    assert [number_of_reduces(n << 30) for n in (0, 1, 10, 5000)] == [1, 1, 10, 128]
    assert [number_of_reduces(n << 30, slots=31) for n in (0, 1, 10, 5000)] == [1, 1, 10, 15]
    assert number_of_reduces(100 << 30, slots=1) == 1


def test_images_of_unknown_size_count():
    assert size_of([10, None]) == 10 + 8 * MB


def test_resource_managers_stand_in_the_configuration():
    assert resource_managers({}) == []
    host = {"yarn.resourcemanager.hostname": "head"}
    assert resource_managers(host) == ["http://head:8088"]
    assert resource_managers({**host, "yarn.http.policy": "HTTPS_ONLY"}) == ["https://head:8090"]
    own = {"yarn.resourcemanager.webapp.address": "${yarn.resourcemanager.hostname}:80"}
    assert resource_managers({**host, **own}) == ["http://head:80"]
    assert resource_managers(own) == []
    pair = {"yarn.resourcemanager.ha.rm-ids": "a, b", "yarn.resourcemanager.hostname.a": "one",
            "yarn.resourcemanager.webapp.address.b": "two:99"}
    assert resource_managers(pair) == ["http://one:8088", "http://two:99"]


@pytest.fixture
def server():
    """A server whose answer is set by the test: status, body."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = self.server.told
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("told", [
    (401, b"Authentication required"), (200, b"This is standby RM"), (200, b"[]"),
    (200, b'{"clusterMetrics": {"totalMB": "much"}}'), (200, b'{"clusterMetrics": {}}'),
])
def test_a_resource_manager_that_does_not_tell_is_no_reason_to_fail(server, told, monkeypatch):
    monkeypatch.delenv("HADOOP_CONF_DIR", raising=False)
    monkeypatch.delenv("HADOOP_HOME", raising=False)
    address = f"127.0.0.1:{server.server_port}"
    server.told = told
    assert cluster_metrics(f"http://{address}") is None
    assert slots_of_cluster({"yarn.resourcemanager.webapp.address": address}) is None
    assert slots_of_cluster({"yarn.resourcemanager.webapp.address": "127.0.0.1:1"}) is None
    assert slots_of_cluster({}) is None


def test_slots_are_what_memory_and_cores_allow_beside_the_application_master(server):
    address = {"yarn.resourcemanager.webapp.address": f"127.0.0.1:{server.server_port}"}
    metrics = {"totalMB": 64 << 10, "totalVirtualCores": 40}
    server.told = 200, json.dumps({"clusterMetrics": metrics}).encode()
    assert slots_of_cluster(address) == 31  # of 2 GB each
    assert slots_of_cluster({**address, "mapreduce.map.memory.mb": "1024"}) == 39
    assert slots_of_cluster({**address, "mapreduce.map.cpu.vcores": "4"}) == 9
    assert slots_of_cluster({**address, "mapreduce.map.memory.mb": str(1 << 20)}) == 1


@pytest.mark.parametrize("given", ["mapreduce.job.maps=0", "mapreduce.map.memory.mb=2g",
                                   "mapreduce.map.cpu.vcores=-1"])
def test_numbers_that_are_none_are_refused(night, given):
    done = job("-r", "hadoop", "--hadoop-bin", "hadoop", "-D", given, night / "manifest.txt")
    assert done.status == 2
    assert done.err.splitlines()[-1].startswith(f"mr_extract: -D {given}: it is a number of ")


def test_a_real_resource_manager_tells(hadoop, monkeypatch):
    for name, value in hadoop.environment.items():
        monkeypatch.setenv(name, value)
    # Two NodeManagers of 4 GB and 4 cores each.
    assert slots_of_cluster({}) == 3
    assert slots_of_cluster({"mapreduce.map.memory.mb": "512"}) == 7
