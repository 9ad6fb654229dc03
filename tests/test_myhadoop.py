"""The parts of a batch job's Hadoop, without a scheduler: what is missing, what it is made of."""

import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import ROOT, command
from pages import commands_of, read_page

from bench.clusters.slurm_lab import wait_until
from mr_extract.jobs.runners import spark_defaults
from mr_extract.jobs.runners.hadoop.places import at_home, on_the_cluster
from myhadoop import allocation, setups
from myhadoop.__main__ import main
from myhadoop.persistent import Held

TEMPLATES = ROOT / "myhadoop"


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
