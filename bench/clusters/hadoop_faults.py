"""What dies and what becomes of the catalog.

Each fault is tried on a Hadoop of its own, started here, while a job runs; the catalog is
compared with that of ``-r inline``.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.clusters.deadly_places import DeadlyPlaces, kills, kills_all_around
from bench.clusters.hadoop_lab import MAPPER, MASTER, REDUCER, TASK, WORKER, Done, Lab, kill
from bench.processes import ROOT
from bench.report import Section, give, takes_output

IMAGES, FRAMES, MAPS = 240, 6, 8
SETTINGS = {
    # Containers that are too large are killed by YARN itself, as without cgroups, and soon.
    "yarn.nodemanager.resource.memory.enforced": "false",
    "yarn.nodemanager.container-monitor.interval-ms": 500,
    "yarn.resourcemanager.recovery.enabled": "true",
    "yarn.resourcemanager.store.class":
        "org.apache.hadoop.yarn.server.resourcemanager.recovery.FileSystemRMStateStore",
}
#: Small containers, so that tasks run on both hosts, and patience to suit.
OPTIONS = ("-D", f"mapreduce.job.maps={MAPS}", "-D", "mapreduce.map.memory.mb=1024",
           "-D", "mapreduce.task.timeout=30000",
           "-D", "mapreduce.task.timeout.check-interval-ms=1000")
_NOT_HIT = "not hit"
_SPACE = 300 << 20  # bytes of the disk that is filled


@dataclass
class Bench:
    """All that a fault needs.

    Parameters
    ----------
    lab : bench.clusters.hadoop_lab.Lab
    frames : list of Path
        Simulated images.
    places : DeadlyPlaces
        The same on the web.
    manifest : Path
        A list of many lines about them.
    clean : Done
        What ``-r inline`` makes of it.
    """

    lab: Lab
    frames: list
    places: DeadlyPlaces
    manifest: Path
    clean: Done

    def list_of(self, name, place=str, more=()):
        """Write a manifest: the same images under the same ids elsewhere, and more lines."""
        path = self.lab.folder / name
        path.write_text("".join(f"{line}\n" for line in (*_lines(self.frames, place), *more)))
        return path

    def expects_all(self, done):
        """Tell whether the catalog is that of the clean run."""
        return "the same" if done.status == 0 and done.out == self.clean.out else "WRONG"

    def expects_all_but(self, done, failures, status=1):
        """Tell whether the lines of other images are those of the clean run."""
        if done.status != status or done.failures != failures or (
                done.without(failures) != self.clean.without(failures)):
            return "WRONG"
        kinds = sorted(set(failures.values()))
        return f"the same but for {len(failures)} × `{'`, `'.join(kinds)}`"


def _lines(frames, place):
    """Return lines of a manifest, of one size, so that tasks have equal numbers of them."""
    return [f"{place(frames[k % len(frames)])}\tid=image-{k:04d}\tbytes=400000"
            for k in range(IMAGES)]


FAULTS, TITLES = {}, {}


def what_dies(title):
    """Take a function for a fault: it gets a Bench, and returns a Done and what the catalog is."""
    def take(function):
        name = function.__name__.replace("_", "-")
        FAULTS[name], TITLES[name] = function, title
        return function

    return take


@what_dies("nothing")
def nothing(bench):
    done = bench.lab.run(*OPTIONS, bench.manifest)
    return done, bench.expects_all(done)


@what_dies("`kill -9` of a mapper's Python")
def mapper(bench):
    def fault(lab, process):
        kill(next(iter(lab.busy(process))))

    done = bench.lab.run(*OPTIONS, bench.manifest, fault=fault)
    return done, bench.expects_all(done)


@what_dies("`kill -9` of a NodeManager with running maps")
def nodemanager(bench):
    def fault(lab, process):
        lab.busy(process)
        master = set(lab.wait_for(MASTER).values())
        while not (others := set(lab.wait_for(MAPPER, process=process).values()) - master):
            time.sleep(0.05)
        lab.cluster.kill(f"nodemanager-{others.pop()}")

    done = bench.lab.run(*OPTIONS, bench.manifest, fault=fault)
    return done, bench.expects_all(done)


@what_dies("a host: NodeManager, DataNode and all containers, the ApplicationMaster's among them")
def host(bench):
    def fault(lab, process):
        lab.busy(process)
        end_host(lab, next(iter(lab.wait_for(MASTER).values())))

    done = bench.lab.run(*OPTIONS, bench.manifest, fault=fault)
    return done, bench.expects_all(done)


def end_host(lab, worker):
    """Kill all that runs on a host."""
    for name in ("nodemanager", "datanode"):
        lab.cluster.kill(f"{name}-{worker}")
    for pid, its in lab.processes("").items():
        if its == worker:
            kill(pid)


def on_hdfs(bench, replication):
    """Put the images on HDFS and return a manifest of these."""
    place = f"/survey-{replication}"
    bench.lab.put(bench.frames[0].parent, place, replication)
    root = f"{bench.lab.cluster.filesystem}{place}"
    return bench.list_of(f"hdfs-{replication}.txt", lambda frame: f"{root}/{frame.name}")


def _kills_a_datanode(lab, process):
    lab.busy(process)
    lab.cluster.kill("datanode-1")


@what_dies("`kill -9` of a DataNode, images on HDFS with 2 replicas")
def datanode(bench):
    done = bench.lab.run(*OPTIONS, on_hdfs(bench, 2), fault=_kills_a_datanode)
    return done, bench.expects_all(done)


@what_dies("the same, images with 1 replica")
def only_replica(bench):
    # Every line is an image that is fetched: its file may be gone.
    done = bench.lab.run(*OPTIONS, "--fetch-budget", "5", on_hdfs(bench, 1),
                         fault=_kills_a_datanode)
    kinds = set(done.failures.values())
    if not done.failures or not kinds <= {"fetch-failed", "fetch-timeout", "fetch-not-found"}:
        return done, "WRONG"
    return done, bench.expects_all_but(done, done.failures)


@what_dies("`kill -9` of the ApplicationMaster")
def applicationmaster(bench):
    def fault(lab, process):
        lab.busy(process)
        kill(next(iter(lab.wait_for(MASTER))))

    done = bench.lab.run(*OPTIONS, bench.manifest, fault=fault)
    return done, bench.expects_all(done)


@what_dies("`kill -9` of the ResourceManager, and its restart (with recovery)")
def resourcemanager(bench):
    def fault(lab, process):
        lab.busy(process)
        lab.cluster.restart("resourcemanager")

    done = bench.lab.run(*OPTIONS, bench.manifest, fault=fault)
    return done, bench.expects_all(done)


@what_dies("a mapper that hangs (`SIGSTOP`)")
def hanging_mapper(bench):
    def fault(lab, process):
        kill(next(iter(lab.busy(process))), signal.SIGSTOP)

    done = bench.lab.run(*OPTIONS, bench.manifest, fault=fault)
    return done, bench.expects_all(done)


@what_dies("an image that hangs the process that measures it, `--image-timeout 20`")
def hanging_image(bench):
    def fault(lab, process):
        lab.busy(process)
        kill(next(iter(lab.wait_for(WORKER))), signal.SIGSTOP)

    done = bench.lab.run(*OPTIONS, "--image-timeout", "20", bench.manifest, fault=fault)
    if list(done.failures.values()) != ["timeout"]:
        return done, "WRONG"
    return done, bench.expects_all_but(done, done.failures)


@what_dies("an image larger than its container")
def memory(bench):
    manifest = bench.list_of("memory.txt", more=[f"{huge_image(bench)}\tid=huge\tbytes=400000"])
    done = bench.lab.run(*OPTIONS, manifest)
    return done, bench.expects_all_but(done, {"huge": "memory"})


@what_dies("the same without our limit (`--image-memory 0`): YARN kills the container, each time")
def memory_of_yarn(bench):
    path = huge_image(bench)
    noise = np.random.default_rng(1).normal(0, 100, (100, 16000)).astype(">i2").tobytes()
    with open(path, "r+b") as file:  # YARN looks twice: what is all zeros would be done by then
        file.seek(2880)
        file.write(160 * noise)
    manifest = bench.list_of("memory.txt", more=[f"{path}\tid=huge\tbytes=400000"])
    done = bench.lab.run(*OPTIONS, "--image-memory", "0", manifest)
    return done, bench.expects_all_but(done, {"huge": "killed"})


def huge_image(bench, width=16000, height=16000):
    """Write an image of half a gigabyte that takes no room on the disk: it is all zeros."""
    cards = ("SIMPLE  =                    T", "BITPIX  =                   16",
             "NAXIS   =                    2", f"NAXIS1  = {width:>20}", f"NAXIS2  = {height:>20}",
             "END")
    path = bench.lab.folder / "huge.fits"
    with open(path, "wb") as file:
        file.write("".join(card.ljust(80) for card in cards).encode().ljust(2880))
        file.truncate(2880 + -(-2 * width * height // 2880) * 2880)
    return path


def _deadly(bench, deed, name):
    """Return a manifest with an image at which tasks die, and see to it that they do."""
    frame = bench.frames[0].name
    bench.places.deeds[frame] = deed
    return bench.list_of(f"{name}.txt", more=[
        f"{bench.places.url}/{frame}\tid=deadly\tbytes=400000"])


@what_dies("an image at which the mapper dies, each time (`--max-failures 1`)")
def poison(bench):
    done = bench.lab.run(*OPTIONS, "--max-failures", "1", _deadly(bench, kills, "poison"))
    return done, bench.expects_all_but(done, {"deadly": "killed"}, status=0)


@what_dies("an image at which the whole container is killed, each time (`--max-failures 1`)")
def poisoned_container(bench):
    manifest = _deadly(bench, kills_all_around, "container")
    done = bench.lab.run(*OPTIONS, "--max-failures", "1", manifest)
    return done, bench.expects_all_but(done, {"deadly": "killed"}, status=0)


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
            with suppress(OSError), open(place / "full", "wb") as file:  # until it is full
                while True:
                    file.write(bytes(1 << 20))
                    file.flush()

        done, verdict = _parts(bench, "full-disk", fault)
    finally:
        cluster.kill("nodemanager-1")
        subprocess.run(["umount", "-l", place], check=True)
    return done, verdict


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
    pid = lab.cluster.folder / "run" / "datanode-1.pid"
    program.write_text(f'#!/bin/sh\nif [ "$2" = -text ] && [ ! -e {marker} ]; then\n'
                       f'  touch {marker}\n  kill -9 "$(cat {pid})"\nfi\n'
                       f'exec {lab.cluster.hadoop_bin} "$@"\n')
    program.chmod(0o755)
    return ("--hadoop-bin", program, "--hadoop-streaming-jar", lab.cluster.streaming_jar,
            "-D", "dfs.replication=1")


@what_dies("`kill -9` of a DataNode while the driver reads the output, of which there is 1 replica")
def output(bench):
    catalog = bench.lab.folder / "catalog.tsv"
    done = bench.lab.run(*OPTIONS, *_reads_from_a_dying_node(bench.lab, "output"),
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
        first = set(lab.processes(TASK))
        while first <= set(lab.processes(TASK)):  # they end when what they wrote is in its place
            time.sleep(0.02)
        master = next(iter(lab.wait_for(MASTER)))
        kill(master)
        kill(next(iter(lab.wait_for(MASTER, process=process, other_than=[master]))))

    # More maps than there is room for: some are done before the last begin.
    done = bench.lab.run(*OPTIONS, "-D", "mapreduce.job.maps=24", bench.manifest, fault=fault)
    lost = done.failures
    if not (0 < len(lost) < IMAGES and set(lost.values()) == {"lost"}
            and "the job failed" in done.err):
        return done, "WRONG"
    verdict = bench.expects_all_but(done, lost)
    return done, f"{verdict}; with the rest: {_taken_up(bench, done)}"


def _taken_up(bench, done):
    """Run what remains of a job that failed, merge, and tell whether that is the clean catalog."""
    folder = bench.lab.folder
    (folder / "first.tsv").write_bytes(done.out)

    def preprocess(*arguments):
        return subprocess.run([sys.executable, "-m", "preprocess", *map(str, arguments)],
                              capture_output=True, cwd=ROOT, check=True).stdout

    (folder / "rest.txt").write_bytes(preprocess("remaining", bench.manifest, folder / "first.tsv"))
    second = bench.lab.run(*OPTIONS, folder / "rest.txt")
    (folder / "second.tsv").write_bytes(second.out)
    merged = preprocess("merge", folder / "first.tsv", folder / "second.tsv")
    return "the same" if merged == bench.clean.out else "WRONG"


@contextmanager
def prepared(folder):
    """Start a Hadoop, simulate images, make the clean catalog.

    Parameters
    ----------
    folder : Path

    Yields
    ------
    Bench
    """
    from myhadoop.local import LocalCluster
    from preprocess.simulation.simulate import simulate_night

    simulate_night(str(folder / "night"), frames=FRAMES, seed=7, shape=(400, 500))
    frames = sorted((folder / "night").glob("*.fits"))
    state = {"yarn.resourcemanager.fs.state-store.uri": f"file://{folder}/rm-state"}
    cluster = LocalCluster(folder / "hadoop", settings={
        "hdfs-site": {"dfs.client.retry.window.base": 500},  # ms, for a block that is gone
        "yarn-site": {**SETTINGS, **state}})
    bench = Bench(Lab(cluster, folder), frames, DeadlyPlaces(folder / "night"), None, None)
    bench.manifest = bench.list_of("list.txt")
    run = subprocess.run([sys.executable, ROOT / "mr_extract.py", "-r", "inline", bench.manifest],
                         capture_output=True)
    bench.clean = Done(run.returncode, run.stdout, run.stderr.decode())
    if run.returncode:
        raise RuntimeError(bench.clean.err)
    try:
        cluster.start()
        with bench.places:
            yield bench
    finally:
        cluster.stop()


def measure(names):
    """Try faults, one after the other, and return the section about them."""
    section = Section(
        "Faults that were tried",
        f"{IMAGES} images in {MAPS} map tasks, on two hosts of one machine, each fault while "
        "images are measured. Attempts of maps, and of reduces: successful, failed, killed, as "
        "the last ApplicationMaster tells; how many of these there were.",
        ("what dies", "exit status", "attempts", "masters", "images", "failed", "rows", "catalog"),
    )
    with tempfile.TemporaryDirectory(prefix="bench-faults-") as folder:
        with prepared(Path(folder)) as bench:
            for name in names:
                _tried(section, bench, name)
    order = list(TITLES.values())
    section.rows.sort(key=lambda row: order.index(row[0]))
    return section


def _tried(section, bench, name):
    began = time.monotonic()
    try:
        done, verdict = FAULTS[name](bench)
    except (RuntimeError, StopIteration) as error:
        done, verdict = None, f"{_NOT_HIT}: {error or 'nothing was there to be hit'}"
    title = TITLES[name]
    if done is None:
        section.add(title, "", "", "", "", "", "", verdict)
    else:
        told = done.attempts
        attempts = {kind: ", ".join(str(told[f"{how} {kind}"])
                                    for how in ("successful", "failed", "killed"))
                    for kind in ("map", "reduce") if told.get(f"successful {kind}")}
        section.add(title, done.status, "; ".join(attempts.values()) or "nobody tells",
                    told.get("masters", ""), done.out.count(b"#image\t") or "",
                    len(done.failures) or "", done.rows or "", verdict)
        if verdict.endswith("WRONG"):
            print(done.err, file=sys.stderr)
    print(f"{name}: {section.rows[-1][1:]} in {time.monotonic() - began:.0f} s",
          file=sys.stderr, flush=True)
    bench.places.deeds.clear()
    bench.lab.heal()


def main(arguments=None):
    """Try faults and print the table; 1 when a catalog is not what it should be."""
    parser = argparse.ArgumentParser(prog="python -m bench faults", description=__doc__)
    parser.add_argument("--only", action="append", choices=FAULTS, metavar="NAME",
                        help=f"one of {', '.join(FAULTS)}; may be given again")
    takes_output(parser)
    options = parser.parse_args(arguments)
    section = measure(options.only or FAULTS)
    give([section], options.output)
    return any(row[-1].endswith("WRONG") or row[-1].startswith(_NOT_HIT) for row in section.rows)
