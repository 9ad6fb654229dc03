"""A task that dies again and again loses the image at which it dies, and no other."""

import os
import sys

import pytest
from conftest import LAUNCHER, ROOT, command, job
from test_packed import framed

from bench.clusters.deadly_places import DeadlyPlaces, kills
from mr_extract.jobs.task.retried import retried_task
from mr_extract.text.entry import Entry

IMAGES = [(Entry(f"{name}.fits"), name) for name in "abcd"]


def attempt(folder, number, **properties):
    return retried_task(str(folder), {
        "mapreduce_task_attempt_id": f"attempt_17_0005_m_000003_{number}", **properties})


def tried(task, dies_at=None):
    """Go through the images until the attempt dies; return those that were tried."""
    names = []
    for entry, files in task.through(iter(IMAGES)):
        if not entry.problem:
            assert files == entry.uri[0]
            names.append(files)
        if files and files == dies_at:
            return names
    return names


def refused(task):
    return {entry.uri[0]: (entry.kind, entry.problem)
            for entry, _ in task.through(iter(IMAGES)) if entry.problem}


def test_a_first_attempt_notes_nothing(tmp_path):
    assert attempt(tmp_path, 0) is None
    assert attempt(tmp_path, 1000) is None  # the first under a second ApplicationMaster
    assert retried_task(None, {"mapreduce_task_attempt_id": "attempt_17_0005_m_000003_1"}) is None
    assert retried_task("notes", {}) is None  # a bare mapper
    assert list(tmp_path.iterdir()) == []


def test_an_image_comes_last_after_one_death_and_is_given_up_after_two(tmp_path):
    assert tried(attempt(tmp_path, 1), dies_at="b") == ["a", "b"]
    assert tried(attempt(tmp_path, 2), dies_at="b") == ["a", "c", "d", "b"]
    assert refused(attempt(tmp_path, 3)) == {
        "b": ("killed", "the task died while it was in work, 2 times")}
    assert tried(attempt(tmp_path, 4)) == ["a", "c", "d"]


def test_an_image_at_which_a_node_died_is_measured(tmp_path):
    assert tried(attempt(tmp_path, 1), dies_at="b") == ["a", "b"]
    assert tried(attempt(tmp_path, 2)) == ["a", "c", "d", "b"]


def test_two_such_images_in_one_task_are_both_found_by_the_last_attempt(tmp_path):
    assert tried(attempt(tmp_path, 1), dies_at="b") == ["a", "b"]
    assert tried(attempt(tmp_path, 2), dies_at="c") == ["a", "c"]
    assert set(refused(attempt(tmp_path, 3))) == {"b", "c"}


def test_what_was_noted_under_another_applicationmaster_counts(tmp_path):
    tried(attempt(tmp_path, 1), dies_at="b")
    assert tried(attempt(tmp_path, 1001), dies_at="b") == ["a", "c", "d", "b"]
    assert set(refused(attempt(tmp_path, 1002))) == {"b"}


def test_the_number_of_attempts_is_that_of_the_job(tmp_path):
    most = {"mapreduce_map_maxattempts": "6"}
    for number, image in ((1, "a"), (2, "b"), (3, "c"), (4, "d")):
        assert tried(attempt(tmp_path, number, **most), dies_at=image)[-1] == image
    assert set(refused(attempt(tmp_path, 5, **most))) == set("abcd")
    assert not refused(attempt(tmp_path / "few", 1, mapreduce_map_maxattempts="2"))


def test_an_attempt_that_ends_well_accuses_nobody(tmp_path):
    tried(attempt(tmp_path, 1))
    assert tried(attempt(tmp_path, 2)) == ["a", "b", "c", "d"]


def test_a_task_is_done_where_nothing_can_be_noted(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    task = attempt(tmp_path / "file", 1)
    assert tried(task) == ["a", "b", "c", "d"]
    assert capsys.readouterr().err.count("\n") == 1


@pytest.fixture
def deadly(night, tmp_path):
    """A manifest of the night with three images that are fetched from a web server."""
    lines = [line.split("\t")[0] for line in (night / "manifest.txt").read_text().splitlines()
             if not line.startswith("#")]
    with DeadlyPlaces(night) as places:
        names = [os.path.basename(line) for line in lines[:3]]
        manifest = tmp_path / "list.txt"
        manifest.write_text("".join(f"{line}\n" for line in lines)
                            + "".join(f"{places.url}/{name}\tid=web-{k}\n"
                                      for k, name in enumerate(names)))
        yield places, names, manifest


def test_on_this_machine_an_image_that_kills_its_task_is_named_and_no_other_is_lost(deadly):
    places, names, manifest = deadly
    clean = job("-r", "inline", manifest)
    assert clean.status == 0
    places.deeds[names[1]] = kills
    run = job("-r", "local", "--jobs", "1", "--max-failures", "1", manifest)
    assert run.status == 0, run.err
    assert run.err.count("ended with status -9") == 3
    assert run.accounts() == {**clean.accounts(), "web-1": "killed"}
    assert b"#error\tweb-1\tkilled\tthe task died while it was in work, 2 times\n" in run.out
    kept = [line for line in clean.body.splitlines() if b"web-1" not in line]
    assert [line for line in run.body.splitlines() if b"web-1" not in line] == kept


def test_on_this_machine_two_of_them_in_one_task_are_named(deadly):
    places, names, manifest = deadly
    places.deeds[names[0]] = places.deeds[names[2]] = kills
    run = job("-r", "local", "--jobs", "1", "--max-failures", "2", manifest)
    assert run.status == 0, run.err
    assert {i: kind for i, kind in run.accounts().items() if kind} == {
        "web-0": "killed", "web-2": "killed"}


def test_of_packed_records_the_same_image_is_left_out(night, tmp_path):
    done = command([sys.executable, "-m", "preprocess", "pack", *sorted(night.glob("*.fits"))[:3],
                    "-o", tmp_path / "packed"], env={"PYTHONPATH": str(ROOT)})
    assert done.status == 0, done.err

    def mapped(number):
        run = command([sys.executable, LAUNCHER, "--mapper", "--packed", "--reduce", "none",
                       f"--attempt-notes={tmp_path}/notes"], stdin=framed(tmp_path / "packed"),
                      env={"mapreduce_task_attempt_id": f"attempt_17_0005_m_000003_{number}"})
        assert run.status == 0, run.err
        return run

    first = mapped(0)
    ids = list(first.accounts())
    notes = tmp_path / "notes" / "17_0005_m_000003"
    notes.mkdir(parents=True)
    (notes / "1").write_text(ids[1])
    second = mapped(2)
    assert list(second.accounts()) == [ids[0], ids[2], ids[1]]  # the suspect came last
    assert sorted(second.lines) == sorted(first.lines)
    assert (notes / "2").read_text() == ""
    (notes / "2").write_text(ids[1])
    assert mapped(3).accounts() == {ids[0]: "", ids[2]: "", ids[1]: "killed"}
