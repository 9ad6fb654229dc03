"""How many tasks a job on one machine has, and what a task counts."""

import pytest
from conftest import job, repeated

from mr_extract.jobs.driver.plan import Plan
from mr_extract.jobs.driver.tasks_here import number_of_tasks
from mr_extract.jobs.task.counted import Counts
from mr_extract.text.manifest import parse_line

MB = 1 << 20


def planned(lines):
    plan = Plan()
    for line in lines:
        plan.add(parse_line(line.encode()))
    return plan


@pytest.mark.parametrize(("images", "size", "jobs", "tasks"), [
    (0, 0, 2, 2),
    (48, 6 * MB, 2, 2),
    (20_000, 34_560, 2, 4),  # a minute and a half of work
    (1000, 6 * MB, 2, 6),
    (1000, 6 * MB, 64, 64),
    (20_000, 6 * MB, 2, 32),
])
def test_a_task_has_work_for_many_times_what_its_start_takes(images, size, jobs, tasks):
    plan = planned(f"/{k}.fits\tbytes={size}" for k in range(images))
    assert number_of_tasks(plan, jobs) == tasks


def test_sizes_that_no_line_says_are_those_of_some_of_the_files(tmp_path, monkeypatch):
    (tmp_path / "small.fits").write_bytes(bytes(34_560))
    monkeypatch.chdir(tmp_path)
    lines = [f"small.fits\tid={k}" for k in range(20_000)]
    assert number_of_tasks(planned(lines), 2) == 4
    told = [f"{line}\tbytes=34560" for line in lines]
    assert number_of_tasks(planned([*lines[:10_000], *told[10_000:]]), 2) == 4
    # Of what is far away nobody is asked, and what is not there is its task's to say.
    assert number_of_tasks(planned(f"s3://b/{k}.fits" for k in range(20_000)), 2) == 32
    assert number_of_tasks(planned(f"/no/{k}.fits" for k in range(20_000)), 2) == 32


def test_counts_are_summed_and_told_now_and_then(monkeypatch):
    told, now = [], [100.0]
    monkeypatch.setattr("mr_extract.jobs.task.counted.monotonic", lambda: now[0])
    counts = Counts(lambda *words: told.append(words))
    counts.add("images", "measured")
    counts.tell_now_and_then()
    assert told == [("images", "measured", 1)]
    for _ in range(3):
        counts.add("images", "measured")
        counts.add("rows", "measured", 7)
        counts.tell_now_and_then()
    assert len(told) == 1
    now[0] += 0.6
    counts.tell_now_and_then()
    assert told[1:] == [("images", "measured", 3), ("rows", "measured", 21)]
    counts.tell()
    assert len(told) == 3


def test_a_task_tells_of_every_image_in_few_lines(night, tmp_path):
    manifest = repeated(night, 10, tmp_path / "list.txt")
    run = job("--mapper", "--reduce=none", stdin=manifest.read_bytes())
    assert run.status == 0
    lines = [line.split(":", 2)[2].split(",") for line in run.err.splitlines()
             if line.startswith("reporter:counter:")]
    sums = {}
    for group, name, amount in lines:
        sums[group, name] = sums.get((group, name), 0) + int(amount)
    assert sums["images", "measured"] == 60
    assert sums["rows", "measured"] == sum(not line.startswith("#") for line in run.lines)
    assert len(lines) < 60 * 4
