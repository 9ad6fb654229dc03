"""Jobs on Spark: executors of its own (local-cluster), threads of one process, and what is said."""

import json
import os
import resource
import signal
import socket
import sys
import time
from argparse import Namespace
from importlib.util import find_spec

import pytest
from conftest import ROOT, command, module, repeated
from conftest import job as a_job
from interrupted import assert_gone, assert_part_of, wait_until_some_are_done
from own_functions import side_data
from processes import descendants, finish, kill, start_job
from remote_places import bare_client, moto_server

from bench.clusters import spark_java
from bench.clusters.deadly_places import DeadlyPlaces, kills
from bench.speed.spark import linked_home
from mr_extract.jobs.driver.cutting import number_of_tasks
from mr_extract.jobs.driver.plan import Plan
from mr_extract.jobs.runners.spark import counting, places
from mr_extract.jobs.runners.spark.counting import Counts
from mr_extract.jobs.runners.spark.folder import Folder
from mr_extract.jobs.runners.spark.java import in_one_line
from mr_extract.jobs.runners.spark.places import placed
from mr_extract.jobs.runners.spark.progress import Watch
from mr_extract.jobs.runners.spark.refusals import why_refused
from mr_extract.jobs.runners.spark.settings import (
    attempts_of,
    container_of,
    defaults,
    slots_of,
    with_attempts,
)
from mr_extract.jobs.runners.spark.state import SIGN, goes_on
from mr_extract.jobs.task.environment import advice
from mr_extract.jobs.task.memory_limit import MemoryLimit, container_size
from mr_extract.text.entry import Entry

on_spark = [pytest.mark.needs("spark"), pytest.mark.timeout(1200)]
CLUSTER = "-r", "spark", "--spark-master", "local-cluster[2,1,1024]"
# For what needs executors, and not several.
ONE = "-r", "spark", "--spark-master", "local-cluster[1,2,1024]"


def job(*words, **keywords):
    """Run the job, however long others keep Spark from starting."""
    return a_job(*words, timeout=540, **keywords)


def marked(test):
    for mark in on_spark:
        test = mark(test)
    return test


@pytest.fixture(scope="module", autouse=True)
def spark_home(tmp_path_factory):
    """A home of Spark, as its executors on this machine write there."""
    if find_spec("pyspark") is None:
        yield
        return
    home = linked_home(tmp_path_factory.mktemp("home") / "spark")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_HOME", str(home))
        yield home


class Bucket:
    """A bucket of an S3 service on this machine, which Spark's Java knows nothing of."""

    def __init__(self, port, monkeypatch):
        for name, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
                            "AWS_CONFIG_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
                            "AWS_DEFAULT_REGION": "us-east-1"}.items():
            monkeypatch.setenv(name, value)
        self.there = f"--s3-endpoint-url=http://127.0.0.1:{port}"
        self._client = bare_client(port)
        self._client.create_bucket(Bucket="bucket")

    def objects(self):
        """Return all bytes by key."""
        found = self._client.list_objects_v2(Bucket="bucket").get("Contents", ())
        return {one["Key"]: self._client.get_object(Bucket="bucket", Key=one["Key"])["Body"].read()
                for one in found}

    def empty(self):
        """Remove all, as moto's servers have one state."""
        for key in self.objects():
            self._client.delete_object(Bucket="bucket", Key=key)


@pytest.fixture
def bucket(monkeypatch):
    with moto_server() as port:
        found = Bucket(port, monkeypatch)
        yield found
        found.empty()


@pytest.fixture(scope="module")
def frames(night):
    """The frames of the night, and a list of them with three that a web server has."""
    names = sorted(path.name for path in night.glob("*.fits"))
    return [night / name for name in names], names[:3]


@marked
def test_programs_of_spark_start_with_the_classes_that_are_shared(spark_home, tmp_path):
    """Also in a home of links to the Spark by which the file was made."""
    assert spark_java.make()
    loaded = tmp_path / "loaded"
    words = " ".join([*spark_java.options(), f"-Xlog:class+load:file={loaded}"])
    done = command([spark_home / "bin" / "spark-submit", "--version"],
                   env={"SPARK_SUBMIT_OPTS": words})
    assert done.status == 0 and "version" in done.err and not done.out
    assert loaded.read_text().count("shared objects file (top)") > 1000


@marked
def test_executors_give_the_bytes_of_inline_but_for_an_image_that_kills_their_python(
        night, frames, tmp_path):
    paths, names = frames
    manifest, summary = tmp_path / "list.txt", tmp_path / "summary.json"
    with DeadlyPlaces(night) as places:
        manifest.write_text("".join(f"{path}\n" for path in paths)
                            + "".join(f"{places.url}/{name}\tid=web-{k}\n"
                                      for k, name in enumerate(names)))
        clean = job("-r", "inline", "--thresh", "2.5", manifest)
        places.deeds[names[1]] = kills
        run = job(*CLUSTER, "--thresh", "2.5", "--max-failures", "1", "--summary", summary,
                  manifest)
    assert run.status == 0, run.err
    assert run.accounts() == {**clean.accounts(), "web-1": "killed"}
    assert b"#error\tweb-1\tkilled\tthe task died while it was in work, 2 times\n" in run.out
    kept = [line for line in clean.body.splitlines() if b"web-1" not in line]
    assert [line for line in run.body.splitlines() if b"web-1" not in line] == kept
    facts = json.loads(summary.read_text())
    assert facts["images"] == {"measured": 8, "failed": 1} and facts["runner"] == "spark"
    sizes = [path.stat().st_size for path in paths]
    read = sum(sizes) + sum((night / name).stat().st_size for k, name in enumerate(names) if k != 1)
    assert facts["bytes"] == read  # an attempt that died has counted nothing
    assert "Spark has the job: app-" in run.err and "http://" in run.err
    assert run.err.count("failed and may be tried again: the task's Python ended unexpectedly") == 3
    for chatter in ("INFO", "WARN", "\tat ", "spark-submit"):
        assert chatter not in run.err


@marked
def test_parts_stay_in_a_bucket_and_a_function_of_the_users_travels_with_its_side_data(
        night, tmp_path, bucket):
    seen = tmp_path / "seen"
    seen.mkdir()
    words = [night / "manifest.txt", "--function", "own_functions:beside", *side_data(tmp_path),
             "--param", f"seen={seen}"]
    inline, run = (module("jobs.apply", *words, "--save-files", tmp_path / name, *more,
                          cwd=ROOT / "tests", timeout=540)
                   for name, more in (("inline", ["-r", "inline"]), ("spark", [
                       *CLUSTER, "-D", "spark.default.parallelism=6", "--spark-tmp-dir",
                       "s3a://bucket/jobs", "--output-dir", "s3://bucket/parts", bucket.there])))
    assert inline.status == 0 and b"a.txt=a,r/b.txt=b\t0\t" in inline.out, inline.err
    assert run.status == 0 and not run.out, run.err
    objects = bucket.objects()
    assert objects.pop("parts/_SUCCESS") == b""
    assert objects.pop("parts/_header") + b"".join(objects.values()) == inline.out
    # What the job had kept for itself is gone.
    assert {key.rpartition("-")[0] for key in objects} == {"parts/part"}
    files = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
             for name in ("inline", "spark")]
    assert len(files[0]) == 6 and files[1] == files[0]
    # An executor is a node here, and has had some of the tasks; drivers try the first image.
    nodes = {one.read_text() for one in seen.iterdir() if "/mr_extract_side/" in one.read_text()}
    assert 1 <= len(nodes) <= 2 and all("/spark/work/app-" in place for place in nodes)


@marked
def test_packed_images_on_the_threads_of_one_process(night, tmp_path):
    packed = tmp_path / "packed"
    done = command([sys.executable, "-m", "preprocess", "pack", *sorted(night.glob("*.fits")),
                    "-o", packed], env={"PYTHONPATH": str(ROOT)})
    assert done.status == 0, done.err
    inline, run = (job("-r", runner, "--jobs", "2", "--packed", packed)
                   for runner in ("inline", "spark"))
    assert run.status == 0, run.err
    assert run.out == inline.out and len(run.accounts()) == 6


@marked
def test_a_python_that_lacks_what_measures_is_told_in_one_line(night, tmp_path):
    bare = tmp_path / "bare"
    assert command([sys.executable, "-m", "venv", "--without-pip", bare]).status == 0
    run = job(*ONE, "-D", "spark.task.maxFailures=1", "--python-bin", bare / "bin" / "python",
              "--quiet", night / "manifest.txt")
    assert run.status == 1 and run.out == b""
    line, = run.err.splitlines()
    assert f"the nodes' Python, {bare}/bin/python, lacks numpy, sep, astropy, orjson" in line
    assert "--env-archive auto ships one" in line


@pytest.fixture(scope="module")
def long_list(night, tmp_path_factory):
    """A manifest of 120 lines, and its clean catalog."""
    manifest = repeated(night, 20, tmp_path_factory.mktemp("long") / "list.txt")
    return manifest, job("-r", "inline", manifest)


@marked
def test_an_ended_job_keeps_what_finished_tasks_have_measured(long_list, tmp_path, monkeypatch):
    manifest, clean = long_list
    words = ["-r", "spark", "--jobs", "2", "-D", "spark.default.parallelism=12"]
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    for number, status in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):
        catalog = tmp_path / f"{status}.tsv"
        process = start_job(*words, "--catalog", catalog, manifest)
        name = wait_until_some_are_done(process, timeout=540).record.name
        children = descendants(process.pid)
        kill(process.pid, number)
        ended, _, err = finish(process, timeout=540)
        assert ended == status and "Traceback" not in err, err
        assert_gone(children)
        if status < 0:
            assert module("collect").out.decode().split("\t")[::5] == [name, "left\n"]
            assert module("collect", name).status == 1
            assert module("collect", name, "--remove").status == 0
        assert_part_of(clean, catalog)
        assert not list(folder.glob("mr_extract-*"))
    monkeypatch.undo()


@marked
def test_what_a_killed_driver_left_in_a_bucket_is_collected(long_list, tmp_path, bucket):
    manifest, clean = long_list
    catalog, place = tmp_path / "catalog.tsv", "s3a://bucket/jobs"
    process = start_job(*CLUSTER, "--spark-tmp-dir", place, bucket.there, "--catalog", catalog,
                        "-D", "spark.default.parallelism=12", manifest)
    while process.poll() is None and not any("/output/part-" in key for key in bucket.objects()):
        time.sleep(0.1)
    children = descendants(process.pid)
    kill(process.pid)
    assert finish(process)[0] == -signal.SIGKILL
    assert_gone(children)
    collect = "collect", "-r", "spark", "--folder", place, bucket.there
    (line,) = module(*collect).lines
    name, state = line.split("\t")[::5]
    assert state == "left"
    done = module(*collect, name)
    assert done.status == 1 and "Traceback" not in done.err, done.err
    assert_part_of(clean, catalog)
    assert module(*collect, name, "--remove").status == 0 and not bucket.objects()


@pytest.mark.needs("spark")
@pytest.mark.parametrize("words, status, said", [
    (["--spark-master", "spark://127.0.0.1:1"], 2, "--spark-tmp-dir hdfs://..., s3a://BUCKET/"),
    (["--spark-master", "k8s://127.0.0.1:1"], 2, "--spark-tmp-dir hdfs://..., s3a://BUCKET/"),
    (["--spark-master", "spark://127.0.0.1:1", "--spark-tmp-dir", "TMP"], 1,
     "spark://127.0.0.1:1 cannot be reached: Connection refused"),
    (["--spark-master", "yarn"], 2, "name its folder with HADOOP_CONF_DIR"),
    (["--spark-deploy-mode", "cluster"], 2, "is for yarn and k8s://"),
    (["--env-archive", "auto"], 2, "is for Spark on a cluster"),
    (["--output-dir", "TMP"], 2, "--output-dir is for clusters"),
    (["-D", "spark.default.parallelism=many"], 2, "it is a number of tasks"),
    (["--spark-submit-bin", "/nowhere/spark-submit"], 1, "/nowhere/spark-submit cannot be run"),
    (["--spark-master", "spark://127.0.0.1:1", "--spark-tmp-dir", "gs://bucket/tmp"], 1,
     "127.0.0.1:1 cannot be reached"),
])
def test_what_cannot_begin_is_told_in_one_line(words, status, said, night, tmp_path, monkeypatch):
    for name in ("HADOOP_CONF_DIR", "YARN_CONF_DIR", "SPARK_CONF_DIR"):
        monkeypatch.delenv(name, raising=False)
    run = job("-r", "spark", *[word.replace("TMP", str(tmp_path)) for word in words],
              night / "manifest.txt")
    line, = run.err.splitlines()
    assert run.status == status and said in line and not run.out
    assert not list(tmp_path.iterdir())


def test_a_spark_of_ones_own_needs_no_pyspark_here(tmp_path, monkeypatch):
    submit = tmp_path / "bin" / "spark-submit"
    submit.parent.mkdir()
    submit.write_text("#!/bin/sh\n")
    submit.chmod(0o755)
    monkeypatch.setattr(places, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "/nowhere")
    options = Namespace(spark_submit_bin=None, jobs=2, spark_master=None, jobconf={},
                        env_archive=None, spark_deploy_mode=None)
    for home in ("/nowhere", ""):
        monkeypatch.setenv("SPARK_HOME", home)
        with pytest.raises(ValueError, match="say where one is with SPARK_HOME"):
            places.settle_master(options)
    for name, value in (("SPARK_HOME", tmp_path), ("PATH", submit.parent)):
        monkeypatch.setenv(name, str(value))
        places.settle_master(options)
        assert options.spark_master == "local[2,4]"
        monkeypatch.delenv(name)


def test_without_java_it_is_said_what_is_needed():
    for words in ("JAVA_HOME is not set", "/nix/bin/java: No such file or directory"):
        assert why_refused(["spark-class: line 71: " + words, ""]) == (
            "Spark needs Java: install it, or say with JAVA_HOME where it is")


@pytest.mark.parametrize("said, expected", [
    ('Exception in thread "main" java.lang.IllegalArgumentException: Required executor memory '
     "(65536 MB), offHeap memory (0) MB is above the max threshold (8192 MB) of this cluster!\n"
     "\tat org.apache.spark.deploy.yarn.Client.verifyClusterResources(Client.scala:1)",
     "Required executor memory (65536 MB), offHeap memory (0) MB is above the max threshold "
     "(8192 MB) of this cluster!"),
    ('Exception in thread "main" org.apache.spark.SparkException: no\n'
     "\tat org.apache.spark.X.y(X.scala:1)\n"
     "Caused by: java.io.FileNotFoundException: File file:/nix.tar.gz does not exist\n"
     "\t... 3 more", "File file:/nix.tar.gz does not exist"),
    ("26/11/30 09:34:39 ERROR StandaloneSchedulerBackend: All masters are unresponsive! Giving up.",
     "StandaloneSchedulerBackend: All masters are unresponsive! Giving up."),
    ("", "spark-submit failed and said nothing"),
])
def test_why_spark_submit_failed_is_one_line(said, expected):
    assert why_refused(said.split("\n")) == expected


_WRITING = "org.apache.spark.SparkException: Task failed while writing rows\n\tat org.B(C.scala)\n"
_FROM_PYTHON = (_WRITING + "Caused by: org.apache.spark.api.python.PythonException: "
                "Traceback (most recent call last):\n  File \"worker.py\", line 1, in invoke_udf\n"
                "    run()\n{}\n SQLSTATE: 38000\n\tat org.apache.spark.D(E.scala)\n\t... 9 more\n")


@pytest.mark.parametrize("text, expected", [
    (_FROM_PYTHON.format("RuntimeError: mr_extract: the nodes' Python lacks sep"),
     "the nodes' Python lacks sep"),
    (_FROM_PYTHON.format("KeyError: 'flux'"), "KeyError: 'flux'"),
    (_WRITING + "Caused by: org.apache.spark.SparkException: Python worker exited unexpectedly "
     "(crashed): \n\tat x\nCaused by: java.io.EOFException\n",
     "the task's Python ended unexpectedly"),
    ("Job aborted due to stage failure: Task 1 in stage 0.0 failed 4 times, most recent failure: "
     "Lost task 1.3 in stage 0.0 (TID 7) (10.0.0.5 executor 2): ExecutorLostFailure (executor 2 "
     "exited caused by one of the running tasks) Reason: Command exited with code 137\n"
     "Driver stacktrace:", "10.0.0.5 executor 2: ExecutorLostFailure (executor 2 exited caused by "
     "one of the running tasks) Reason: Command exited with code 137"),
    (_WRITING + "Caused by: org.apache.spark.SparkException: \nError from python worker:\n"
     "  Traceback (most recent call last):\n    File \"<frozen runpy>\", line 189, in _run\n"
     "  ModuleNotFoundError: No module named 'pyspark'\nPYTHONPATH was:\n  /opt/spark/python\n"
     "org.apache.spark.SparkException: EOFException occurred while reading the port number from "
     "pyspark.daemon's stdout.\n\tat org.apache.spark.X", "ModuleNotFoundError: No module named "
     "'pyspark'"),
    ("", "no reason given"),
    ('java.io.IOException: Cannot run program "/opt/py/bin/python": error=2, No such file or '
     "directory\n\tat java.base/java.lang.ProcessBuilder.start(ProcessBuilder.java:1143)\n"
     "Caused by: "
     "java.io.IOException: error=2, No such file or directory",
     'Cannot run program "/opt/py/bin/python": error=2, No such file or directory'),
])
def test_pages_of_java_are_told_in_one_line(text, expected):
    assert in_one_line(text) == expected


def test_another_version_of_python_is_told_with_what_helps():
    said = ("PySparkRuntimeError: [PYTHON_VERSION_MISMATCH] Python in worker has different version"
            ": 3.9 than that in driver: 3.11, PySpark cannot run with different minor versions.")
    assert advice(said) == ("the nodes' Python is 3.9, and this one 3.11: --env-archive auto ships "
                            "one, or --python-bin names another")


def test_a_person_who_waits_is_told_what_the_program_says(capsys):
    watch = Watch(60, "sources")
    attempt = ["task 3, attempt 0", "10.0.0.5 executor 1", "the task's Python ended unexpectedly"]
    state = {"application": "application_17_0005", "url": "http://rm:8088/proxy/x", "images": 12,
             "broken": 1, "rows": 300, "tasks": {"all": 8, "done": 2, "running": 4}, "waits": 0}
    watch.read([b"26/11/30 INFO Client: chatter\n",
                (SIGN + json.dumps(state)).encode(),
                (SIGN + json.dumps({**state, "attempts": [attempt]})).encode(),
                (SIGN + json.dumps({**state, "attempts": [attempt]})).encode()])
    assert watch.far() == (12, 1, 300, "2 of 8 tasks")
    assert capsys.readouterr().err.splitlines() == [
        "mr_extract: Spark has the job: application_17_0005 http://rm:8088/proxy/x",
        "mr_extract: task 3, attempt 0 on 10.0.0.5 executor 1 failed and may be tried again: "
        "the task's Python ended unexpectedly"]
    watch.read([(SIGN + json.dumps({**state, "waits": 70})).encode()])
    watch.far(), watch.far()
    assert capsys.readouterr().err.splitlines() == [
        "mr_extract: no executor has come: the cluster is full, or has no room for one of the size "
        "that is asked for, for 70 s; Ctrl-C ends the job"]
    watch.read([(SIGN + json.dumps({**state, "failed": "no such queue: night"})).encode()])
    assert watch.ending() == ("no such queue: night; its logs: yarn logs -applicationId "
                              "application_17_0005")


def test_counts_of_running_tasks_are_heard_from_those_who_know_the_word(monkeypatch):
    monkeypatch.setattr(counting, "_SAY", 0.0)
    with Counts("127.0.0.1", "127.0.0.1") as counts:
        teller = counts.line.opened("mapper 3", 17)
        for _ in range(4):
            teller.count("images", "measured", 1)
            teller.count("rows", "measured", 25)
        teller.count("images", "failed", 1)
        with socket.socket(type=socket.SOCK_DGRAM) as other:
            for told in (["guessed", "mapper 3", 17, 900, 0, 0], "no list", [counts.line.word]):
                other.sendto(json.dumps(told).encode(), ("127.0.0.1", counts.line.port))
        end = time.monotonic() + 10
        while counts.total() != (5, 1, 100) and time.monotonic() < end:
            time.sleep(0.01)
        assert counts.total() == (5, 1, 100)
        assert counts.silent() == []
        monkeypatch.setattr(counting, "_SILENCE", -1.0)
        assert counts.silent() == [17] and counts.silent() == []  # each attempt once
        counts.settle("mapper 3", 6, 1, 120)
        assert counts.total() == (6, 1, 120)
    counting.Line("no.such.host.invalid", 1, "word").opened("mapper 4", 18).count(
        "images", "measured", 1)  # and nothing is raised


@pytest.mark.parametrize("master, given, expected", [
    ("local[3,4]", {}, 3), ("local-cluster[2,3,1024]", {}, 6), ("yarn", {}, 2),
    ("yarn", {"spark.executor.instances": "10", "spark.executor.cores": "4"}, 40),
    ("yarn", {"spark.dynamicAllocation.enabled": "true", "spark.executor.cores": "4",
              "spark.dynamicAllocation.maxExecutors": "25"}, 100),
    ("yarn", {"spark.dynamicAllocation.enabled": "true"}, None),
    ("k8s://https://host:6443", {"spark.executor.instances": "5"}, 5),
    ("spark://127.0.0.1:1", {"spark.cores.max": "12"}, 12), ("spark://127.0.0.1:1", {}, None),
    ("local[8]", {"spark.task.cpus": "2"}, 4),
])
def test_slots_are_those_of_the_configuration(master, given, expected):
    assert slots_of(master, given) == expected


def test_tasks_are_cut_by_slots_and_where_nobody_knows_them_by_bytes():
    def of(images, megabytes):
        plan = Plan()
        for k in range(images):
            plan.add(Entry(f"{k}.fits", (("bytes", str(megabytes << 20)),)))
        return plan, images * megabytes << 20

    class Options:
        jobconf: dict = {}

    few, many = of(60, 1), of(3000, 64)
    assert number_of_tasks(Options, "spark", 8, *few) == 8
    assert number_of_tasks(Options, "spark", 8, *many) == 8 * 16
    assert number_of_tasks(Options, "spark", 1, *many) == number_of_tasks(
        Options, "local", 1, *many)
    assert number_of_tasks(Options, "spark", None, *few) == 8
    assert number_of_tasks(Options, "spark", None, *many) == 3000 // 32
    Options.jobconf = {"spark.default.parallelism": "5"}
    assert number_of_tasks(Options, "spark", 8, *many) == 5


def test_packed_records_are_dealt_by_the_hosts_that_hold_them():
    near = pytest.importorskip("mr_extract.jobs.runners.spark.near")
    held = {0: ["a", "b"], 1: ["b", "c"], 2: ["a", "c"], 3: []}
    lines = [b"%d.fits\tpacked=hdfs://n/x.seq@%d+%d" % (k, k, 1000 + k % 7) for k in range(200)]
    lines += [line.replace(b".fits", b"-again.fits") for line in lines[:20]]
    dealt = near.dealt_by_host(lines, lambda uri, offset, size: held[offset % 4], 12)
    assert sorted(line for part, _ in dealt for line in part) == sorted(lines)
    sizes = []
    for part, hosts in dealt:
        offsets = {int(line.partition(b"@")[2].partition(b"+")[0]) for line in part}
        assert all(set(hosts) <= set(held[offset % 4]) for offset in offsets)
        assert hosts or all(not held[offset % 4] for offset in offsets)
        sizes.append(len(offsets))
    assert len(dealt) == 12 and max(sizes) - min(sizes) <= 1
    places = [line.partition(b"@")[2] for part, _ in dealt for line in dict.fromkeys(part)]
    parts_of = {place: {k for k, (part, _) in enumerate(dealt)
                        if any(line.endswith(b"@" + place) for line in part)} for place in places}
    assert all(len(parts) == 1 for parts in parts_of.values())  # a record is fetched once
    assert near.dealt_by_host([], held.get, 3) == []


def test_a_task_knows_what_its_executor_may_hold():
    conf = {"spark.executor.memory": "512m", "spark.executor.memoryOverhead": "3g",
            "spark.executor.cores": "2"}
    assert container_of("yarn", conf) == "3584/2"
    assert container_of("yarn", {"spark.executor.memory": "4g"}) == "4506/1"
    assert container_of("local-cluster[2,1,1024]", conf) == ""
    found = defaults("yarn", "client", {"spark.executor.cores": "4"}, "")
    assert (found["spark.executor.memory"], found["spark.executor.memoryOverhead"]) == (
        "512m", "6144m")
    size, tasks = container_size({"MR_EXTRACT_CONTAINER": "3584/2"})
    assert (size, tasks) == (3584 << 20, 2)
    container = 64 << 30  # beside which whatever this process holds after other tests is little
    one, both = MemoryLimit(None, container).room(), MemoryLimit(None, container, 2).room()
    with open("/proc/self/statm") as file:
        own = int(file.read().split()[1]) * resource.getpagesize()
    assert both == pytest.approx((one - own) / 2, abs=64 << 20)  # the other task's mapper is as big


def test_on_one_machine_a_task_that_dies_is_run_again():
    assert [with_attempts(one) for one in ("local", "local[*]", "local[2,7]", "yarn")] == [
        "local[1,4]", "local[*,4]", "local[2,7]", "yarn"]
    assert attempts_of("local[2,7]", {}) == 7
    assert attempts_of("yarn", {"spark.task.maxFailures": "8"}) == 8


def test_a_program_that_runs_elsewhere_is_known_by_what_it_says(tmp_path):
    folder = Folder(str(tmp_path))
    assert not goes_on(folder, driver_is_gone=True)
    for state, runs in (({"at": time.time()}, True), ({"at": time.time() - 100}, False),
                        ({"at": time.time(), "beside_driver": True}, False),
                        ({"at": time.time(), "failed": "it was told to"}, False),
                        ({"at": time.time(), "counters": {}}, False)):
        (tmp_path / "told").write_text(json.dumps(state))
        assert goes_on(folder, driver_is_gone=True) is runs
    (tmp_path / "told").write_text(json.dumps({"at": time.time(), "beside_driver": True}))
    assert goes_on(folder, driver_is_gone=False)


def test_a_folder_of_a_job_gives_finished_parts_alone(tmp_path):
    folder = Folder(str(tmp_path / "job"))
    folder.make()
    assert (tmp_path / "job").stat().st_mode & 0o077 == 0
    source = tmp_path / "file"
    source.write_text("a\n")
    (folder / "output").put({"part-00001": str(source), "part-00000": str(source)})
    (folder / "output" / "_temporary" / "0").put({"part-00002": str(source)})
    assert b"".join((folder / "output").parts()) == b"a\na\n"
    assert (folder / "output").read("nothing") is None
    folder.remove()
    folder.remove()
    assert not (tmp_path / "job").exists()
    with pytest.raises(OSError, match="needs the command hadoop"):
        Folder("gs://bucket/job").make()


def test_a_path_on_yarn_is_of_the_clusters_file_system(tmp_path, monkeypatch):
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    (tmp_path / "core-site.xml").write_text(
        "<configuration><property><name>fs.defaultFS</name><value>hdfs://head:9000</value>"
        "</property></configuration>")
    assert placed("yarn", "/survey/parts") == "hdfs:///survey/parts"
    assert placed("yarn", "file:///shared/parts") == "file:///shared/parts"
    assert placed("spark://head:7077", "/shared/parts") == "/shared/parts"
