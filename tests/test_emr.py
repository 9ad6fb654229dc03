"""`-r emr` against a pretend AWS: real bootstrap scripts, and the steps on the real Hadoop."""

import gzip
import io
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import tarfile
import threading
import time

import pytest
from botocore.exceptions import ClientError
from conftest import ROOT, command, job, module
from own_functions import side_data
from pages import commands_of, read_page
from pretend_emr import DEAD, PretendEmr
from processes import finish, kill, start_job

from mr_extract.jobs.runners.emr.refusals import with_advice

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
    """Run the command of the page, with another configuration and list."""
    words = shlex.split(commands_of(read_page("emr/README.md"))[0])
    assert words[:2] == ["python", "mr_extract.py"] and words[-2] == ">"
    places = {"emr/mrjob.conf": conf, "s3://BUCKET/list.txt": emr.list}
    assert places.keys() <= set(words)
    return job(*(places.get(word, word) for word in words[2:-2]), "--yes", *args,
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
    conf = configuration(tmp_path, python_bin=[sys.executable], num_core_instances=2)
    asked = job("-r", "emr", "--conf-path", conf, on_s3.list, env=on_s3.environment)
    assert (asked.status, asked.out) == (2, b"") and len(asked.err.splitlines()) == 1
    assert "costs money from its start to its end, and nobody can be asked here" in asked.err
    status, words = answered(on_s3, "n", "launch", "--conf-path", conf)
    assert status == 2 and words.endswith("[y/N] emr launch: no cluster was started")
    assert not on_s3.clusters  # none was started for any of it


def answered(emr, answer, *words):
    """Run a command of ``python -m emr`` on a terminal, and return its status and last line."""
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    process = subprocess.Popen([sys.executable, "-m", "emr", *map(str, words)], cwd=ROOT,
                               stdin=theirs, stderr=theirs, stdout=subprocess.DEVNULL,
                               env={**os.environ, **emr.environment})
    status = process.wait(60)
    said = os.read(ours, 65536).decode()
    os.close(ours)
    os.close(theirs)
    assert "2 x m5.xlarge in us-east-1: $0.75 an hour, whatever it does; prices of 20" in said
    return status, said.splitlines()[-1]


def test_a_bootstrap_action_fails_far_from_the_images(on_s3, tmp_path):
    conf = configuration(tmp_path, python_bin=[sys.executable], region="eu-west-1",
                         bootstrap=["echo cannot find the ring >&2; exit 7"])
    done = run(on_s3, conf)
    assert (done.status, done.out) == (1, b"") and "Traceback" not in done.err, done.err
    assert "bootstrap action 1 returned a non-zero return code: cannot find the ring" in done.err
    (log,) = (key for key in on_s3.objects("mr_extract/logs/") if "bootstrap-actions" in key)
    assert f"its log: s3://mine/{log}" in done.err
    assert "warning: cloud_tmp_dir is in us-east-1 and the cluster in eu-west-1" in done.err
    assert "warning: s3://mine is in us-east-1: to read it from eu-west-1 costs" in done.err
    assert "those of eu-west-1 differ" in done.err
    assert set(ends(on_s3)) <= set(DEAD)


FAILED = """\
26/11/29 10:00:00 INFO mapreduce.Job: Task Id : attempt_1_m_000001_0, Status : FAILED
Error: java.io.IOException: Cannot run program "python9": error=2, No such file or directory
\tat java.lang.ProcessBuilder.start(ProcessBuilder.java:1)
26/11/29 10:00:01 INFO mapreduce.Job:  map 50% reduce 0%
"""


def half_done(on_s3):
    """Return a step that fails when its first task has ended, and what that wrote."""
    first = job("--mapper", "--reduce", "none", stdin=on_s3.lines[0].encode(),
                env=on_s3.environment)

    def half(_, words):
        output = words[words.index("-output") + 1].partition("mine/")[2]
        on_s3.put(f"{output}part-00000", first.out)
        return False, FAILED

    return half, first.out


def test_a_step_fails_and_what_its_tasks_had_done_is_kept(on_s3, tmp_path):
    on_s3.step, written = half_done(on_s3)
    failed = run(on_s3, configuration(tmp_path, python_bin=[sys.executable]))
    assert failed.status == 1 and "Traceback" not in failed.err
    assert "attempt_1_m_000001_0: java.io.IOException: Cannot run program" in failed.err
    assert failed.out.count(b"\n#error\t") == 6  # five images and one that is not there
    assert b"fetch-not-found" not in failed.out and failed.out.count(b"\tlost\t") == 6
    assert written in failed.out
    assert set(ends(on_s3)) <= set(DEAD)


def emr_command(emr, *args):
    return command([sys.executable, "-m", "emr", *args], cwd=ROOT, env=emr.environment)


def test_a_cluster_is_launched_joined_told_of_and_stopped(on_s3, tmp_path):
    conf = configuration(tmp_path, python_bin=[sys.executable])
    launched = emr_command(on_s3, "launch", "--yes", "--conf-path", conf)
    assert launched.status == 0 and "costs money" in launched.err, launched.err
    (name,) = launched.lines
    (action,) = on_s3.clusters[name].bootstrap_actions  # mrjob's own watch over idle clusters
    assert action.script_path.endswith("terminate_idle_cluster_emr.sh")
    told = emr_command(on_s3, "status")
    assert re.search(rf"^{name}\t(STARTING|BOOTSTRAPPING|WAITING)\t0.0 hours\t", told.lines[0])

    on_s3.step = lambda cluster, words: (False, FAILED)
    while on_s3.clusters[name].state != "WAITING":
        time.sleep(0.05)
    packed = emr_command(on_s3, "pack", "s3://mine/mr_extract/", "--env-archive",
                         small_archive(tmp_path))
    joined = run(on_s3, conf, "--cluster-id", name)
    # A job's code has the name that `pack` gave it, whatever either process had imported.
    assert packed.status == 0 and packed.lines == [
        f"s3://mine/{key}" for kind in ("env", "code") for key in
        on_s3.objects(f"mr_extract/kept/{kind}-")]
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
                   "0.0001", "--estimate-by", "1")
    finally:
        over.set()
    assert " s of a core, 1 of them measured here; as 6 of 7 have" in done.err
    assert done.status == 1 and "longer than the 0.0001 hours of --max-hours" in done.err
    assert set(ends(on_s3)) <= set(DEAD)


def test_ctrl_c_ends_the_cluster(on_s3, tmp_path):
    running, over = threading.Event(), threading.Event()

    def step(*_):
        running.set()
        return over.wait(60), ""

    on_s3.step = step
    conf = configuration(tmp_path, python_bin=[sys.executable])
    process = start_job("-r", "emr", "--yes", "--conf-path", conf, on_s3.list,
                        env={**on_s3.environment, "PYTHONPATH": str(ROOT)})
    try:
        assert running.wait(60)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
    finally:
        over.set()
    assert (process.returncode, out) == (130, b"") and b"Traceback" not in said, said
    assert said.endswith(b"mr_extract: interrupted\n")
    assert set(ends(on_s3)) <= set(DEAD)


def killed_driver(emr, conf, temporary, step, *args):
    """Start a job, kill its driver when its step runs, and return the folder of the job."""
    running = threading.Event()

    def seen(cluster, words):
        running.set()
        return step(cluster, words)

    emr.step, before = seen, emr.objects("mr_extract/")
    process = start_job("-r", "emr", "--yes", "--conf-path", conf, *args, emr.list, env={
        **emr.environment, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)})
    assert running.wait(60), process.communicate(timeout=60)
    told = time.monotonic() + 60  # it notes of which cluster the job is
    while not (notes := [key for key in emr.objects("mr_extract/")
                         if key not in before and key.endswith("/record/cluster.json")]):
        assert time.monotonic() < told
        time.sleep(0.05)
    kill(process.pid)
    finish(process)
    return notes[0].removesuffix("record/cluster.json")


def collect(emr, *args, **environment):
    return module("collect", *args, env={**emr.environment, **environment})


def is_over(emr):
    """Wait until the step of the newest cluster has ended."""
    end = time.monotonic() + 60
    while list(emr.clusters.values())[-1].steps[-1].state in ("PENDING", "RUNNING"):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_what_a_killed_driver_leaves_on_emr_is_collected_and_removed(on_s3, tmp_path):
    inline = job("-r", "inline", on_s3.list, env=on_s3.environment)
    blocks = inline.out.split(b"\n", 3)[3].splitlines(True)
    goes_on, catalog, temporary = threading.Event(), tmp_path / "catalog.tsv", tmp_path / "tmp"
    temporary.mkdir()

    def step(_, words):
        goes_on.wait(400)
        output = words[words.index("-output") + 1].partition("mine/")[2]
        on_s3.put(f"{output}part-00000", b"".join(one for one in blocks if one[:7] == b"#error\t"))
        on_s3.put(f"{output}part-00001.gz", gzip.compress(
            b"".join(one for one in blocks if one[:7] != b"#error\t")))
        return True, ""

    conf = configuration(tmp_path, python_bin=[sys.executable])
    folder = killed_driver(on_s3, conf, temporary, step, "--catalog", catalog)
    name = folder.split("/")[-2]
    for where in (["-r", "emr", "--conf-path", conf], ["--folder", temporary],
                  ["-r", "emr", "--cloud-tmp-dir", "s3://mine/mr_extract"]):
        listed = collect(on_s3, *where)
        assert [line.split("\t")[::5] for line in listed.lines] == [
            [name, "runs without its driver"]], listed.err
    where = ["-r", "emr", "--conf-path", conf]
    for words, said in (([], "it can be collected when it has ended"), (["--remove"], "end it")):
        refused = collect(on_s3, *where, name, *words)
        assert refused.status == 2 and said in refused.err, refused.err
    goes_on.set()
    is_over(on_s3)
    assert list(on_s3.clusters.values())[-1].state == "WAITING"  # and costs money
    assert collect(on_s3, *where).lines[0].split("\t")[-1] == "left"
    done = collect(on_s3, *where, name)
    assert (done.status, done.out) == (inline.status, b"") and "Traceback" not in done.err
    assert catalog.read_bytes() == inline.out
    assert f"cluster {list(on_s3.clusters)[-1]} is told to end" in done.err
    assert set(ends(on_s3)) <= set(DEAD)
    removed = collect(on_s3, "--folder", temporary, name, "--remove")
    assert removed.status == 0, removed.err
    assert on_s3.objects(folder) == {} and list(temporary.iterdir()) == []


def test_of_a_job_that_failed_without_its_driver_there_is_what_its_tasks_had_done(
        on_s3, tmp_path):
    half, written = half_done(on_s3)
    conf = configuration(tmp_path, python_bin=[sys.executable])
    folder = killed_driver(on_s3, conf, tmp_path, half)
    where = ["-r", "emr", "--conf-path", conf, folder.split("/")[-2]]
    is_over(on_s3)
    unknown = collect(on_s3, *where, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert unknown.status == 1 and "no AWS credentials" in unknown.err
    assert "Traceback" not in unknown.err
    removed = collect(on_s3, *where, "--remove")  # with the cluster, which waits for more
    assert removed.status == 0, removed.err
    assert set(ends(on_s3)) <= set(DEAD) and on_s3.objects(folder) == {}

    folder = killed_driver(on_s3, conf, tmp_path, half)
    is_over(on_s3)
    done = collect(on_s3, *where[:-1], folder.split("/")[-2])
    assert done.status == 1 and done.out.count(b"\tlost\t") == 6 and written in done.out
    assert set(ends(on_s3)) <= set(DEAD)


def test_a_cluster_that_nobody_uses_ends_by_itself(on_s3, tmp_path):
    conf = configuration(tmp_path, python_bin=[sys.executable], max_mins_idle=10)
    launched = emr_command(on_s3, "launch", "--yes", "--conf-path", conf)
    assert launched.status == 0, launched.err
    cluster = on_s3.clusters[launched.lines[0]]
    while cluster.state != "WAITING":
        time.sleep(0.05)
    on_s3.minute = 0.02
    try:
        assert ends(on_s3)[-1] == "TERMINATED"
    finally:
        on_s3.minute = 60.0
    assert cluster.last_state_change_reason == "Cluster was idle"


@pytest.mark.parametrize(("reason", "words"), [
    ("The requested number of spot instances exceeds your limit: SPOT instance count", "on-demand"),
    ("Unable to provision: insufficient capacity for m5.xlarge in us-east-1a", "instance_fleets"),
    ("The vCPU quota of the account: VCPU limit of 16 reached", "quota of vCPUs"),
    ("EC2 LimitExceeded: Too many instances", "quota of instances"),
    ("Service role EMR_DefaultRole is invalid", "aws emr create-default-roles"),
])
def test_what_emr_says_of_a_cluster_comes_with_what_to_do(reason, words):
    told = with_advice(reason)
    assert told.startswith(reason) and words in told
    assert with_advice("Steps completed") == "Steps completed"


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


def policy(name, **places):
    """Return a policy of emr/policies, for the places of an account."""
    text = (ROOT / "emr" / "policies" / f"{name}.json").read_text()
    for word, place in places.items():
        text = text.replace(word, place)
    return json.loads(text)


def test_the_policies_name_what_they_allow():
    for path in sorted((ROOT / "emr" / "policies").glob("*.json")):
        for one in policy(path.stem)["Statement"]:
            assert one["Effect"] == "Allow" and "*" not in one["Action"]
            actions = one["Action"] if isinstance(one["Action"], list) else [one["Action"]]
            assert not any(action.endswith(":*") for action in actions)


# An attempt that has written some of its output is killed, once.
DIES_ONCE = """#!/bin/sh
if mkdir {folder}/died 2>/dev/null; then
  {python} "$@" | head -c 3000
  kill -9 $$
fi
exec {python} "$@"
"""


def test_a_whole_job_from_s3_to_s3_on_hadoop(on_s3, hadoop, tmp_path):
    """With a catalog and its parts, of a throttling S3 and an attempt that dies; what it brought
    is there for the next one, which has no more rights than it needs."""
    on_s3.hadoop, on_s3.step = hadoop, on_s3.on_hadoop
    python = tmp_path / "python"
    python.write_text(DIES_ONCE.format(folder=tmp_path, python=sys.executable))
    python.chmod(0o755)
    # Asking costs the pretend AWS and the job more than the job's own work.
    conf = configuration(tmp_path, python_bin=[str(python)], num_core_instances=2,
                         check_cluster_every=1)
    before = on_s3.objects("mr_extract/")
    inline = job("-r", "inline", "--max-failures", "1", on_s3.list, env=on_s3.environment)
    assert inline.status == 0, inline.err
    on_s3.throttled, place = {}, tmp_path.name
    done = run(on_s3, conf, "-D", "mapreduce.job.maps=2", "--max-failures", "1",
               "--summary", tmp_path / "summary.json",
               "--catalog", f"s3://mine/{place}/catalog.tsv",
               "--output-dir", f"s3://mine/{place}/parts/")
    throttled, on_s3.throttled = on_s3.throttled, None
    assert done.status == 0, done.err
    assert (tmp_path / "died").is_dir()
    assert len(throttled) == 7 and all(asked > 1 for asked in throttled.values()), throttled
    assert_estimated(done, tmp_path / "summary.json")
    assert on_s3.get(f"s3://mine/{place}/catalog.tsv") == inline.out
    assert re.search(r"code-\w+\.zip, [\d.]+ MB, put in s3://mine/mr_extract/kept/|"
                     "which s3://mine/mr_extract/kept/ has already", done.err)
    kept = on_s3.objects("mr_extract/kept/")
    assert any(re.search(r"/code-\w+\.zip$", key) for key in kept)
    assert "cluster j-" in done.err and "(2 x m5.xlarge; us-east-1) starts" in done.err
    found = on_s3.objects(f"{place}/parts/")
    assert found.pop(f"{place}/parts/_SUCCESS") == 0
    # `_header` stands before `part-...`, and what failed in the part of its image.
    lines = [line for key in sorted(found) for line in
             on_s3.get(f"s3://mine/{key}").splitlines(True)]
    assert sorted(lines) == sorted(inline.out.splitlines(True))

    # Maps alone, as they are without an output folder, whose tasks gave what mappers give.
    outputs = []

    def step(_, words):
        assert "mapreduce.job.reduces=0" in words
        outputs.append(words[words.index("-output") + 1].partition("mine/")[2])
        on_s3.put(f"{outputs[0]}part-00000", mapped.out)
        return True, ""

    on_s3.step = step
    with on_s3.enforcing(user=policy("user", BUCKET="mine"),
                         role=policy("nodes", BUCKET="mine", IMAGES="mine")) as given:
        mapped = job("--mapper", "--reduce", "none", stdin=on_s3.get(on_s3.list),
                     env={**on_s3.environment, **as_whom(given["role"])})
        again = run(on_s3, conf, "--max-failures", "1", **as_whom(given["user"]))
        assert again.status == 0 and again.out == inline.out, again.err
        assert_no_more_rights(on_s3, given)
    assert not on_s3.objects(outputs[0])
    assert "which s3://mine/mr_extract/kept/ has already" in again.err
    assert on_s3.objects("mr_extract/kept/") == kept  # nothing was brought again
    assert ends(on_s3)[-2:] == ["TERMINATED"] * 2
    # What the jobs had there alone is gone from the bucket.
    assert not [key for key in on_s3.objects("mr_extract/").keys() - before.keys()
                if "/kept/" not in key and "/logs/" not in key]


def test_side_data_of_a_function_travel_and_are_not_kept(on_s3, hadoop, tmp_path):
    on_s3.hadoop, on_s3.step = hadoop, on_s3.on_hadoop
    conf = configuration(tmp_path, python_bin=[sys.executable], check_cluster_every=1)
    notes = on_s3.put("side/notes.json", b'{"k": 7}')
    words = [*side_data(tmp_path)[2:], "--files", f"notes={notes}", "--function",
             "own_functions:beside", "-"]
    before = on_s3.objects("mr_extract/").keys()
    runs, files = [], []
    for runner, more in (("inline", []), ("emr", ["--yes", "--conf-path", conf])):
        place = f"{tmp_path.name}/{runner}"
        runs.append(module("jobs.apply", "-r", runner, *more, *words, "--save-files",
                           f"s3://mine/{place}", cwd=ROOT / "tests", env=on_s3.environment,
                           stdin="\n".join(on_s3.lines).encode()))
        assert runs[-1].status == 0, runs[-1].err
        files.append({key.rpartition("/")[2]: on_s3.get(f"s3://mine/{key}")
                      for key in on_s3.objects(f"{place}/")})
    assert b"a.txt=a,r/b.txt=b\t0\t" in runs[0].out and runs[1].out == runs[0].out
    assert len(files[0]) == 6 and files[1] == files[0]
    assert not [key for key in on_s3.objects("mr_extract/").keys() - before
                if "/kept/code-" not in key and "/logs/" not in key]


def assert_estimated(done, summary):
    """Check that what a cluster would cost was said, and set against what it did."""
    assert "estimate for 7 images" in done.err and "1 x m5.xlarge + 2 x m5.xlarge" in done.err
    assert re.search(r"the cluster lived 0\.\d\d hours, \$0\.\d\d by the table", done.err)
    cluster = json.loads(summary.read_text())["cluster"]
    assert cluster["estimate"]["hours"][0] <= cluster["estimate"]["hours"][1]
    assert cluster["estimate"]["tasks"] == 2 and cluster["actual"]["hours"] > 0


def as_whom(given):
    """Return the environment of credentials."""
    key, secret, token = given
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_SESSION_TOKEN": token or ""}


def assert_no_more_rights(emr, given):
    """Check that the policies refuse what no job needs."""
    for who, service, call, arguments in (
        ("user", "s3", "delete_bucket", {"Bucket": "mine"}),
        ("user", "s3", "put_object", {"Bucket": "theirs", "Key": "a"}),
        ("user", "iam", "create_role", {"RoleName": "a", "AssumeRolePolicyDocument": "{}"}),
        ("user", "ec2", "describe_instances", {}),
        ("role", "s3", "delete_bucket", {"Bucket": "mine"}),
        ("role", "s3", "get_object", {"Bucket": "theirs", "Key": "a"}),
        ("role", "emr", "list_clusters", {}),
    ):
        with pytest.raises(ClientError) as refused:
            getattr(emr.of_service(service, *given[who]), call)(**arguments)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403, (who, call)
