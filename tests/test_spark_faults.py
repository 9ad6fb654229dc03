"""Whatever dies while a job runs on a real Spark, the other images' lines are the clean ones.

`python -m bench spark-faults` tries each fault by itself, on YARN too; here they come together
where it can still be told which of them did what.
"""

import pytest

from bench.clusters import faults_on_spark
from bench.clusters.deadly_places import kills
from bench.clusters.jobs_to_hit import kill
from bench.clusters.spark_fault_bench import kills_executor, on_standalone

pytestmark = [pytest.mark.needs("spark"), pytest.mark.timeout(1200)]
IMAGES = 120  # enough for tasks that last until they are hit


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    with on_standalone(tmp_path_factory.mktemp("faults"), IMAGES) as bench:
        yield bench


@pytest.fixture
def bench(prepared):
    return prepared.as_new()


def test_images_that_kill_their_python_or_their_executor_and_a_lost_node_cost_no_other(bench):
    """One of each, a Python is killed on one node, and the other one is lost."""
    deeds = {"deadly": kills, "deadlier": kills_executor}
    frames = dict(zip(deeds, (frame.name for frame in bench.frames), strict=False))
    bench.places.deeds.update({frames[name]: deed for name, deed in deeds.items()})
    more = [f"{bench.places.url}/{frames[name]}\tid={name}\tbytes=400000" for name in deeds]

    def fault(lab, process):
        lab.busy(process, nodes=[2])
        kill(next(iter(lab.busy(process, nodes=[1]))))
        lab.cluster.kill_node(2)

    done = bench.lab.run(*bench.options, "--max-failures", "2",
                         bench.list_of("deadly.txt", more=more), fault=fault)
    assert done.status == 0, done.err
    assert done.failures == dict.fromkeys(deeds, "killed")
    assert done.without(done.failures) == bench.clean.body.splitlines()
    for name in deeds:
        assert len(bench.places.done[frames[name]]) >= 2, name
    assert done.attempts["failed"] >= 5 and done.attempts["executors"] >= 4
    assert "failed and may be tried again" in done.err and "Traceback" not in done.err


def test_what_a_job_had_measured_when_its_driver_was_killed_is_collected_and_taken_up(bench):
    done, verdict = faults_on_spark.driver(bench)
    assert verdict.endswith("with the rest: the same"), (verdict, done.err)
    assert done.err.count("Traceback") == 0
    assert bench.lab.processes("") == {}
