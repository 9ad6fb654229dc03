"""Jobs whose driver dies, and jobs that go on without a terminal: what they did is collected."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, command, job, module, program, repeated
from interrupted import assert_gone, assert_part_of, wait_until_some_are_done
from pages import commands_of, read_page, shell_in
from processes import descendants, finish, kill, start_job

from mr_extract.jobs.driver.left_here import left_here
from mr_extract.jobs.driver.left_on_hadoop import LeftOnHadoop
from mr_extract.jobs.driver.plan import Plan
from mr_extract.jobs.driver.record import Record
from mr_extract.text.manifest import parse_line


@pytest.fixture(scope="module")
def long_list(night, tmp_path_factory):
    """A manifest of 120 lines."""
    return repeated(night, 20, tmp_path_factory.mktemp("long") / "list.txt")


@pytest.fixture(scope="module")
def clean(long_list):
    run = job("-r", "inline", long_list)
    assert run.status == 0
    return run


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files of its own."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield folder
    monkeypatch.undo()


def wait_until_written(one, images=2):
    """Wait until the tasks of a job have written so many images."""
    end = time.monotonic() + 120
    while sum(path.read_bytes().count(b"#image")
              for path in Path(one.record.output).glob("part-*")) < images:
        assert time.monotonic() < end
        time.sleep(0.02)


def end_driver(one):
    """Kill the driver of a job, and wait until it is gone."""
    kill(one.record.pid)
    end = time.monotonic() + 60
    while one.record.is_driven:
        assert time.monotonic() < end
        time.sleep(0.05)


def preprocess(*words):
    return command([sys.executable, "-m", "preprocess", *words], cwd=ROOT)


def collect(*words):
    return module("collect", *words)


def test_what_a_killed_driver_leaves_is_collected_gone_on_with_and_removed(
        long_list, clean, tmp_path, temporary):
    catalog, summary = tmp_path / "catalog.tsv", tmp_path / "summary.json"
    process = start_job("-r", "local", "--jobs", "2", "--catalog", catalog, "--summary", summary,
                        long_list)
    name = wait_until_some_are_done(process).record.name
    for pid, words in descendants(process.pid).items():
        if "--mapper" in words:
            kill(pid, signal.SIGSTOP)  # or it would be done before it has been looked at
    assert collect().out.decode().split("\t")[::5] == [name, "runs\n"]
    refused = collect(name)
    assert refused.status == 2 and f"{name} runs: it can be collected when" in refused.err
    assert collect(name, "--remove").status == 2
    children = descendants(process.pid)
    kill(process.pid)
    finish(process)
    for pid in children:
        kill(pid, signal.SIGCONT)  # who was stopped at its very start looks for its driver now
    assert_gone(children)  # they end with their driver
    assert collect().out.decode().split("\t")[::5] == [name, "left\n"]
    done = collect(name[:-3])
    assert done.status == 1 and done.out == b"" and "lost: image-" in done.err
    assert_part_of(clean, catalog)
    assert '"lost"' in summary.read_text()
    rest = tmp_path / "rest.txt"
    assert preprocess("remaining", long_list, catalog, "-o", rest).status == 0
    second = job("-r", "inline", rest)
    (tmp_path / "second.tsv").write_bytes(second.out)
    whole = preprocess("merge", catalog, tmp_path / "second.tsv")
    assert whole.status == 0 and whole.out == clean.out
    assert collect(name, "--remove").status == 0
    assert list(temporary.iterdir()) == [] and collect().out == b""


def test_what_a_batch_job_without_hdfs_left_is_collected_from_another_machine(
        long_list, clean, tmp_path, temporary, monkeypatch):
    monkeypatch.delenv("HADOOP_CONF_DIR", raising=False)
    monkeypatch.delenv("HADOOP_HOME", raising=False)
    process = start_job("-r", "local", "--jobs", "2", long_list)
    one = wait_until_some_are_done(process)
    kill(process.pid)
    finish(process)
    # As `myhadoop run --no-hdfs` has it when its launcher is killed: all is on a shared disk.
    folder = tmp_path / "staging" / one.record.name
    shutil.copytree(one.record.output, folder / "output")
    (folder / "output" / "_temporary").mkdir()
    facts = Path(one.place, "job.json")
    told = {**json.loads(facts.read_text()), "runner": "hadoop", "host": "node-17",
            "folder": f"file://{folder}", "output": f"file://{folder}/output"}
    facts.write_text(json.dumps(told))
    assert collect().out.decode().split("\t")[::5] == [
        one.record.name, "runs, its driver perhaps on node-17\n"]
    for words in ((), ("--remove",)):
        refused = collect(one.record.name, *words)
        assert refused.status == 2 and "which --ended says where nobody else does" in refused.err
    done = collect(one.record.name, "--ended")
    assert done.status == 1 and "lost: image-" in done.err
    (tmp_path / "catalog.tsv").write_bytes(done.out)
    assert_part_of(clean, tmp_path / "catalog.tsv")
    assert collect(one.record.name, "--ended", "--remove").status == 0
    assert list(temporary.iterdir()) == [] and not folder.exists()


def test_where_nothing_was_left_the_place_is_told(tmp_path, temporary):
    for words, place in ((), temporary), (("--folder", tmp_path / "none"), tmp_path / "none"), (
            ("-r", "spark", "--folder", tmp_path), tmp_path):
        run = collect(*words)
        assert run.status == 0 and run.out == b""
        assert run.err == f"mr_extract: nothing to collect in {place}\n"


def test_what_is_not_there_or_has_changed_is_refused(long_list, tmp_path, temporary):
    kernel = tmp_path / "kernel.conv"
    kernel.write_text("CONV NORM\n1 2 1\n2 4 2\n1 2 1\n")
    process = start_job("-r", "local", "--filter-kernel", kernel, long_list)
    name = wait_until_some_are_done(process).record.name
    kill(process.pid)
    finish(process)
    kernel.write_text("CONV NORM\n1 1 1\n1 1 1\n1 1 1\n")
    for words, said in (((name,), "had other settings"), (("no",), "0 jobs are called no"),
                        (("--remove",), "--remove needs the NAME")):
        run = collect(*words)
        assert run.status == 2 and said in run.err and "Traceback" not in run.err
    assert collect(name, "--remove").status == 0


def test_a_detached_job_goes_on_and_gives_what_it_would_have_given(
        long_list, clean, temporary):
    run = job("-r", "local", "--jobs", "2", "--detach", long_list)
    assert run.status == 0, run.err
    name = run.out.decode().strip()
    end = time.monotonic() + 120
    while "ended" not in collect().out.decode():
        assert time.monotonic() < end
        time.sleep(0.5)
    done = collect(name)
    assert done.status == 0 and done.out == clean.out
    assert "images measured" in done.err
    assert collect(name, "--remove").status == 0 and list(temporary.iterdir()) == []


def test_a_detached_driver_that_is_killed_is_collected_too(long_list, clean, tmp_path, temporary):
    run = job("-r", "local", "--jobs", "2", "--catalog", tmp_path / "catalog.tsv", "--detach",
              long_list)
    assert run.status == 0, run.err
    one, = left_here(str(temporary))
    assert one.record.name == run.out.decode().strip()
    wait_until_written(one)
    end_driver(one)
    done = collect(one.record.name)
    assert done.status == 1 and "lost" in done.err
    assert_part_of(clean, tmp_path / "catalog.tsv")


def test_of_a_function_whose_driver_was_killed_there_are_the_files_that_are_listed(
        night, tmp_path, temporary):
    catalog, kept, whole = (tmp_path / name for name in ("catalog.tsv", "kept", "whole"))
    words = [repeated(night, 8, tmp_path / "list.txt"), "--function", "own_functions:slowly"]
    clean, detached = (module("jobs.apply", *words, *more, cwd=ROOT / "tests") for more in (
        ["-r", "inline", "--save-files", whole],
        ["-r", "local", "--detach", "--save-files", kept, "--catalog", catalog]))
    assert clean.status == detached.status == 0, detached.err
    one, = left_here(str(temporary))
    assert one.record.name == detached.out.decode().strip()
    wait_until_written(one)
    end_driver(one)
    assert list(kept.glob(".mr_extract-*"))
    done = collect(one.record.name)
    assert done.status == 1 and "lost" in done.err and "Traceback" not in done.err
    assert_part_of(clean, catalog)
    listed = {name for line in catalog.read_text().splitlines() if line.startswith("#image")
              for cell in line.split("\t") if cell.startswith("saved_files=")
              for name in cell.partition("=")[2].split(",")}
    files = {path.name: path.read_bytes() for path in kept.iterdir()}
    assert len(listed) >= 6 and listed <= set(files)
    assert all((whole / name).read_bytes() == content for name, content in files.items())
    assert collect(one.record.name, "--remove").status == 0 and list(temporary.iterdir()) == []


@pytest.mark.parametrize("words, said", [
    (("no-such-list.txt",), "no-such-list.txt"),
    (("-",), "--detach needs the names of manifests"),
])
def test_what_cannot_begin_is_said_at_once(words, said, temporary):
    run = job("-r", "local", "--detach", *words)
    assert run.status == 2 and said in run.err and run.out == b""
    assert list(temporary.iterdir()) == []


def test_a_plan_is_read_as_it_was_written(tmp_path):
    plan = Plan()
    for line in (b"/b.fits\tsize=10", b"/a.fits", b"/b.fits[2]\tmask=/m.fits", b"/a.fits",
                 b"/c.fits\tid=twice", b"/d.fits\tid=twice", b"/e.fits\tno field",
                 b"/f.fits[3]\tmask=/m.fits"):
        if entry := parse_line(line):
            plan.add(entry)
    with open(tmp_path / "plan", "wb") as file:
        plan.write(file)
    with open(tmp_path / "plan", "rb") as file:
        again = Plan.read(file)
    assert len(again) == len(plan) == 6
    assert again.refused == plan.refused
    assert set(plan.refused) == {"twice", "malformed:/e.fits%09no field"}
    assert list(again.entries.items()) == list(plan.entries.items())
    assert [again.size(k) for k in range(6)] == [plan.size(k) for k in range(6)]
    assert again.parcels == plan.parcels and list(again.in_order()) == list(plan.in_order())
    assert again.find("/a.fits") == plan.find("/a.fits")


def test_a_task_whose_driver_is_gone_does_not_begin():
    done = subprocess.run(
        [*program(), "--mapper"], input=b"/no-such.fits\n", capture_output=True,
        env={"PATH": "/usr/bin:/bin", "MR_EXTRACT_DRIVER": "1"})
    assert done.returncode == -9 and done.stdout == b""


def test_the_commands_of_the_page_run(night, tmp_path, temporary):
    (tmp_path / "night").symlink_to(night)
    run = shell_in(tmp_path, {"TMPDIR": str(temporary)})(
        "\n".join(commands_of(read_page("docs/long-jobs.md"))))
    assert run.status == 0, run.err
    assert "images measured" in run.err and list(temporary.iterdir()) == []
    listed, *_ = run.out.decode().splitlines()
    *told, state = listed.split("\t")[1::2]
    assert told == ["local", "6 images"] and state in ("runs", "ended")  # a busy machine lists late
    assert (tmp_path / "night.tsv").read_bytes() == job("-r", "inline", "night/manifest.txt",
                                                        cwd=tmp_path).out


def test_a_record_of_another_version_is_passed_over_and_told(temporary):
    place = temporary / "mr_extract-old" / "input" / "record"
    place.mkdir(parents=True)
    (place / "job.json").write_text('{"name": "old", "arguments": []}\n')
    run = collect()
    assert run.status == 0 and run.out == b""
    assert "mr_extract-old is passed over: it is the record of another version" in run.err


def test_what_the_user_has_named_is_not_removed_with_a_job(tmp_path):
    hadoop = tmp_path / "hadoop"
    hadoop.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    hadoop.chmod(0o755)
    record = Record(
        "job", ("--output-dir", "hdfs:///user/kim/night/catalog"), "/", "hadoop",
        "hdfs:///user/kim/night/catalog", "hdfs:///user/kim/tmp/mrjob/job", 1, "", "", 0.0, "",
        1, 1)
    folder = tmp_path / "mr_extract-job"
    folder.mkdir()
    LeftOnHadoop(record, str(folder), "", (str(hadoop),)).remove()
    assert (tmp_path / "asked").read_text() == (
        "fs -rm -r -f -skipTrash hdfs:///user/kim/tmp/mrjob/job\n")
    assert not folder.exists()
