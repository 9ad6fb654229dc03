"""A Hadoop inside a batch job: under a real Slurm, submitted by sbatch and by qsub."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from conftest import ROOT, command, job
from pages import commands_of, read_page
from slurm_lab import HOSTS, lab_in, wait_until

from myhadoop import allocation
from myhadoop.batch import plan

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
def endless(lab):
    """Address of an image whose server says nothing, seen from the machines."""
    with socket.create_server((f"{lab.net}.1", 0), backlog=64) as server:
        yield f"http://{lab.net}.1:{server.getsockname()[1]}"


@pytest.fixture(scope="module")
def partly_endless(night, endless, lab):
    """A list of the six images of the night, and two that never come."""
    path = lab.jobs / "endless.txt"
    path.write_text((night / "manifest.txt").read_text()
                    + "".join(f"{endless}/{k}.fits\tbytes=9000000\n" for k in (1, 2)))
    return path


@pytest.fixture(scope="module")
def submit(lab, night, partly_endless):
    """Functions by name that submit a job and return its number, in the order of the tests."""
    def edited(template, name, list_, options, launcher=""):
        text = (TEMPLATES / template).read_text()
        text = text.replace("list=${LIST:-list.txt}", f"list={list_}")
        text = text.replace("${CATALOG:-catalog.tsv}", f"{name}.tsv")
        text = text.replace("-r hadoop", f"-r hadoop {options}")
        text = text.replace("myhadoop run", f"myhadoop run {launcher}")
        (lab.jobs / name).write_text(text)
        return lab.jobs / name

    def sbatch(name, *words):
        return lab.call("sbatch", "--parsable", f"--output={name}.log", *_SIZE, *words).strip()

    maps, slow = "-D mapreduce.job.maps=5", "--fetch-budget 3600 --fetch-timeout 3000"
    whole = edited("run.sbatch", "whole", night / "manifest.txt", "-D mapreduce.job.maps=3")
    late = edited("run.sbatch", "late", partly_endless, f"{maps} {slow}", "--grace 40")
    taken = edited("run.pbs", "deleted", partly_endless, f"{maps} {slow}", "--grace 80")
    # The wrapper of Slurm does not read all directives of a script.
    directives = re.findall(r"^#PBS (.+)$", taken.read_text(), re.MULTILINE)
    words = [word for line in directives for word in line.split()]
    (steps,) = commands_of(read_page("docs/hpc.md", "By single steps"))
    (lab.jobs / "steps").write_text(f"set -eu\n{steps}ls hadoop.$SLURM_JOB_ID\n")
    return {
        "late": lambda: sbatch("late", late),
        "deleted": lambda: lab.call("qsub", *words, "-o", "deleted.log", taken).partition(
            ".")[0].strip(),
        "whole": lambda: sbatch("whole", whole),
        "steps": lambda: sbatch("steps", "--wrap", "exec bash steps"),
        "killed": lambda: sbatch("killed", "--wrap", "exec python -m myhadoop run -- sleep 1000"),
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


def nothing_is_left_of(lab, number, within=120):
    wait_until(lambda: not lab.left(number), within)


@in_the_lab
def test_before_the_wall_time_is_over_what_is_done_is_saved(lab, submitted, night, partly_endless):
    number = submitted("late")
    wait_until(lambda: "6 of 8 images" in log_of(lab, "late"), 600)
    run_for = lab.record(number)["RunTime"].split(":")
    lab.call("scontrol", "update", f"JobId={number}",
             f"TimeLimit={60 * int(run_for[0]) + int(run_for[1]) + 2}")
    assert lab.wait(number, 600) == "FAILED", log_of(lab, "late")
    assert "the wall time ends" in log_of(lab, "late")
    check_saved(lab, "late", partly_endless)
    nothing_is_left_of(lab, number)


@in_the_lab
def test_a_deleted_job_saves_what_is_done_and_leaves_nothing(lab, submitted, partly_endless):
    number = submitted("deleted")
    wait_until(lambda: "6 of 8 images" in log_of(lab, "deleted"), 600)
    lab.call("qdel", number)
    assert lab.wait(number, 300) == "CANCELLED"
    check_saved(lab, "deleted", partly_endless)
    nothing_is_left_of(lab, number)


def check_saved(lab, name, manifest):
    """The catalog has the images of the night; the others are lost, and remain to be done."""
    lines = (lab.jobs / f"{name}.tsv").read_text().splitlines()
    assert sum(line.startswith("#image") for line in lines) == 6, log_of(lab, name)
    errors = [line.split("\t") for line in lines if line.startswith("#error")]
    assert {(cells[2], cells[1].rpartition("/")[2]) for cells in errors} == {
        ("lost", "1.fits"), ("lost", "2.fits")}
    rest = command([sys.executable, "-m", "preprocess", "remaining", manifest,
                    lab.jobs / f"{name}.tsv"], cwd=ROOT)
    images = [line for line in rest.lines if not line.startswith("#")]
    assert [line.partition("\t")[0][-6:] for line in images] == ["1.fits", "2.fits"]


@in_the_lab
def test_the_catalog_is_that_of_inline_and_both_hosts_had_a_part_in_it(lab, submitted, night):
    number = submitted("whole")
    assert lab.wait(number, 600) == "COMPLETED", log_of(lab, "whole")
    record = lab.record(number)
    assert (record["NodeList"], record["ExitCode"]) == ("node[1-2]", "0:0")
    expected = job("-r", "inline", night / "manifest.txt")
    assert (lab.jobs / "whole.tsv").read_bytes() == expected.out
    nothing_is_left_of(lab, number)
    folder = lab.jobs / f"hadoop.{number}"
    assert sorted(path.name for path in folder.iterdir()) == ["history.json", "hosts"]
    for host in HOSTS:
        containers = (folder / "hosts" / host / "logs" / "containers.log").read_text()
        assert "==> container_" in containers
    (application,) = json.loads((folder / "history.json").read_text())["applications"]
    assert application["finalStatus"] == "SUCCEEDED"


@in_the_lab
def test_the_single_steps(lab, submitted):
    number = submitted("steps")
    assert lab.wait(number, 600) == "COMPLETED", log_of(lab, "steps")
    text = log_of(lab, "steps")
    assert "HDFS serves on node1 node2\nYARN serves on node1 node2\n" in text
    assert re.search(r"node2: RUNNING, 0 containers", text)
    assert re.search(r"drwx.* /user\n", text) and text.endswith("history.json\nhosts\nstart.log\n")
    nothing_is_left_of(lab, number)


@in_the_lab
def test_when_the_launcher_is_killed_nothing_is_left(lab, submitted):
    number = submitted("killed")
    wait_until(lambda: "Hadoop is ready" in log_of(lab, "killed"), 600)
    assert lab.left(number)
    (pid,) = lab.on("node1", "pgrep", "-f", "myhadoop run -- sleep").split()
    lab.on("node1", "kill", "-9", pid)
    assert lab.wait(number, 300) == "FAILED"
    nothing_is_left_of(lab, number)


@in_the_lab
def test_a_host_that_never_answers_is_named(lab):
    script = "exec python -m myhadoop run --remote 'sh -c \"sleep 100\"' -- true"
    number = lab.call("sbatch", "--parsable", "--output=silent.log", *_SIZE,
                      "--wrap", script).strip()
    assert lab.wait(number, 400) == "FAILED"
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
    one, other = (plan(given, str(tmp_path), "ssh") for _ in range(2))
    assert len(set(one.ports.values())) == len(one.ports)
    assert one.ports != other.ports


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
