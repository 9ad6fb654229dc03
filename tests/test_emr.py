"""`-r emr` against a pretend AWS: real bootstrap scripts, and the steps on the real Hadoop."""

import io
import json
import re
import sys
import tarfile
import threading
import time

import pytest
from conftest import ROOT, command, job
from pretend_emr import DEAD, PretendEmr

pytestmark = pytest.mark.timeout(600)
QUICK = {"check_cluster_every": 0.1, "iam_instance_profile": "EMR_EC2_DefaultRole",
         "iam_service_role": "EMR_DefaultRole", "cloud_tmp_dir": "s3://mine/mr_extract/"}


def configuration(folder, **options):
    """Write a mrjob.conf (which may be JSON) and return its path."""
    path = folder / "mrjob.conf"
    path.write_text(json.dumps({"runners": {"emr": {**QUICK, **options}}}))
    return path


def ends(emr):
    """Return how the clusters stand, when none is in a hurry to end any more."""
    for thread in emr._threads:
        thread.join(20)
    return [cluster.state for cluster in emr.clusters.values()]


@pytest.fixture(scope="module")
def on_s3(night, tmp_path_factory):
    """A pretend AWS that has the night; steps end as `emr.step` says."""
    def step(cluster, words):
        return emr.step(cluster, words)

    with PretendEmr(tmp_path_factory.mktemp("emr"), step=step) as emr:
        emr.lines = [emr.put(f"night/{path.name}", path.read_bytes())
                     for path in sorted(night.glob("*.fits"))]
        emr.list = emr.put("list.txt", ("\n".join([*emr.lines, "s3://mine/none.fits"]) + "\n")
                           .encode())
        yield emr


def run(emr, conf, *args, **environment):
    return job("-r", "emr", "--conf-path", conf, *args, emr.list,
               env={**emr.environment, **environment})


def test_a_job_that_lacks_something_ends_with_a_line(on_s3, tmp_path):
    conf = configuration(tmp_path, python_bin=[sys.executable])
    for change, words, status in (
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "no credentials", 2),
        ({"AWS_DEFAULT_REGION": ""}, "no AWS region: --region", 2),
        ({"AWS_ENDPOINT_URL_EMR": "http://127.0.0.1:9"}, "AWS cannot be reached from here", 1),
    ):
        done = run(on_s3, conf, **change)
        assert words in done.err and "Traceback" not in done.err, done.err
        assert done.status == status and not done.out
    done = run(on_s3, configuration(tmp_path, cloud_tmp_dir="s3://not-mine/x/"))
    assert (done.status, done.out) == (1, b"")
    assert "s3://not-mine: AWS refuses HeadBucket (NoSuchBucket): there is no such bucket; " \
        "--cloud-tmp-dir" in done.err
    done = run(on_s3, configuration(tmp_path, cloud_tmp_dir=None))
    assert done.status == 2 and "-r emr needs a folder of a bucket of yours" in done.err
    assert not on_s3.clusters  # none was started for any of it


def test_a_bootstrap_action_fails(on_s3, tmp_path):
    conf = configuration(tmp_path, python_bin=[sys.executable],
                         bootstrap=["echo cannot find the ring >&2; exit 7"])
    done = run(on_s3, conf)
    assert (done.status, done.out) == (1, b"") and "Traceback" not in done.err, done.err
    assert "bootstrap action 1 returned a non-zero return code: cannot find the ring" in done.err
    (log,) = (key for key in on_s3.objects("mr_extract/logs/") if "bootstrap-actions" in key)
    assert f"its log: s3://mine/{log}" in done.err
    assert set(ends(on_s3)) <= set(DEAD)


FAILED = """\
26/11/29 10:00:00 INFO mapreduce.Job: Task Id : attempt_1_m_000001_0, Status : FAILED
Error: java.io.IOException: Cannot run program "python9": error=2, No such file or directory
\tat java.lang.ProcessBuilder.start(ProcessBuilder.java:1)
26/11/29 10:00:01 INFO mapreduce.Job:  map 50% reduce 0%
"""


def test_a_step_fails_and_what_its_tasks_had_done_is_kept(on_s3, tmp_path):
    first = job("--mapper", "--reduce", "none", stdin=on_s3.lines[0].encode(),
                env=on_s3.environment)

    def half(_, words):
        output = words[words.index("-output") + 1].partition("mine/")[2]
        on_s3.put(f"{output}part-00000", first.out)
        return False, FAILED

    on_s3.step = half
    failed = run(on_s3, configuration(tmp_path, python_bin=[sys.executable]))
    assert failed.status == 1 and "Traceback" not in failed.err
    assert "attempt_1_m_000001_0: java.io.IOException: Cannot run program" in failed.err
    assert failed.out.count(b"\n#error\t") == 6  # five images and one that is not there
    assert b"fetch-not-found" not in failed.out and failed.out.count(b"\tlost\t") == 6
    assert first.out in failed.out
    assert set(ends(on_s3)) <= set(DEAD)


def emr_command(emr, *args):
    return command([sys.executable, "-m", "emr", *args], cwd=ROOT, env=emr.environment)


def test_a_cluster_is_launched_joined_told_of_and_stopped(on_s3, tmp_path):
    conf = configuration(tmp_path, python_bin=[sys.executable])
    launched = emr_command(on_s3, "launch", "--conf-path", conf)
    assert launched.status == 0 and "costs money" in launched.err, launched.err
    (name,) = launched.lines
    (action,) = on_s3.clusters[name].bootstrap_actions  # mrjob's own watch over idle clusters
    assert action.script_path.endswith("terminate_idle_cluster_emr.sh")
    told = emr_command(on_s3, "status")
    assert re.search(rf"^{name}\t(STARTING|BOOTSTRAPPING|WAITING)\t0.0 hours\t", told.lines[0])

    on_s3.step = lambda cluster, words: (False, FAILED)
    while on_s3.clusters[name].state != "WAITING":
        time.sleep(0.05)
    joined = run(on_s3, conf, "--cluster-id", name)
    assert joined.status == 1 and f"cluster {name} " in joined.err and " has the job" in joined.err
    assert on_s3.clusters[name].state == "WAITING"  # whoever joined does not end it
    told = emr_command(on_s3, "status", name)
    assert told.lines[1].split("\t")[2] == "FAILED"
    logs = emr_command(on_s3, "logs", name)
    assert "Cannot run program" in logs.lines[1] and "/syslog.gz\tattempt_1_m" in logs.lines[1]
    stopped = emr_command(on_s3, "stop", name)
    assert stopped.lines == [f"{name}\tTERMINATED"]


def test_a_job_longer_than_allowed_is_stopped(on_s3, tmp_path):
    over = threading.Event()
    on_s3.step = lambda cluster, words: (over.wait(60), "")
    try:
        done = run(on_s3, configuration(tmp_path, python_bin=[sys.executable]), "--max-hours",
                   "0.0001")
    finally:
        over.set()
    assert done.status == 1 and "longer than the 0.0001 hours of --max-hours" in done.err
    assert set(ends(on_s3)) <= set(DEAD)


def test_machines_of_another_kind_than_the_archive_are_refused_before_they_cost(on_s3, tmp_path):
    for change, words in (
        ({"core_instance_type": "m7g.xlarge", "num_core_instances": 1}, "m7g.xlarge are aarch64"),
        ({"release_label": "emr-6.15.0"}, "emr-6.15.0 have glibc 2.26"),
    ):
        before = len(on_s3.clusters)
        done = run(on_s3, configuration(tmp_path, **change), "--env-archive",
                   small_archive(tmp_path))
        assert done.status == 1 and words in done.err, done.err
        assert len(on_s3.clusters) == before


def small_archive(folder):
    """Write what an archive says of itself, and a library that needs a glibc."""
    path = folder / "env.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in (("environment.json", b'{"machine": "x86_64"}'),
                              ("lib/a.so", b"\x7fELF\0GLIBC_2.28\0GLIBC_2.9\0")):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def test_the_policies_are_for_the_calls_that_are_made():
    for name in ("user", "nodes"):
        policy = json.loads((ROOT / "emr" / "policies" / f"{name}.json").read_text())
        for one in policy["Statement"]:
            assert one["Effect"] == "Allow" and "*" not in one["Action"]
            assert not any(action.endswith(":*") for action in one["Action"])


def test_a_whole_job_from_s3_to_s3_on_hadoop(on_s3, hadoop, tmp_path):
    """With a catalog and its parts; the code that it brought is there for the next one."""
    on_s3.hadoop, on_s3.step = hadoop, on_s3.on_hadoop
    # Asking costs the pretend AWS and the job more than the job's own work.
    conf = configuration(tmp_path, python_bin=[sys.executable], num_core_instances=2,
                         check_cluster_every=1)
    before = on_s3.objects("mr_extract/")
    inline = job("-r", "inline", "--max-failures", "1", on_s3.list, env=on_s3.environment)
    assert inline.status == 0, inline.err
    done = run(on_s3, conf, "-D", "mapreduce.job.maps=2", "--max-failures", "1",
               "--catalog", "s3://mine/catalog.tsv", "--output-dir", "s3://mine/parts/")
    assert done.status == 0, done.err
    assert on_s3.get("s3://mine/catalog.tsv") == inline.out
    assert re.search(r"code-\w+\.zip, [\d.]+ MB, put in s3://mine/mr_extract/kept/|"
                     "which s3://mine/mr_extract/kept/ has already", done.err)
    kept = on_s3.objects("mr_extract/kept/")
    assert any(re.search(r"/code-\w+\.zip$", key) for key in kept)
    assert "cluster j-" in done.err and "(2 x m5.xlarge; us-east-1) starts" in done.err
    found = on_s3.objects("parts/")
    assert found.pop("parts/_SUCCESS") == 0
    # `_header` stands before `part-...`, and what failed in the part of its image.
    lines = [line for key in sorted(found) for line in
             on_s3.get(f"s3://mine/{key}").splitlines(True)]
    assert sorted(lines) == sorted(inline.out.splitlines(True))

    # Maps alone, as they are without an output folder, whose tasks gave what mappers give.
    mapped = job("--mapper", "--reduce", "none", stdin=on_s3.get(on_s3.list),
                 env=on_s3.environment)
    outputs = []

    def step(_, words):
        assert "mapreduce.job.reduces=0" in words
        outputs.append(words[words.index("-output") + 1].partition("mine/")[2])
        on_s3.put(f"{outputs[0]}part-00000", mapped.out)
        return True, ""

    on_s3.step = step
    again = run(on_s3, conf, "--max-failures", "1")
    assert again.status == 0 and again.out == inline.out, again.err
    assert not on_s3.objects(outputs[0])
    assert "which s3://mine/mr_extract/kept/ has already" in again.err
    assert on_s3.objects("mr_extract/kept/") == kept  # nothing was brought again
    assert ends(on_s3)[-2:] == ["TERMINATED"] * 2
    # What the jobs had there alone is gone from the bucket.
    assert not [key for key in on_s3.objects("mr_extract/").keys() - before.keys()
                if "/kept/" not in key and "/logs/" not in key]
