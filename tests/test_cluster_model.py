"""The model of a cluster keeps what must hold of any schedule, and is read and shown whole."""

import heapq
import json
import math
import re
import shutil
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest
from conftest import ROOT, command
from pages import commands_of, read_page, shell_in

from bench.clusters import model
from bench.clusters.held_against_jobs import beside_loop, spark_beside_loop
from mr_extract.jobs.model import figures
from mr_extract.jobs.model.prediction import costs, predict, predict_on_spark
from mr_extract.jobs.model.simulation import Cluster, Slots, seconds_of_task

FIGURES = figures.Figures(
    kernel=0.1, task_image=0.11, image=0.12, task_start=0.5, container_start=1.5,
    reduce_start=2.0, reduce=0.002, plan_line=1e-5, gather=0.001, stream_megabyte=0.01,
    submit=6.0, master=4.0, finish=3.0, spread=0.2,
    image_bytes=6e6, rows_bytes=3e5, machine="figures of no machine",
    trials=({"images": 24, "tasks": 2, "local": 3.0, "wall": 30.0, "submit": 8.0, "master": 5.0,
             "finish": 4.0, "cpu": 10.0, "started": 7.0, "waited": 5.0},),
    spark=figures.SparkFigures(
        start=5.0, executor=4.0, python=0.8, task=0.5, gap=0.02, image=0.115, finish=0.7,
        trials=({"images": 24, "tasks": 2, "local": 3.0, "wall": 20.0, "start": 10.0,
                 "finish": 3.0, "python": 0.8, "gap": 0.0, "cpu": 10.0, "started": 7.0,
                 "waited": 3.0, "alone": 10.6},)))
NOTHING = figures.SparkFigures(**{name: 0.0 for name in figures.SPARK_MEANINGS})
FREE = replace(FIGURES, **{name: 0.0 for name in figures.MEANINGS
                           if name not in ("kernel", "image")}, image=0.1, spread=0.0,
               spark=replace(NOTHING, image=0.1))
WAITS = Cluster(4, 8)


def times(number, seed=3):
    return np.random.default_rng(seed).lognormal(1.0, 0.8, number)


def run(cluster, seconds, seed=1):
    return Slots(cluster, np.random.default_rng(seed)).run(list(seconds))


def makespan(cluster, seconds):
    return max(attempt.ended for attempt in run(cluster, seconds))


def slots(number):
    return Cluster(number, 1).without_waits()


def listed(seconds, number):
    """Graham's list scheduling: each task to the slot that is free first."""
    free = [0.0] * number
    for one in seconds:
        heapq.heappush(free, heapq.heappop(free) + one)
    return max(free)


def test_one_slot_takes_the_sum():
    seconds = times(50)
    assert makespan(slots(1), seconds) == pytest.approx(seconds.sum(), rel=1e-12)


def test_equal_tasks_without_waits_scale_perfectly():
    for number in (1, 2, 7, 64):
        assert makespan(slots(number), [2.5] * (3 * number)) == pytest.approx(7.5)


@pytest.mark.parametrize("number", [2, 3, 8, 40])
def test_without_waits_it_is_list_scheduling_within_its_bounds(number):
    seconds = times(200)
    took = makespan(slots(number), seconds)
    assert took == pytest.approx(listed(seconds, number), rel=1e-12)
    mean = seconds.sum() / number
    assert max(mean, seconds.max()) <= took <= mean + (1 - 1 / number) * seconds.max()
    # How slots are spread over nodes does not matter where nothing waits.
    assert makespan(Cluster(1, number).without_waits(), seconds) == pytest.approx(took)


def test_more_slots_take_no_longer():
    seconds = times(120)
    took = [makespan(slots(number), seconds) for number in range(1, 40)]
    assert all(b <= a + 1e-9 for a, b in zip(took, took[1:]))


def test_every_task_runs_once_and_no_node_runs_more_than_it_has_cores():
    seconds, cluster = times(500), replace(WAITS, node_spread=0.3)
    attempts = run(cluster, seconds)
    assert [attempt.task for attempt in attempts] == list(range(500))
    for node in range(cluster.nodes):
        marks = sorted((t, step) for a in attempts if a.node == node
                       for t, step in ((a.began, 1), (a.ended, -1)))
        running = np.cumsum([step for _, step in marks])
        assert running.max() == cluster.cores - (node == 0)  # the ApplicationMaster is there


def test_waits_are_those_of_the_heartbeats():
    seconds = [10.0] * WAITS.slots
    attempts = run(WAITS, seconds)
    assert all(0 <= a.began <= WAITS.heartbeat + WAITS.asks for a in attempts)
    assert all(a.began == pytest.approx(round(a.began)) for a in attempts)  # the master's beats
    assert all(a.ended - a.began == pytest.approx(10.0) for a in attempts)
    waves = 5
    took = makespan(WAITS, waves * seconds)
    assert 10.0 * waves <= took <= waves * (10.0 + WAITS.heartbeat + WAITS.asks)


def test_one_task_too_many_runs_alone():
    assert makespan(WAITS, [100.0] * (WAITS.slots + 1)) >= 200.0


def test_later_tasks_wait_for_their_time_and_for_the_earlier():
    room = Slots(replace(WAITS, master=False), np.random.default_rng(1))
    maps = room.run([10.0] * 32)
    end = max(attempt.ended for attempt in maps)
    reduces = room.run([1.0] * 4, not_before=3.0, waits_until=end, tail=2.0)
    assert all(r.began >= min(m.ended for m in maps) for r in reduces)  # all cores were taken
    assert all(r.ended >= end + 2.0 for r in reduces)


def test_no_room_beside_the_master_is_an_error():
    with pytest.raises(ValueError, match="no room"):
        Slots(Cluster(1, 1), np.random.default_rng(1))


def test_reading_ahead_hides_the_shorter_of_reading_and_computing():
    images = np.array([1.0, 2.0, 3.0])
    assert seconds_of_task(images, 6e6, math.inf) == 6.0
    assert seconds_of_task(images, 6e6, 60e6) == pytest.approx(0.1 + 6.0)
    assert seconds_of_task(images, 6e6, 1e6) == pytest.approx(3 * 6.0 + 3.0)
    assert seconds_of_task(images, 6e6, 1e6, read_ahead=False) == pytest.approx(3 * 6.0 + 6.0)
    assert seconds_of_task([], 6e6, 1e6) == 0.0


def test_costs_have_the_mean_and_the_spread():
    drawn = costs(100_000, 0.15, 0.5, np.random.default_rng(5))
    # The relative error of the mean is sqrt(exp(0.25) - 1) / sqrt(100,000) = 0.0017.
    assert drawn.mean() == pytest.approx(0.15, rel=5 * 0.0017)
    assert np.log(drawn).std() == pytest.approx(0.5, rel=0.02)


def test_a_job_without_overheads_takes_its_images_over_its_slots():
    cluster = Cluster(4, 8).without_waits()
    done = predict(FREE, 3200, cluster, tasks=32, reduces=1)
    assert done.time == pytest.approx(3200 * 0.1 / 32)
    assert done.efficiency == pytest.approx(1.0)
    assert done.computed == pytest.approx(320.0)
    assert done.relative(predict(FREE, 3200, Cluster(1, 8).without_waits(), 8, 1)) == (
        pytest.approx(1.0))


def test_spark_starts_a_python_for_each_slot_and_pays_for_each_task():
    cluster = Cluster(4, 8)
    assert predict_on_spark(FREE, 3200, cluster, 32).time == pytest.approx(3200 * 0.1 / 32)
    told = replace(FREE, spark=replace(FREE.spark, start=5.0, finish=1.0, python=2.0, task=0.5,
                                       gap=0.25))
    # 32 slots take three tasks each, of which the first has Python started.
    done = predict_on_spark(told, 9600, cluster, 96)
    assert done.start == 5.0 and done.end == 1.0
    assert done.on_cluster == pytest.approx(2.0 + 3 * (0.5 + 10.0) + 2 * 0.25)
    # One task too many runs alone.
    assert predict_on_spark(told, 9600, cluster, 33).on_cluster > 1.8 * (
        predict_on_spark(told, 9600, cluster, 32).on_cluster)


@pytest.mark.parametrize("tasks", [1, 31, 100, 10_000])
def test_a_job_is_never_more_than_efficient_and_all_its_images_are_computed(tasks):
    for cores in (16, 32, 256):
        cluster = model.cluster_of(cores)
        done = predict(FIGURES, 2310, cluster, tasks, 8)
        assert 0 < done.efficiency <= FIGURES.kernel / FIGURES.image * 1.05  # of costs drawn
        assert done.computed == pytest.approx(2310 * FIGURES.image, rel=0.05)
        assert done.maps * cluster.slots * 1.35 >= done.computed  # nodes: 0.1 in ln, 3 sigma
        assert min(done.start, done.maps, done.end) > 0 and done.reduces >= 0


def test_a_seed_gives_one_prediction():
    cluster = model.cluster_of(64)
    one, same, other = (predict(FIGURES, 2310, cluster, 63, 8, seed=seed) for seed in (1, 1, 2))
    assert one == same != other


def test_the_choice_of_the_job_is_near_the_best():
    for images in model.SETS.values():
        for cores in (32, 512):
            cluster = model.cluster_of(cores)
            maps, reduces = model.chosen(FIGURES, images, cluster)
            took = model.typical(FIGURES, images, cluster, maps, reduces).time
            assert took <= 1.15 * model.best(FIGURES, images, cluster)[1].time


def test_kira_kept_two_fifths_of_its_efficiency():
    for section in (model.against_kira(FIGURES), model.spark_against_kira(FIGURES)):
        assert [row[2] for row in section.rows] == ["100 %", "93 %", "69 %", "40 %"]


def test_the_model_fills_its_page_from_a_file_of_figures(tmp_path):
    page, told = tmp_path / "page.md", tmp_path / "figures.json"
    page.write_text("before\n<!-- numbers: begin -->\nold\n<!-- numbers: end -->\nafter\n")
    figures.write(FIGURES, told)
    spark = replace(FIGURES.spark, trials=list(FIGURES.spark.trials))
    assert figures.read(told) == replace(FIGURES, trials=list(FIGURES.trials), spark=spark)
    done = command([sys.executable, "-m", "bench", "model", "--figures", told, "--cores", "32",
                    "--quick", "--output", page], cwd=ROOT)
    assert done.status == 0, done.err
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert_tables(text, 9)


def assert_tables(text, number):
    tables = text.split("### ")[1:]
    assert len(tables) == number
    for table in tables:
        rows = [line.split("|") for line in table.splitlines() if line.startswith("|")]
        assert len(rows) > 2 and len({len(row) for row in rows}) == 1, table
        assert "nan" not in table and "inf" not in table


@pytest.mark.parametrize("change", [{"kernel": None}, {"what": 1.0}, {"spark": {"no": 1.0}}])
def test_figures_that_lack_or_do_not_belong_are_named(tmp_path, change):
    told = {**asdict(FIGURES), **change}
    told = {name: value for name, value in told.items() if value is not None}
    (tmp_path / "figures.json").write_text(json.dumps(told))
    done = command([sys.executable, "-m", "bench", "model",
                    "--figures", tmp_path / "figures.json"], cwd=ROOT)
    assert done.status == 2 and next(iter(change)) in done.err.splitlines()[-1]


@pytest.mark.parametrize("cores", ["8", "33"])
def test_cores_that_are_no_nodes_are_refused(tmp_path, cores):
    done = command([sys.executable, "-m", "bench", "model", "--figures", "x", "--cores", cores],
                   cwd=ROOT)
    assert done.status == 2 and "--cores: nodes have 8" in done.err


@pytest.mark.needs("hadoop")
@pytest.mark.timeout(900)
def test_the_commands_of_the_page_measure_a_cluster_and_write_its_tables(tmp_path):
    (commands,) = commands_of(read_page("docs/scale.md"))
    measured, modelled = commands.splitlines()
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "scale.md", tmp_path / "docs")
    told = tmp_path / "figures.json"
    done = shell_in(tmp_path, timeout=600)(f"{measured} --quick\n{modelled} --cores 32 --quick\n")
    assert done.status == 0, done.err
    found = figures.read(told)
    for name in ("kernel", "task_start", "submit", "master", "finish", "spread", "plan_line",
                 "gather"):
        assert 0 < getattr(found, name) < 600, name
    # A difference of two jobs, of which a busy machine may have slowed one.
    assert abs(found.container_start) < 600
    trial, = found.trials
    assert trial["images"] == 4 and trial["tasks"] == 2
    assert trial["wall"] > trial["submit"] + trial["master"] + trial["finish"]
    for name in figures.SPARK_MEANINGS:
        assert abs(getattr(found.spark, name)) < 600, name
    trial, = found.spark.trials
    assert trial["images"] == 4 and trial["tasks"] == 2
    assert min(found.spark.start, found.spark.finish, found.spark.executor) > 0
    assert trial["wall"] > trial["start"] + trial["finish"]
    assert not re.search(r"/[\w/]+/", found.machine)  # nothing of where it was measured
    assert_tables((tmp_path / "docs" / "scale.md").read_text().split("<!-- numbers")[1], 9)


def test_a_job_beside_the_bare_loop_is_counted_without_its_start():
    row, = beside_loop(FIGURES).rows
    # 13 s and 2 of Java and Python, and 0.11 of the image; 3 CPU seconds for 24 images of 0.1 s;
    # 2 s of `-r local` to 30 - 13 - 4 - 5 = 8.
    assert list(row) == ["24", "13.0", "15.1", "125.0", "1.25", "0.25"]


def test_a_job_on_spark_beside_the_bare_loop_is_counted_without_its_start():
    row, = spark_beside_loop(FIGURES).rows
    # Two slots have 12 images each, stretched as `-r local` was: 3 s to 1 + 12 x 0.11.
    stretch = 3.0 / (2 * 0.5 + 12 * 0.11)
    predicted = stretch * (0.8 + 0.5 + 12 * 0.115)
    found = [float(cell) for cell in row]
    assert found[2] == pytest.approx(stretch, abs=0.005)
    assert found[4:7] == pytest.approx([7.0, predicted, 7.0 / predicted], rel=0.1)
    assert found[8:] == pytest.approx([125.0, 1.25, 0.5, 1.9])
