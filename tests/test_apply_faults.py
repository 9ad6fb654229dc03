"""A function of the user's that misbehaves costs its own image, on every runner, and says where."""

import glob
import tempfile

import pytest
from misbehaving_functions import TABLE, check, left_processes, run_all, write_manifest


@pytest.fixture(scope="module")
def runs(night, tmp_path_factory):
    """What each runner made of all faults in one task, run when it is first asked for."""
    folder, image, found = tmp_path_factory.mktemp("faults"), sorted(night.glob("*.fits"))[0], {}

    def run(runner):
        if runner not in found:
            manifest = write_manifest(folder / f"{runner}.txt", image, runner == "inline")
            found[runner] = run_all(manifest, "-r", runner)
        return found[runner]

    return run


@pytest.mark.parametrize("runner", [
    "inline", "local", pytest.param("spark", marks=pytest.mark.needs("spark"))])
@pytest.mark.parametrize("number, one", enumerate(TABLE), ids=[one.word for one in TABLE])
def test_it_costs_its_image_and_no_other(runs, runner, number, one):
    if runner == "inline" and not one.inline:
        return  # without a child it ends the job: docs/your-own-function.md says so
    check(runs(runner), number, one)


def test_nothing_of_it_is_in_the_catalog_but_its_own_line(runs):
    run = runs("local")
    assert b"nobody" not in run.out
    assert run.status == 1 and len(run.accounts()) == 2 * len(TABLE) + 1


def test_nothing_is_left_running_or_lying_about(runs):
    before = set(glob.glob(f"{tempfile.gettempdir()}/mr_extract-*"))
    runs("local"), runs("inline")
    assert not left_processes()
    assert not set(glob.glob(f"{tempfile.gettempdir()}/mr_extract-*")) - before
