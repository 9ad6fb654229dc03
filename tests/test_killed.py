"""Whatever dies on the way, no line is lost and no half catalog looks whole."""

import signal
import time

import pytest
from conftest import Run, job, repeated, two_jobs
from interrupted import assert_gone, assert_part_of, job_of, wait_until_some_are_done
from processes import descendants, finish, kill, start_job, wait_for

# What dies is the same whichever job it measures for; a statistic that dies is in
# test_sky_maps.py.
main_job = pytest.mark.parametrize("each_job", ["extract"], indirect=True)
MAPPER, WORKER = "--mapper", "mr_extract.jobs.task.worker"


@pytest.fixture(scope="module")
def long_list(night, tmp_path_factory):
    """A manifest of 240 lines: some seconds of work."""
    return repeated(night, 40, tmp_path_factory.mktemp("long") / "list.txt")


@pytest.fixture(scope="module")
def clean(long_list, each_job):
    run = job("-r", "inline", long_list)
    assert run.status == 0
    return run


def _workers(process):
    return {pid for pid, words in descendants(process.pid).items() if WORKER in words}


@two_jobs
def test_a_killed_measuring_process_costs_nothing_and_a_killed_task_is_run_again(
        long_list, clean):
    process = start_job("-r", "local", "--jobs", "2", long_list)
    worker = wait_for(process, WORKER)
    before = _workers(process)
    assert kill(worker)
    while not _workers(process) - before:
        assert process.poll() is None, "no other took its place"
        time.sleep(0.01)
    assert kill(wait_for(process, MAPPER))
    status, out, err = finish(process)
    assert status == 0, err
    assert out == clean.out
    assert "ended with status -9 (attempt 1 of 4)" in err


@main_job
def test_a_task_that_always_dies_loses_its_images_by_name_and_no_others(
        long_list, clean, tmp_path):
    catalog = tmp_path / "catalog.tsv"
    process = start_job("-r", "local", "--jobs", "2", "--catalog", catalog, long_list)
    for _ in range(4):
        mapper = wait_for(process, MAPPER, b"mapreduce_task_partition=0\0")
        assert mapper and kill(mapper)
        while mapper in descendants(process.pid):
            time.sleep(0.01)
    status, _, err = finish(process)
    assert status == 1
    assert_part_of(clean, catalog)


def test_an_image_whose_measuring_always_dies_is_a_named_failure(night):
    first = sorted(night.glob("*.fits"))[0]
    process = start_job("-r", "local", "--jobs", "1", first)
    killed = set()
    while process.poll() is None:
        worker = wait_for(process, WORKER)
        if worker and worker not in killed:
            kill(worker)
            killed.add(worker)
    status, out, err = finish(process)
    assert status == 1
    assert Run(status, out, err).accounts() == {str(first): "killed"}
    assert b"SIGKILL" in out


def test_an_image_that_takes_too_long_is_a_named_failure(night):
    first = sorted(night.glob("*.fits"))[0]
    process = start_job("-r", "local", "--jobs", "1", "--image-timeout", "1", first)
    worker = wait_for(process, WORKER)
    kill(worker, signal.SIGSTOP)  # hangs, as far as anyone can tell
    status, out, err = finish(process)
    assert status == 1
    assert Run(status, out, err).accounts() == {str(first): "timeout"}


@two_jobs
@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("fatal", [signal.SIGTERM, signal.SIGINT])
def test_a_job_that_is_told_to_end_keeps_what_it_has_and_leaves_no_process(
        long_list, clean, tmp_path, runner, fatal):
    catalog = tmp_path / "catalog.tsv"
    process = start_job("-r", runner, "--catalog", catalog, long_list)
    wait_until_some_are_done(process)
    children = descendants(process.pid)
    kill(process.pid, fatal)
    status, out, err = finish(process)
    assert status == 128 + fatal and out == b"" and "Traceback" not in err
    assert "what had been measured by then is in the catalog" in err
    assert_part_of(clean, catalog)
    assert list(tmp_path.iterdir()) == [catalog]
    assert_gone(children)


def test_a_job_that_is_killed_leaves_no_catalog_and_no_process(long_list, tmp_path):
    catalog = tmp_path / "catalog.tsv"
    process = start_job("-r", "local", "--catalog", catalog, long_list)
    wait_until_some_are_done(process)
    children = descendants(process.pid)
    kill(process.pid)
    status, out, err = finish(process)
    assert status == -signal.SIGKILL and out == b"" and not catalog.exists()
    assert_gone(children)
    job_of(process).remove()


@main_job
def test_a_catalog_that_stood_there_stays_until_the_new_one_is_whole(long_list, clean, tmp_path):
    catalog = tmp_path / "catalog.tsv"
    catalog.write_text("the old one\n")
    process = start_job("-r", "local", "--catalog", catalog, long_list)
    wait_until_some_are_done(process)
    kill(process.pid, signal.SIGTERM)
    _, _, err = finish(process)
    assert catalog.read_text() == "the old one\n"
    assert f"is in {catalog}.interrupted" in err
    assert_part_of(clean, tmp_path / "catalog.tsv.interrupted")
