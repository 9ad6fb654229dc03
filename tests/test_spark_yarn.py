"""`-r spark` on YARN, with images on HDFS: the page in both modes, and a driver that is killed."""

import json
import os
import re
import sys

import pytest
from conftest import ROOT, command, job
from hadoop_clusters import clear
from interrupted import outlived
from pages import commands_of, read_page, shell_in

from bench.clusters.spark_java import write_defaults

pytestmark = [pytest.mark.needs("hadoop", "spark"), pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def environment(hadoop, tmp_path_factory):
    """The environment of a user of YARN's whose Spark is on all nodes, and small."""
    folder = tmp_path_factory.mktemp("conf")
    write_defaults(folder)
    path = os.pathsep.join([str(hadoop.hadoop_bin.parent), os.environ["PATH"]])
    return {**hadoop.environment, "SPARK_CONF_DIR": str(folder), "PATH": path}


@pytest.fixture(scope="module")
def user(hadoop, environment, tmp_path_factory):
    """The folder of one who has followed the page."""
    clear(hadoop, "/survey")
    folder = tmp_path_factory.mktemp("user")
    shell = shell_in(folder, environment, timeout=800)
    first = commands_of(read_page("docs/spark.md", "One machine"))[0].splitlines()[:2]
    (on_yarn,) = commands_of(read_page("docs/spark.md", "YARN"))
    said = shell("\n".join([*first, on_yarn]))
    assert said.status == 0, said.err
    return folder, said


def test_the_page_is_followed_in_client_and_in_cluster_mode(hadoop, environment, user):
    folder, said = user
    expected = job("-r", "inline", folder / "hdfs.txt", env=environment)
    assert expected.out.count(b"\n#image\thdfs://") == 6
    for name in ("yarn.tsv", "cluster.tsv"):
        assert (folder / name).read_bytes() == expected.out, name
    jobs = re.findall(r"Spark has the job: (application_\d+_\d+) http://", said.err)
    assert len(set(jobs)) == 2, said.err
    assert not re.search(r"INFO|WARN|Traceback", said.err)
    told = hadoop.get(f"{hadoop.resourcemanager}/ws/v1/cluster/apps")["apps"]["app"]
    states = {one["id"]: one["finalStatus"] for one in told}
    assert {states[name] for name in jobs} == {"SUCCEEDED"}
    left = hadoop.run("fs", "-ls", "-R", f"/user/{hadoop.user}/tmp/mrjob")
    assert left.stdout == ""


def test_executors_come_as_there_are_tasks_go_where_records_are_and_parts_stay_on_the_cluster(
        hadoop, environment, user, tmp_path):
    folder, _ = user
    clear(hadoop, "/survey/parts")
    packed = command([sys.executable, "-m", "preprocess", "pack", folder / "hdfs.txt", "-o",
                      "hdfs:///survey/packed"], env={**environment, "PYTHONPATH": str(ROOT)})
    assert packed.status == 0, packed.err
    done = job("-r", "spark", "--spark-master", "yarn", "--output-dir", "/survey/parts",
               "-D", "spark.dynamicAllocation.enabled=true",
               "-D", "spark.dynamicAllocation.maxExecutors=2",
               "-D", "spark.eventLog.enabled=true", "-D", f"spark.eventLog.dir=file://{tmp_path}",
               "-D", "spark.eventLog.rolling.enabled=false", "-D", "spark.eventLog.compress=false",
               "--packed", "hdfs:///survey/packed", env=environment)
    assert done.status == 0, done.err
    expected = (folder / "yarn.tsv").read_bytes()
    names = hadoop.run("fs", "-ls", "-C", "/survey/parts").stdout.split()
    assert "/survey/parts/_SUCCESS" in names and "/survey/parts/_header" in names
    parts = hadoop.run("fs", "-cat", "/survey/parts/_header", "/survey/parts/part-*").stdout
    assert sorted(parts.encode().splitlines()) == sorted(expected.splitlines())
    (log,) = tmp_path.iterdir()
    events = [json.loads(line) for line in log.read_text().splitlines()]
    maps = [one for one in events if one.get("Task Type") == "ShuffleMapTask"]
    # Who wants a host whose executor has not come within three seconds takes another; without a
    # host that it wants it would be ANY.
    assert maps and {one["Task Info"]["Locality"] for one in maps} <= {"NODE_LOCAL", "RACK_LOCAL"}
    # As they are told, not by the blocks of the job's own shards.
    (stage,) = {one["Stage ID"] for one in maps}
    (told,) = (one["Stage Info"] for one in events if one["Event"] == "SparkListenerStageCompleted"
               and one["Stage Info"]["Stage ID"] == stage)
    names = {one["Name"] for one in told["RDD Info"]}
    assert "ParallelCollectionRDD" in names and not any("/shards" in name for name in names)


def test_a_job_in_cluster_mode_outlives_its_driver_and_is_collected(
        hadoop, environment, user, tmp_path):
    folder, _ = user
    done = outlived(hadoop, environment, tmp_path, folder / "hdfs.txt")
    assert done == (folder / "yarn.tsv").read_bytes()
    assert hadoop.run("fs", "-ls", "-R", f"/user/{hadoop.user}/tmp/mrjob").stdout == ""
