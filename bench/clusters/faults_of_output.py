"""What is lost between a task and the catalog: disks, reducers, the output, the job itself."""

import os
import subprocess
import sys
import time
from contextlib import suppress

from bench.clusters.fault_bench import OPTIONS, what_dies
from bench.clusters.hadoop_lab import MAPPER, MASTER, REDUCER
from bench.clusters.jobs_to_hit import kill
from bench.processes import ROOT

_SPACE = 300 << 20  # bytes of the disk that is filled


@what_dies("a disk that is full when maps spill, on one host (`--output-dir`)")
def full_disk(bench):
    if os.geteuid() != 0:
        return None, "not tried: to mount a small disk one must be root"
    cluster = bench.lab.cluster
    place = cluster.folder / "worker-1" / "containers"
    cluster.kill("nodemanager-1")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_SPACE}", "tmpfs", place], check=True)
    try:
        cluster.restart("nodemanager-1")
        cluster.wait_ready()

        def fault(lab, process):
            while 1 not in lab.wait_for(MAPPER, process=process).values():
                time.sleep(0.05)
            fill(place / "full")

        done, verdict = _parts(bench, "full-disk", fault)
    finally:
        cluster.kill("nodemanager-1")
        subprocess.run(["umount", "-l", place], check=True)
    return done, verdict


def fill(path):
    """Write a file until its disk is full."""
    with suppress(OSError), open(path, "wb") as file:
        while True:
            file.write(bytes(1 << 20))
            file.flush()


@what_dies("`kill -9` of a reducer's Python (`--output-dir`)")
def reducer(bench):
    def fault(lab, process):
        kill(next(iter(lab.wait_for(REDUCER, process=process))))

    return _parts(bench, "reducer", fault)


def _parts(bench, name, fault):
    """Run a job with reducers; its parts count as its output."""
    lab = bench.lab
    done = lab.run(*OPTIONS, "-D", "mapreduce.job.reduces=2", "--output-dir", f"/parts-{name}",
                   bench.manifest, fault=fault)
    whole = lab.cluster.run("fs", "-cat", f"/parts-{name}/_header", f"/parts-{name}/part-*")
    done.out = whole.stdout.encode()
    same = (done.status == 0 and sorted(done.out.splitlines()) == sorted(
        bench.clean.out.splitlines()) and not lab.cluster.run(
            "fs", "-test", "-e", f"/parts-{name}/_SUCCESS").returncode)
    return done, "the same" if same else "WRONG"


def _reads_from_a_dying_node(lab, name):
    """Return a program `hadoop` that kills a DataNode before it reads the output, once."""
    program, marker = lab.folder / f"hadoop-{name}", lab.folder / f"died-{name}"
    marker.unlink(missing_ok=True)
    pid = lab.cluster.folder / "run" / "datanode-1.pid"
    program.write_text(f'#!/bin/sh\nif [ "$2" = -text ] && [ ! -e {marker} ]; then\n'
                       f'  touch {marker}\n  kill -9 "$(cat {pid})"\nfi\n'
                       f'exec {lab.cluster.hadoop_bin} "$@"\n')
    program.chmod(0o755)
    return ("--hadoop-bin", program, "--hadoop-streaming-jar", lab.cluster.streaming_jar,
            "-D", "dfs.replication=1")


@what_dies("`kill -9` of a DataNode while the driver reads the output, of which there is 1 replica")
def output(bench, *options):
    catalog = bench.lab.folder / "catalog.tsv"
    done = bench.lab.run(*OPTIONS, *options, *_reads_from_a_dying_node(bench.lab, "output"),
                         "--catalog", catalog, bench.manifest)
    none = done.status == 1 and "broke off" in done.err and not catalog.exists()
    return done, "none, and an error" if none else "WRONG"


@what_dies("the same, and the DataNode comes back")
def output_comes_back(bench):
    def fault(lab, process):
        while "it is read again" not in lab.said() and process.poll() is None:
            time.sleep(0.1)
        lab.cluster.restart("datanode-1")

    done = bench.lab.run(*OPTIONS, *_reads_from_a_dying_node(bench.lab, "back"), bench.manifest,
                         fault=fault)
    return done, bench.expects_all(done)


@what_dies("a job that YARN fails: both ApplicationMasters killed when some maps are done")
def failed_job(bench):
    def fault(lab, process):
        lab.busy(process)
        while not lab.maps_done() and process.poll() is None:
            time.sleep(0.05)
        master = next(iter(lab.wait_for(MASTER)))
        kill(master)
        kill(next(iter(lab.wait_for(MASTER, process=process, other_than=[master]))))

    # More maps than there is room for: some are done before the last begin.
    done = bench.lab.run(*OPTIONS, "-D", "mapreduce.job.maps=12", bench.manifest, fault=fault)
    lost = done.failures
    if not (0 < len(lost) < bench.images and set(lost.values()) == {"lost"}
            and "the job failed" in done.err):
        return done, "WRONG"
    verdict = bench.expects_all_but(done, lost)
    return done, f"{verdict}; with the rest: {taken_up(bench, done)}"


def taken_up(bench, done):
    """Run what remains of a job that failed, merge, and tell whether that is the clean catalog."""
    folder = bench.lab.folder
    (folder / "first.tsv").write_bytes(done.out)

    def preprocess(*arguments):
        return subprocess.run([sys.executable, "-m", "preprocess", *map(str, arguments)],
                              capture_output=True, cwd=ROOT, check=True).stdout

    (folder / "rest.txt").write_bytes(preprocess("remaining", bench.manifest, folder / "first.tsv"))
    subprocess.run([sys.executable, ROOT / "mr_extract.py", "-r", "local", folder / "rest.txt",
                    "--catalog", folder / "second.tsv"], capture_output=True)
    merged = preprocess("merge", folder / "first.tsv", folder / "second.tsv")
    return "the same" if merged == bench.clean.out else "WRONG"
