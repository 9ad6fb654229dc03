"""A Hadoop inside a batch job: under a real Slurm, submitted by sbatch and by qsub."""

import json
import re
import shutil
import sys
import tempfile
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import ROOT, command, job
from pages import commands_of, read_page

from bench.clusters.hadoop_in_job import HadoopInJob
from bench.clusters.slurm_lab import HOSTS, lab_in, wait_until

TEMPLATES = ROOT / "myhadoop"
pytestmark = pytest.mark.timeout(900)
in_the_lab = pytest.mark.needs("batch", "hadoop")
_SIZE = ("--nodes=2", "--ntasks-per-node=1", "--cpus-per-task=2", "--mem=8000", "--time=20")


@pytest.fixture(scope="module")
def lab():
    folder = Path(tempfile.mkdtemp(prefix="lab-", dir="/tmp"))  # short and open, for sockets
    folder.chmod(0o755)
    try:
        with lab_in(folder) as made:
            yield made
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def places(lab, night):
    """Address of images on the web: those at ``endless`` never come, others when they may."""
    may_come = threading.Event()

    class Images(SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(night))

        def do_GET(self):
            if "endless" in self.path:
                time.sleep(3600)
            may_come.wait()
            super().do_GET()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer((f"{lab.net}.1", 0), Images)
    server.daemon_threads, server.block_on_close, server.may_come = True, False, may_come
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.url = f"http://{lab.net}.1:{server.server_port}"
    yield server
    may_come.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def lists(lab, night, places):
    """By name: the night, with two images that never come, with two that come when they may."""
    six = (night / "manifest.txt").read_text()
    more = {"night": "", "endless": "".join(
                f"{places.url}/endless/{k}.fits\tbytes=9000000\n" for k in (1, 2)),
            "awaited": "".join(f"{places.url}/{path.name}\tid=awaited-{path.name}\tbytes=9000000\n"
                               for path in sorted(night.glob("*.fits"))[:2])}
    for name, text in more.items():
        (lab.jobs / f"{name}.txt").write_text(six + text)
    return {name: lab.jobs / f"{name}.txt" for name in more}


@pytest.fixture(scope="module")
def inline(lists):
    """The catalog of the night by ``-r inline``."""
    return job("-r", "inline", lists["night"]).out


@pytest.fixture(scope="module")
def submit(lab, lists):
    """Functions by name that submit a job and return its number, in the order of the tests."""
    def edited(template, name, options):
        text = (TEMPLATES / template).read_text()
        (lab.jobs / name).write_text(text.replace("-r hadoop", f"-r hadoop {options}"))
        return lab.jobs / name

    def sbatch(name, *words, size=_SIZE, **environ):
        return lab.call("sbatch", "--parsable", f"--output={name}.log", *size, *words,
                        env=environ).strip()

    def qsub(name, script, *more, **environ):
        # The wrapper of Slurm does not read all directives of a script.
        directives = re.findall(r"^#PBS (.+)$", script.read_text(), re.MULTILINE)
        words = [word for line in directives for word in line.split()]
        return lab.call("qsub", *words, "-o", f"{name}.log", *more, script,
                        env=environ).partition(".")[0].strip()

    tasks = "-D mapreduce.job.maps=3 --fetch-budget 3600 --fetch-timeout 3000"
    sbatch_script, qsub_script = (edited(name, name, tasks) for name in ("run.sbatch", "run.pbs"))
    (steps,) = commands_of(read_page("docs/hpc.md", "By single steps"))
    (lab.jobs / "steps").write_text(
        "set -eu\n" + steps.replace("configure\n", "configure --persistent kept --spark\n").replace(
            "python -m myhadoop stop", "python -m mr_extract.jobs.extract -r spark --packed "
            "hdfs:///images --catalog steps.tsv --quiet\npython -m myhadoop stop")
        + "ls hadoop.$SLURM_JOB_ID\n")
    wrap = "exec python -m myhadoop run"
    return {
        "hit": lambda: sbatch("hit", sbatch_script, LIST=str(lists["awaited"]), CATALOG="hit.tsv"),
        "late": lambda: sbatch("late", sbatch_script, LIST=str(lists["endless"]),
                               CATALOG="late.tsv", MYHADOOP_OPTIONS="--no-hdfs --grace 40"),
        "silent": lambda: sbatch("silent", "--mem=100", "--wrap", f"{wrap} --memory 8g --remote "
                                 "'sh -c \"sleep 100\"' -- true"),
        "staged": lambda: qsub("staged", qsub_script, "-N", "kept", LIST="night.txt", STAGE="yes",
                               CATALOG="staged.tsv", MYHADOOP_OPTIONS="--persistent kept"),
        "deleted": lambda: qsub("deleted", qsub_script, LIST="endless.txt", CATALOG="deleted.tsv",
                                MYHADOOP_OPTIONS="--grace 80"),
        "steps": lambda: sbatch("steps", "--job-name=kept", "--dependency=singleton",
                                "--wrap", "exec bash steps"),
        "killed": lambda: sbatch("killed", "--wrap", f"{wrap} --remote "
                                 "'srun --overlap -N1 -n1 -w' -- sleep 1000"),
    }


@pytest.fixture(scope="module")
def numbers(submit):
    """The jobs by name: all at once, of which three run at a time."""
    return {name: begin() for name, begin in submit.items()}


@pytest.fixture(scope="module")
def seen():
    """Which tests have had which jobs of this lab."""
    return set()


@pytest.fixture
def submitted(request, lab, submit, numbers, seen):
    """Return the number of a job by its name; a test that is run again begins it anew."""
    def number_of(name):
        mine = request.node.nodeid, name
        again = mine in seen
        seen.add(mine)
        if again:
            if lab.state(numbers[name]) in ("PENDING", "RUNNING"):
                lab.call("scancel", numbers[name])
            lab.wait(numbers[name])
            (lab.jobs / f"{name}.log").unlink(missing_ok=True)
            numbers[name] = submit[name]()
        return numbers[name]

    return number_of


def log_of(lab, name):
    path = lab.jobs / f"{name}.log"
    return path.read_text() if path.exists() else ""


def wait_in(lab, number, name, true):
    """Wait until something holds of a job that runs."""
    def look():
        assert lab.state(number) in ("PENDING", "RUNNING"), log_of(lab, name)
        return true()

    wait_until(look, 600)


def nothing_is_left_of(lab, number, within=120):
    wait_until(lambda: not lab.left(number), within)


def ended_well(lab, number, name):
    """Wait for the end of a job and of all that it had; return the scheduler's record."""
    assert lab.wait(number, 600) == "COMPLETED", log_of(lab, name)
    record = lab.record(number)
    assert (record["NodeList"], record["ExitCode"]) == ("node[1-2]", "0:0")
    nothing_is_left_of(lab, number)
    return record


@in_the_lab
def test_a_host_that_dies_while_tasks_run_costs_nothing(lab, submitted, places, lists):
    places.may_come.clear()
    number = submitted("hit")
    hadoop = HadoopInJob(lab, number)
    wait_in(lab, number, "hit", lambda: hadoop.maps_done() == 1)
    (victim,) = {*HOSTS} - {hadoop.master()[1]}
    wait_in(lab, number, "hit", lambda: hadoop.mappers(victim))
    hadoop.kill_host(victim)
    wait_until(lambda: hadoop.state_of(victim) == "LOST", 120)
    places.may_come.set()
    ended_well(lab, number, "hit")
    expected = job("-r", "inline", lists["awaited"])
    assert (lab.jobs / "hit.tsv").read_bytes() == expected.out
    folder = lab.jobs / f"hadoop.{number}"
    assert sorted(path.name for path in folder.iterdir()) == ["history.json", "hosts"]
    for host in HOSTS:
        containers = (folder / "hosts" / host / "logs" / "containers.log").read_text()
        assert "==> container_" in containers
    (application,) = json.loads((folder / "history.json").read_text())["applications"]
    assert application["finalStatus"] == "SUCCEEDED"


@in_the_lab
def test_before_the_wall_time_is_over_what_is_done_is_saved(lab, submitted, lists, inline):
    number = submitted("late")
    wait_in(lab, number, "late", lambda: HadoopInJob(lab, number).maps_done() == 1)
    run_for = lab.record(number)["RunTime"].split(":")
    lab.call("scontrol", "update", f"JobId={number}",
             f"TimeLimit={60 * int(run_for[0]) + int(run_for[1]) + 2}")
    assert lab.wait(number, 600) == "FAILED", log_of(lab, "late")
    assert "the wall time ends" in log_of(lab, "late")
    check_saved(lab, "late", lists["endless"], inline)
    nothing_is_left_of(lab, number)


@in_the_lab
def test_a_deleted_job_saves_what_is_done_and_leaves_nothing(lab, submitted, lists, inline):
    number = submitted("deleted")
    wait_in(lab, number, "deleted", lambda: HadoopInJob(lab, number).maps_done() == 1)
    lab.call("qdel", number)
    assert lab.wait(number, 300) == "CANCELLED"
    check_saved(lab, "deleted", lists["endless"], inline)
    nothing_is_left_of(lab, number)


def check_saved(lab, name, manifest, inline):
    """The catalog has the images of the night; the others are lost, and remain to be done."""
    lines = (lab.jobs / f"{name}.tsv").read_bytes().splitlines()
    errors = [line.decode().split("\t") for line in lines if line.startswith(b"#error")]
    assert {(cells[2], cells[1].rpartition("/")[2]) for cells in errors} == {
        ("lost", "1.fits"), ("lost", "2.fits")}, log_of(lab, name)
    body = [line for line in lines if not line.startswith(b"#error")]
    assert body[3:] == inline.splitlines()[3:]
    rest = command([sys.executable, "-m", "preprocess", "remaining", manifest,
                    lab.jobs / f"{name}.tsv"], cwd=ROOT)
    images = [line for line in rest.lines if not line.startswith("#")]
    assert [line.partition("\t")[0][-6:] for line in images] == ["1.fits", "2.fits"]


@in_the_lab
def test_two_jobs_run_on_the_same_hosts_at_once(lab, submitted):
    numbers = [submitted(name) for name in ("hit", "late")]
    for number in numbers:
        lab.wait(number, 600)
    one, other = map(lab.record, numbers)
    assert one["NodeList"] == other["NodeList"] == "node[1-2]"
    assert max(one["StartTime"], other["StartTime"]) < min(one["EndTime"], other["EndTime"])


@in_the_lab
def test_images_in_an_hdfs_that_stays_give_the_same_catalog(lab, submitted, inline):
    ended_well(lab, submitted("staged"), "staged")
    assert (lab.jobs / "staged.tsv").read_bytes() == inline
    # held.json may be there already, of the next job.
    assert {path.name for path in (lab.jobs / "kept").iterdir()} - {"held.json"} == {
        "blocks-1", "blocks-2", "hosts.json", "name"}


@pytest.mark.needs("batch", "hadoop", "spark")
def test_the_single_steps_and_spark_on_what_an_earlier_job_has_kept(lab, submitted, inline):
    lab.wait(submitted("staged"), 600)
    ended_well(lab, number := submitted("steps"), "steps")
    text = log_of(lab, "steps")
    assert "HDFS serves on node1 node2\nYARN serves on node1 node2\n" in text
    assert re.search(r"node2: RUNNING, 0 containers", text)
    assert re.search(r"drwx.* /images\n", text) and re.search(r"drwx.* /user\n", text)
    assert text.endswith("history.json\nhosts\nstart.log\n")
    assert (lab.jobs / "steps.tsv").read_bytes() == inline
    (application,) = json.loads(
        (lab.jobs / f"hadoop.{number}" / "history.json").read_text())["applications"]
    assert application["finalStatus"] == "SUCCEEDED"


@in_the_lab
def test_when_the_launcher_is_killed_nothing_is_left(lab, submitted):
    number = submitted("killed")
    wait_in(lab, number, "killed", lambda: "Hadoop is ready" in log_of(lab, "killed"))
    assert set(lab.left(number)) == {*HOSTS}
    (pid,) = lab.on("node1", "pgrep", "-f", "myhadoop run .*-- sleep").split()
    lab.on("node1", "kill", "-9", pid)
    assert lab.wait(number, 300) == "FAILED"
    nothing_is_left_of(lab, number)


@in_the_lab
def test_a_host_that_never_answers_is_named(lab, submitted):
    number = submitted("silent")
    assert lab.wait(number, 600) == "FAILED"
    assert log_of(lab, "silent") == "myhadoop: node2 does not answer within 20 s\n"
    assert not lab.left(number)
