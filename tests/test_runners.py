"""The same catalog from every runner, byte for byte."""

import gzip
import random
import sys

import pytest
from conftest import JOBS, LAUNCHER, command, job, program, two_jobs

pytestmark = pytest.mark.usefixtures("each_job")


@pytest.fixture(scope="module")
def manifest(night):
    return night / "manifest.txt"


@pytest.fixture(scope="module")
def catalog(manifest, each_job):
    run = job("-r", "inline", manifest)
    assert run.status == 0, run.err
    return run


def test_inline_gives_one_catalog_in_the_order_of_ids_then_numbers(catalog, night, each_job):
    rows = [line.split("\t") for line in catalog.lines if not line.startswith("#")][1:]
    keys = [(row[0].encode(), int(row[1]) if each_job == "extract" else 1) for row in rows]
    assert len(keys) > (100 if each_job == "extract" else 5)
    assert keys == sorted(keys)
    assert len(catalog.accounts()) == 6
    assert set(catalog.accounts().values()) == {""}


@pytest.mark.parametrize("each_job, jobs", [
    (name, jobs) for name in JOBS for jobs in "125" if name != "photometry" or jobs == "2"],
    indirect=["each_job"])
def test_local_gives_the_same_bytes_whatever_the_number_of_jobs(manifest, catalog, jobs):
    run = job("-r", "local", "--jobs", jobs, manifest)
    assert run.status == 0, run.err
    assert run.out == catalog.out


@pytest.mark.needs("spark")
@pytest.mark.parametrize("each_job", ["extract"], indirect=True)
def test_spark_gives_the_same_bytes_and_its_tasks_know_the_configuration(
        manifest, catalog, tmp_path):
    (tmp_path / "my.param").write_text("NUMBER\nX_IMAGE\nMAG_AUTO\nFLAGS\n")
    (tmp_path / "my.sex").write_text("PARAMETERS_NAME my.param\nFILTER N\nDETECT_THRESH 2.5\n"
                                     "MAG_ZEROPOINT 25\nPIXEL_SCALE 0\n")
    inline, run = (job("-r", runner, "--jobs", "2", "--config", "my.sex", manifest, cwd=tmp_path)
                   for runner in ("inline", "spark"))
    assert run.status == 0, run.err
    assert run.out == inline.out != catalog.out


def test_the_bare_pipe_gives_the_same_lines_without_the_header(manifest, catalog):
    mapped = command([*program(), "--mapper"], stdin=manifest.read_bytes())
    for locale in ("C", "C.UTF-8", "en_US.UTF-8"):
        lines = command(["sort"], stdin=mapped.out, env={"LC_ALL": locale}).out
        reduced = command([*program(), "--reducer"], stdin=lines)
        assert reduced.out == catalog.body, locale


@two_jobs
def test_order_duplicates_and_grouping_of_lines_do_not_matter(manifest, catalog, tmp_path):
    lines = [line for line in manifest.read_text().splitlines() if not line.startswith("#")]
    random.Random(5).shuffle(lines)
    first, second = tmp_path / "first.txt", tmp_path / "second.txt.gz"
    first.write_text("\n".join(lines[:4]) + "\r\n\n# a comment\n")
    second.write_bytes(gzip.compress("\n".join(lines[2:]).encode()))
    for runner in ("inline", "local"):
        assert job("-r", runner, first, second).out == catalog.out
    assert job(stdin="\n".join(lines).encode()).out == catalog.out


@two_jobs
def test_shards_mapped_apart_and_reduced_together_give_the_same_lines(manifest, catalog):
    lines = [line for line in manifest.read_bytes().splitlines() if not line.startswith(b"#")]
    mapped = b"".join(
        command([*program(), "--mapper"], stdin=b"\n".join(part)).out
        for part in (lines[3:], lines[:3], lines[2:4])
    )
    reduced = command([*program(), "--reducer"],
                      stdin=command(["sort"], stdin=mapped).out)
    assert reduced.out == catalog.body


@two_jobs
def test_relative_paths_mean_the_same_to_every_runner(night):
    name = sorted(path.name for path in night.glob("*.fits"))[0]
    runs = [job("-r", runner, stdin=name.encode(), cwd=night) for runner in ("inline", "local")]
    assert runs[0].accounts() == {name: ""}
    assert runs[0].out == runs[1].out
    piped = command([*program(), "--mapper", "--reduce", "none"],
                    stdin=name.encode(), cwd=night)
    assert piped.out == runs[0].body


@two_jobs
def test_without_reduction_the_rows_are_the_same_in_the_order_of_the_tasks(manifest, catalog):
    for runner in ("inline", "local"):
        run = job("-r", runner, "--reduce", "none", manifest)
        assert run.status == 0, run.err
        assert sorted(run.out.splitlines()) == sorted(catalog.out.splitlines())
        assert run.accounts() == catalog.accounts()


@two_jobs
def test_tomorrow_the_same(manifest, catalog):
    assert job("-r", "inline", manifest, env={"TZ": "Asia/Tokyo", "LC_ALL": "C"}).out == catalog.out


@two_jobs
def test_the_module_and_the_launcher_are_the_same_program(manifest, catalog, each_job):
    if each_job != "extract":
        return  # it has no launcher of its own
    run = command([sys.executable, "-m", "mr_extract.jobs.extract", "-r", "inline", manifest],
                  cwd=LAUNCHER.parent)
    assert run.out == catalog.out


def test_drivers_and_reducers_start_without_what_measures(each_job):
    code = (f"import sys, mr_extract.jobs.{each_job}, mr_extract.jobs.driver.drive\n"
            "sys.exit(any(m in sys.modules for m in ('numpy', 'astropy', 'sep')))")
    assert command([sys.executable, "-c", code], cwd=LAUNCHER.parent).status == 0
