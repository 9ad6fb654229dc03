"""A process of a job loads what it uses: what it does not use is paid for in each task."""

from collections import Counter

import pytest
from conftest import job

# What a plain image and its catalog on this machine have no use for.
UNUSED = {
    "astropy", "boto3", "botocore", "hdfs_native", "urllib3", "yaml.loader", "xml",
    "urllib.request", "http.client", "ssl",
    "mr_extract.jobs.driver.packed_plan", "mr_extract.jobs.driver.progress",
    "mr_extract.jobs.runners.hadoop.progress", "mr_extract.jobs.runners.hadoop.runner",
    "mr_extract.jobs.runners.hadoop.tasks", "mr_extract.jobs.sky",
    "mr_extract.frames.checkimages", "mr_extract.lists.association", "mr_extract.lists.forced",
    "mr_extract.skymaps", "mr_extract.sextractor.configuration",
    "mr_extract.images.through_astropy",
}


def loaded(*options, **keywords):
    """Return the modules that the processes of a job load, and how many load each."""
    run = job(*options, env={"PYTHONPROFILEIMPORTTIME": "1"}, **keywords)
    assert run.status == 0, run.err
    lines = (line for line in run.err.splitlines() if line.startswith("import time:"))
    return Counter(line.rsplit("|", 1)[1].strip() for line in lines)


def test_one_process_does_all_with_what_it_uses(night, tmp_path):
    found = loaded("-r", "inline", "--quiet", "--catalog", tmp_path / "catalog.tsv",
                   night / "manifest.txt")
    assert found["sep"] == found["mrjob.job"] == 1
    assert not UNUSED & found.keys()


@pytest.mark.parametrize("columns", ["default", "default,radius"])
def test_of_the_two_processes_of_a_task_one_measures_and_one_knows_mrjob(night, columns):
    found = loaded("--mapper", "--columns", columns, stdin=(night / "manifest.txt").read_bytes())
    assert found["mr_extract.failures"] == 2
    for one in ("numpy", "sep", "mrjob.job", "mr_extract.jobs.skeleton.image_job",
                "mr_extract.frames.measuring", "mr_extract.jobs.task.fetching"):
        assert found[one] == 1, one
    assert not UNUSED & found.keys()
    assert not {"mr_extract.jobs.driver.drive", "mr_extract.jobs.driver.gather"} & found.keys()
    assert found["importlib.metadata"] <= 1  # sep asks it for its version
