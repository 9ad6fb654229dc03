"""What dies or stops while images are measured on Spark, and images that do it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

from bench.clusters.deadly_places import kills
from bench.clusters.faults_of_images import huge_image, noisy
from bench.clusters.faults_of_output import fill
from bench.clusters.jobs_to_hit import WAIT, WORKER, Done, kill
from bench.clusters.spark_fault_bench import kills_executor, what_dies, what_dies_on_yarn
from bench.clusters.spark_jobs import driver_of, executor_of
from bench.processes import ROOT

APPLICATION = "org.apache.spark.deploy.yarn."  # of an ApplicationMaster, in either mode
_SPACE = 64 << 20  # bytes of the disk that is filled


def both(title):
    """Take a function for a fault that is tried on a standalone cluster and on YARN."""
    return lambda function: what_dies(title)(what_dies_on_yarn(title)(function))


@both("nothing")
def nothing(bench):
    return bench.survives()


@what_dies("`kill -9` of a Python that runs a task")
def python_worker(bench):
    return bench.survives(lambda lab, process: kill(next(iter(lab.busy(process)))))


@both("`kill -9` of an executor's Java")
def executor(bench):
    return bench.survives(
        lambda lab, process: kill(executor_of(next(iter(lab.busy(process))))))


@both("a node: its daemon and all that runs there")
def node(bench):
    return bench.survives(ends_a_node)


def ends_a_node(lab, process):
    """Kill a node on which images are measured."""
    lab.cluster.kill_node(next(iter(lab.busy(process, nodes=[2]).values())))


@what_dies("`kill -9` of the master")
def master(bench):
    def fault(lab, process):
        lab.busy(process)
        lab.cluster.kill_master()

    try:
        return bench.survives(fault)
    finally:
        bench.lab.cluster.stop()
        bench.lab.cluster.start()


@what_dies_on_yarn("`kill -9` of the ApplicationMaster")
def applicationmaster(bench):
    def fault(lab, process):
        lab.busy(process)
        _end_the_master(lab)

    return bench.survives(fault)


@what_dies_on_yarn(
    "the same in cluster mode, where Spark's driver is in it, when some tasks are done")
def applicationmaster_of_cluster_mode(bench):
    def fault(lab, process):
        lab.busy(process)
        until_some_are_done(lab)
        _end_the_master(lab)

    with bench.lab.cluster.cluster_mode():
        done = bench.lab.run(*bench.options, bench.manifest, fault=fault)
    return done, taken_up(bench, done)


def _end_the_master(lab):
    kill(next(iter(lab.processes(APPLICATION))))


@what_dies("an image that hangs the process that measures it, `--image-timeout 20`")
def hanging_image(bench):
    def fault(lab, process):
        lab.busy(process)
        kill(next(iter(lab.wait_for(WORKER))), signal.SIGSTOP)

    done = bench.lab.run(*bench.options, "--image-timeout", "20", bench.manifest, fault=fault)
    if list(done.failures.values()) != ["timeout"]:
        return done, "WRONG"
    return done, bench.expects_all_but(done, done.failures)


@what_dies_on_yarn("an image larger than its executor")
def memory(bench):
    manifest = bench.list_of("memory.txt", more=[f"{huge_image(bench)}\tid=huge\tbytes=400000"])
    done = bench.lab.run(*bench.options, manifest)
    return done, bench.expects_all_but(done, {"huge": "memory"})


@what_dies_on_yarn(
    "the same without our limit (`--image-memory 0`): YARN kills the executor, each time")
def memory_of_yarn(bench):
    manifest = bench.list_of("memory.txt", more=[
        f"{noisy(huge_image(bench))}\tid=huge\tbytes=400000"])
    done = bench.lab.run(*bench.options, "--image-memory", "0", manifest)
    return done, bench.expects_all_but(done, {"huge": "killed"})


@what_dies("an image at which the Python of the task dies, each time (`--max-failures 1`)")
def poison(bench):
    return _deadly(bench, kills)


@both("an image at which the executor dies, each time (`--max-failures 1`)")
def poisoned_executor(bench):
    return _deadly(bench, kills_executor)


def _deadly(bench, deed):
    frame = bench.frames[0].name
    bench.places.deeds[frame] = deed
    manifest = bench.list_of("deadly.txt", more=[
        f"{bench.places.url}/{frame}\tid=deadly\tbytes=400000"])
    done = bench.lab.run(*bench.options, "--max-failures", "1", manifest)
    return done, bench.expects_all_but(done, {"deadly": "killed"}, status=0)


@what_dies("a disk that is full, on one node")
def full_disk(bench):
    if os.geteuid() != 0:
        return None, "not tried: to mount a small disk one must be root"
    cluster = bench.lab.cluster
    place = cluster.work_of(1)
    cluster.kill_node(1)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_SPACE}", "tmpfs", place], check=True)
    try:
        cluster.heal()

        def fault(lab, process):
            lab.busy(process, nodes=[1])
            fill(place / "full")

        done, verdict = bench.survives(fault)
    finally:
        cluster.kill_node(1)
        subprocess.run(["umount", "-l", place], check=True)
    return done, verdict


@what_dies("`kill -9` of Spark's driver")
def spark_driver(bench):
    def fault(lab, process):
        lab.busy(process)
        until_some_are_done(lab)
        kill(driver_of(process))

    done = bench.lab.run(*bench.options, bench.manifest, fault=fault)
    return done, taken_up(bench, done)


@what_dies("`kill -9` of mr_extract: what `python -m mr_extract.collect` gives")
def driver(bench):
    def fault(lab, process):
        lab.busy(process)
        until_some_are_done(lab)
        kill(process.pid)

    bench.lab.run(*bench.options, bench.manifest, fault=fault)
    done = collected(bench)
    return done, taken_up(bench, done)


@what_dies_on_yarn(
    "`kill -9` of mr_extract in cluster mode: the job comes to its end, and is collected")
def driver_of_cluster_mode(bench):
    def fault(lab, process):
        lab.busy(process)
        kill(process.pid)

    with bench.lab.cluster.cluster_mode():
        bench.lab.run(*bench.options, bench.manifest, fault=fault)
        while bench.lab.processes(APPLICATION):
            time.sleep(0.2)
        done = collected(bench)
    return done, bench.expects_all(done)


@what_dies("the folder in which the job keeps what it has measured")
def output(bench):
    def fault(lab, process):
        lab.busy(process)
        until_some_are_done(lab)
        for place in lab.cluster.kept.iterdir():
            shutil.rmtree(place, ignore_errors=True)

    catalog = bench.lab.folder / "catalog.tsv"
    done = bench.lab.run(*bench.options, "--catalog", catalog, bench.manifest, fault=fault)
    none = done.status == 1 and not catalog.exists() and "Traceback" not in done.err
    return done, "none, and an error" if none else "WRONG"


def until_some_are_done(lab, tasks=2):
    """Wait until what some tasks have written is in its place."""
    end = time.monotonic() + WAIT
    while lab.cluster.parts() < tasks:
        if time.monotonic() > end:
            raise RuntimeError(f"nothing is in its place after {WAIT:.0f} s:\n{lab.said()}")
        time.sleep(0.1)


def collected(bench):
    """Return what `mr_extract.collect` gives of the last job, and remove the job."""
    environment = {**os.environ, **bench.lab.cluster.environment, "PYTHONPATH": str(ROOT)}

    def collect(*words):
        return subprocess.run(
            [sys.executable, "-m", "mr_extract.collect", "-r", "spark", *map(str, words)],
            cwd=ROOT, env=environment, capture_output=True)

    collect = partial(collect, *bench.lab.cluster.collecting)
    listed = collect()
    if not listed.stdout:
        raise RuntimeError(f"the job has left nothing: {listed.stderr.decode()}\n"
                           f"it said: {bench.lab.said()}")
    name = listed.stdout.splitlines()[-1].split()[0].decode()
    end = time.monotonic() + 120
    while (done := collect(name)).returncode == 2 and time.monotonic() < end:
        time.sleep(1.0)  # YARN has not seen yet that the driver is gone
    collect(name, "--remove")
    return Done(done.returncode, done.stdout, done.stderr.decode(), bench.lab.attempts_of(""))


def taken_up(bench, done):
    """Tell what a job that failed has left, and what that is with the rest."""
    from bench.clusters.faults_of_output import taken_up as with_the_rest

    lost = done.failures
    if not (0 < len(lost) < bench.images and set(lost.values()) == {"lost"}):
        return "WRONG"
    verdict = bench.expects_all_but(done, lost)
    return f"{verdict}; with the rest: {with_the_rest(bench, done)}"
