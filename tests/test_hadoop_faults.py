"""Whatever dies while a job runs on a real Hadoop, the other images' lines are the clean ones.

`python -m bench faults` tries each fault by itself; here they come together where it
can still be told which of them did what.
"""

import pytest

from bench.clusters import faults_of_cluster, faults_of_images, faults_of_output
from bench.clusters.deadly_places import kills, kills_all_around, stops_once
from bench.clusters.fault_bench import OPTIONS
from bench.clusters.fault_bench import prepared as fault_bench
from bench.clusters.hadoop_lab import MAPPER, MASTER
from bench.clusters.jobs_to_hit import kill

pytestmark = [pytest.mark.needs("hadoop"), pytest.mark.timeout(1200)]
IMAGES = 120  # enough for tasks that last until they are hit
FEW_MAPS = ("-D", "mapreduce.job.maps=5")  # of which one is on the other host


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    with fault_bench(tmp_path_factory.mktemp("faults"), IMAGES) as bench:
        yield bench


@pytest.fixture
def bench(prepared):
    return prepared.as_new()


def test_images_that_kill_hang_or_outgrow_their_task_cost_no_other(bench):
    """Four of them in four tasks, and a mapper is killed besides."""
    deeds = {"deadly": kills, "deadlier": kills_all_around, "slow": stops_once()}
    frames = dict(zip(deeds, (frame.name for frame in bench.frames), strict=False))
    bench.places.deeds.update({frames[name]: deed for name, deed in deeds.items()})
    # The last lines of a list of images of one size go to one task each.
    more = [f"{bench.places.url}/{frames[name]}\tid={name}\tbytes=400000" for name in deeds]
    more.append(f"{faults_of_images.huge_image(bench)}\tid=huge\tbytes=400000")

    def fault(lab, process):
        kill(next(iter(lab.busy(process))))

    done = bench.lab.run(*OPTIONS, *FEW_MAPS, "--max-failures", "3",
                         bench.list_of("deadly.txt", more=more), fault=fault)
    assert done.status == 0, done.err
    # What was too large has cost no attempt: it would have been `killed`.
    assert done.failures == {"deadly": "killed", "deadlier": "killed", "huge": "memory"}
    assert done.without([*done.failures, "slow"]) == bench.clean.body.splitlines()
    assert [line for line in done.body.splitlines() if line.startswith(b"#image\tslow\t")]
    # The third attempt gives it up; more is what an attempt that was lost otherwise has met.
    assert len(bench.places.done[frames["deadly"]]) >= 2
    assert len(bench.places.done[frames["slow"]]) >= 2  # one that was stopped, one that was not


def test_a_host_with_the_applicationmaster_and_a_replica_of_every_image_may_die(bench):
    manifest = faults_of_cluster.on_hdfs(bench, 2)

    def fault(lab, process):
        lab.busy(process)
        faults_of_cluster.end_host(lab, next(iter(lab.wait_for(MASTER).values())))

    done = bench.lab.run(*OPTIONS, *FEW_MAPS, manifest, fault=fault)
    assert done.status == 0, done.err
    assert done.out == bench.clean.out


def test_what_finished_tasks_of_a_failed_job_wrote_is_taken_up(bench):
    done, verdict = faults_of_output.failed_job(bench)
    assert verdict.endswith("with the rest: the same"), (verdict, done.err)
    assert done.err.count("Traceback") == 0
    assert "python -m preprocess remaining" in done.err


def test_output_that_is_lost_while_it_is_read_is_an_error_and_no_catalog(bench):
    done, verdict = faults_of_output.output(bench, *FEW_MAPS)
    assert verdict == "none, and an error", done.err
    assert done.err.count("it is read again in") == 2 and "Traceback" not in done.err
    assert bench.lab.processes(MAPPER) == {}
