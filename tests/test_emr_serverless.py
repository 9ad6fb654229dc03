"""EMR Serverless as moto has it: what is submitted runs on the Spark of this machine."""

import os
import re
import shlex
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import ROOT, command, job
from pages import commands_of, read_page
from pretend_emr import PretendEmr

ROLE = "arn:aws:iam::123456789012:role/tasks"


@pytest.fixture(scope="module")
def application(night, tmp_path_factory):
    """A pretend AWS with some frames and an application, whose runs `application.run` ends."""
    from moto.emrserverless import models

    at_once = models.JOB_STATUS
    with PretendEmr(tmp_path_factory.mktemp("serverless")) as aws:
        models.JOB_STATUS = "SUBMITTED"  # moto's runs are done when they are asked for
        lines = [aws.put(f"night/{path.name}", path.read_bytes())
                 for path in sorted(night.glob("*.fits"))[:3]]
        aws.list = aws.put("list.txt", ("\n".join([*lines, "s3://mine/none.fits"]) + "\n").encode())
        aws.archive = aws.folder / "env.tar.gz"
        aws.archive.write_bytes(b"the Python of this machine stands for it")
        client = aws.of_service("emr-serverless")
        aws.application = client.create_application(
            name="spark", releaseLabel="emr-7.5.0", type="SPARK")["applicationId"]
        yield aws
    models.JOB_STATUS = at_once


def serverless(aws, catalog, *args, runs=None):
    """Run the page's command while EMR Serverless does what `runs` says with what it gets."""
    from moto.emrserverless.models import emrserverless_backends

    over, seen = threading.Event(), []

    def ended():
        while not over.wait(0.05):
            for account in list(emrserverless_backends.values()):
                for backend in list(account.values()):
                    for run in [one for some in backend.job_runs.values() for one in some]:
                        if run not in seen:
                            seen.append(run)
                            run.state, run.state_details = runs(run)

    seen += [one for account in emrserverless_backends.values() for backend in account.values()
             for some in backend.job_runs.values() for one in some]
    before = len(seen)
    thread = threading.Thread(target=ended)
    thread.start()
    try:
        words = shlex.split(commands_of(read_page("emr/README.md"))[2].replace("\\\n", ""))
        assert words[:4] == ["python", "-m", "emr", "serverless"]
        places = {"APPLICATION": aws.application, "ROLE_ARN": ROLE,
                  "s3://BUCKET/list.txt": aws.list, "s3://BUCKET/mr_extract/": "s3://mine/mr_extract/",
                  "catalog.tsv": catalog}
        assert places.keys() <= set(words)
        done = command([sys.executable, *(places.get(word, word) for word in words[1:]),
                        "--env-archive", aws.archive, "--check-every", "0.1", *args],
                       cwd=ROOT, env=aws.environment)
    finally:
        over.set()
        thread.join()
    return done, seen[before:]


def on_spark(aws):
    """Return what runs a submitted job on Spark, with what it has on S3 brought here."""
    import pyspark

    def run(one):
        words = one.job_driver["sparkSubmit"]
        folder = aws.folder / one.id
        place = words["entryPoint"].rpartition("/")[0]
        for key in aws.objects(place.partition("mine/")[2]):
            path = folder / "mine" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(aws.get(f"s3://mine/{key}"))
        here = [word.replace("s3://mine/", f"{folder}/mine/") if place in word else word
                for word in words["entryPointArguments"]]
        done = subprocess.run(
            [Path(pyspark.__file__).parent / "bin" / "spark-submit", "--master", "local[2]",
             "--conf", "spark.ui.enabled=false",
             words["entryPoint"].replace("s3://", f"{folder}/"), *here],
            env={**os.environ, **aws.environment, "PYSPARK_PYTHON": sys.executable,
                 "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
        for path in (*sorted(folder.rglob("part-*")), *folder.rglob("told")):
            aws.put(path.relative_to(folder / "mine").as_posix(), path.read_bytes())
        return ("SUCCESS", "") if done.returncode == 0 else ("FAILED", done.stderr[-500:])
    return run


@pytest.mark.needs("spark")
@pytest.mark.timeout(300)
def test_the_submitted_job_gives_the_catalog_of_inline(application, tmp_path):
    inline = job("-r", "inline", "--thresh", "3", "--max-failures", "1", application.list,
                 env=application.environment)
    done, (run,) = serverless(application, tmp_path / "catalog.tsv", "--yes", "--tasks", "2",
                              "--options=--thresh 3 --max-failures 1",
                              runs=on_spark(application))
    assert done.status == 0, done.err
    assert (tmp_path / "catalog.tsv").read_bytes() == inline.out
    assert "3 images measured, 1 failed" in done.err and "MB read" in done.err
    words = shlex.split(run.job_driver["sparkSubmit"]["sparkSubmitParameters"])
    settings = dict(word.split("=", 1) for word in words[1::2])
    assert set(words[::2]) == {"--conf"}
    kept, _, name = settings["spark.archives"].partition("#")
    assert re.fullmatch(r"s3://mine/mr_extract/kept/env-\w+\.tar\.gz", kept)
    assert application.get(kept) == application.archive.read_bytes()
    for setting in ("emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON",
                    "emr-serverless.driverEnv.PYSPARK_PYTHON", "executorEnv.PYSPARK_PYTHON"):
        assert settings[f"spark.{setting}"] == f"./{name}/bin/python"
    assert run.execution_role_arn == ROLE and run.execution_timeout_minutes == 720
    assert not application.objects("mr_extract/serverless-")


def test_a_run_that_fails_is_told_and_leaves_nothing(application, tmp_path):
    catalog = tmp_path / "catalog.tsv"
    done, (run,) = serverless(application, catalog, "--yes", runs=lambda _: (
        "FAILED", "Job failed, please check complete logs. exitCode 1"))
    assert done.status == 1 and not catalog.exists() and "Traceback" not in done.err, done.err
    assert f"job run {run.id} failed: Job failed, please check" in done.err
    assert not application.objects("mr_extract/serverless-")
    for args, words in ((("--options=--mask-image http://me:secret@host/{name}",),
                         "-r emr has"), ((), "nobody can be asked here: --yes")):
        agreed = ["--yes"] if args else []
        done, runs = serverless(application, catalog, *args, *agreed, runs=None)
        assert done.status == 2 and words in done.err.splitlines()[-1], done.err
        assert not runs and "secret" not in done.err
