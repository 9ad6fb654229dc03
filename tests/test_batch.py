"""A Hadoop inside a batch job: under a real Slurm, submitted by sbatch and by qsub."""

import getpass
import json
import os
import re
import shutil
import signal
import socket
import subprocess
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
from mr_extract.jobs.runners import spark_defaults
from mr_extract.jobs.runners.hadoop.places import at_home, on_the_cluster
from myhadoop import allocation, setups
from myhadoop.__main__ import main
from myhadoop.persistent import Held

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
    """The jobs by name: all at once, of which two run at a time."""
    return {name: begin() for name, begin in submit.items()}


@pytest.fixture
def submitted(request, lab, submit, numbers):
    """Return the number of a job by its name; a test that is run again begins it anew."""
    def number_of(name):
        if getattr(request.node, "execution_count", 1) > 1:
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
    assert hadoop.mappers(victim)
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


def run(*words, **environ):
    kept = {name: value for name, value in os.environ.items()
            if not re.match("SLURM|PBS|TMPDIR|MYHADOOP", name)}
    done = subprocess.run([sys.executable, "-m", "myhadoop", "run", *words, "--", "true"],
                          env={**kept, "PYTHONPATH": str(ROOT), **environ},
                          capture_output=True, text=True)
    assert done.returncode and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.needs("hadoop")
def test_what_is_missing_is_said_in_one_line(tmp_path):
    own = socket.gethostname()
    assert "no hosts: neither PBS_NODEFILE nor SLURM_JOB_NODELIST" in run()
    assert f"this host, {own}, is none of the job's: a b" in run("--hosts", "a,b")
    assert "no scratch: name a folder" in run("--hosts", own)
    assert "--no-hdfs has none" in run("--hosts", own, "--stage", "list.txt", "--no-hdfs")
    here = ("--hosts", own, "--memory", "8g", "--scratch")
    assert f"{own} has no folder /none for scratch" in run(*here, "/none")
    assert "2048 MB on each host are too little" in run(
        "--hosts", own, "--memory", "2g", "--scratch", str(tmp_path))
    assert "there is no java" in run(*here, str(tmp_path), PATH="/none", JAVA_HOME="")
    assert "no jars in" in run(*here, str(tmp_path), HADOOP_JARS=str(tmp_path),
                               PATH=f"{_only(tmp_path, 'java')}", JAVA_HOME="")
    two = ("--hosts", f"{own},other", "--memory", "8g", "--scratch", str(tmp_path))
    assert "other cannot be reached: No route" in run(
        *two, "--remote", "sh -c 'echo No route >&2; exit 255'")
    assert re.search("the clock of other is 3\\d\\d\\d s off", run(
        *two, "--remote", """sh -c 'echo "{\\"time\\": $(($(date +%s) - 3600)), """
        """\\"lacks\\": \\"\\"}"'"""))


def test_an_hdfs_that_is_not_there_cannot_stay(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["run", "--no-hdfs", "--persistent", "kept", "--", "true"])
    assert "--persistent: not allowed with argument --no-hdfs" in capsys.readouterr().err


def _only(folder, program):
    (folder / "programs").mkdir()
    (folder / "programs" / program).symlink_to(shutil.which(program))
    return folder / "programs"


def test_what_a_job_has_is_that_of_its_node_file(tmp_path):
    own = socket.gethostname()
    (tmp_path / "nodes").write_text(f"other\nother\n{own}\n{own}\n")
    found = allocation.allocation({"PBS_NODEFILE": str(tmp_path / "nodes"),
                                   "PBS_JOBID": "17[2].head/x"}, memory_mb=9000)
    assert found == allocation.Allocation("17_2_.head_x", (own, "other"), 2, 9000)
    cores = {"SLURM_JOB_CPUS_PER_NODE": "16(x2),12", "SLURM_MEM_PER_CPU": "2000"}
    found = allocation.allocation({"PBS_NODEFILE": str(tmp_path / "nodes"), **cores})
    assert (found.cores, found.memory_mb) == (12, 24000)


def test_two_clusters_take_different_ports(tmp_path):
    given = allocation.Allocation("1", ("a", "b"), 4, 16000)
    one, other = (setups.plan(given, str(tmp_path), "ssh") for _ in range(2))
    assert len(set(one.ports.values())) == len(one.ports)
    assert one.ports != other.ports


def test_what_tasks_get_is_what_daemons_leave():
    given = allocation.Allocation("1", ("a", "b"), 2, 8000)
    assert setups.plan(given, "/scratch", "ssh").tasks == 3
    alone = setups.plan(given, "/scratch", "ssh", hdfs=False)
    assert alone.tasks == 4 and alone.memory_of("b") == 8000 - 512


def test_an_hdfs_that_stays_is_one_jobs_at_a_time(tmp_path, monkeypatch):
    said, folder = [], tmp_path / "kept"
    first = Held(folder, "17", ["a", "b"], said.append)
    over = threading.Event()

    def live():
        while not over.wait(0.05):
            first.give_sign()

    thread = threading.Thread(target=live)
    thread.start()
    with pytest.raises(RuntimeError, match=f"job 17 on a has the HDFS in {folder}"):
        Held(folder, "18", ["b", "a"], said.append)
    over.set()
    thread.join()
    monkeypatch.setattr("myhadoop.persistent._SILENCE", 0.3)
    second = Held(folder, "18", ["b", "a"], said.append)
    assert said == [f"{folder} is taken from job 17, which gives no sign"]
    first.release()
    assert (folder / "held.json").exists()
    second.release()
    assert not (folder / "held.json").exists()
    (folder / "name" / "current").mkdir(parents=True)
    with pytest.raises(RuntimeError, match="is one of 2 hosts, and the job has 3"):
        Held(folder, "19", ["a", "b", "c"], said.append)


def test_without_hdfs_a_job_keeps_its_files_where_yarn_stages(tmp_path, monkeypatch):
    user = getpass.getuser()
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    for default, home, output in (
            ("file:///", f"file:///shared/staging/{user}/tmp/mrjob", f"file://{Path.cwd()}/parts"),
            ("hdfs://head:8020", f"hdfs:///user/{user}/tmp/mrjob", f"hdfs:///user/{user}/parts")):
        for name, key, value in (
                ("core", "fs.defaultFS", default),
                ("mapred", "yarn.app.mapreduce.am.staging-dir", "/shared/staging")):
            (tmp_path / f"{name}-site.xml").write_text(
                "<configuration><property>"
                f"<name>{key}</name><value>{value}</value></property></configuration>")
        assert (at_home("tmp/mrjob"), on_the_cluster("parts")) == (home, output)


@pytest.mark.parametrize("text, expected", [
    ("# a comment\nspark.master yarn\nspark.masterless x\n", "yarn"),
    ("spark.master=spark://head:7077\n", "spark://head:7077"), ("spark.ui.enabled false\n", None)])
def test_sparks_master_is_that_of_its_own_configuration(tmp_path, monkeypatch, text, expected):
    monkeypatch.delenv("SPARK_HOME", raising=False)
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    assert spark_defaults.master() is None
    (tmp_path / "spark-defaults.conf").write_text(text)
    assert spark_defaults.master() == expected


def test_what_is_left_of_the_wall_time_is_what_the_scheduler_says(tmp_path, monkeypatch):
    pbs = "Resource_List.walltime = 01:00:00\n    resources_used.walltime = 00:00:10"
    for name, words in (("squeue", "1-00:10:05"), ("qstat", pbs)):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{words}'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert allocation.seconds_left({"SLURM_JOB_ID": "1"}) == 86400 + 605
    assert allocation.seconds_left({"PBS_JOBID": "1"}) == 3590
    assert allocation.seconds_left({}) is None


@pytest.mark.needs("shellcheck")
@pytest.mark.parametrize("name", ["run.sbatch", "run.pbs"])
def test_the_templates_pass_shellcheck(name):
    done = command(["shellcheck", TEMPLATES / name])
    assert (done.status, done.out) == (0, b"")


def test_the_templates_are_where_the_page_says(tmp_path):
    for words in commands_of(read_page("docs/hpc.md", "Submit")):
        done = command(["bash", "-euc", words], cwd=tmp_path, env={
            "PYTHONPATH": str(ROOT),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"})
        assert done.status == 0, done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.pbs", "run.sbatch"]


def test_a_command_is_ended_with_all_that_it_started():
    guard = subprocess.Popen(
        [sys.executable, "-m", "myhadoop.guard", "sh", "-c",
         "setsid sleep 1234 & echo $!; wait"], cwd=ROOT, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE)
    pid = int(guard.stdout.readline())
    time.sleep(0.2)  # or less: it is ended whatever it does
    guard.stdin.close()
    assert guard.wait() == 128 + signal.SIGKILL
    guard.stdout.close()
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), 60)
