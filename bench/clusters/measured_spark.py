"""Figures of Spark, from jobs on a standalone cluster of two workers of one core each.

CPU is what a worker's executors took, with all that they started, as the kernel adds it up for
a process to which each of them falls when its parent is gone. So it does not depend on what else
the machine does. Pythons that run tasks are counted apart.
"""

import os
import sys
import tempfile
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import sleep, time

from bench.clusters.measured_jobs import AGAIN, FEW, MANY, local, times
from bench.clusters.spark_jobs import TASKS, SparkLab
from bench.clusters.spark_lab import StandaloneCluster
from bench.processes import run
from bench.pythons_of_spark import Pythons
from bench.report import middle
from bench.running import fields_of

_MEMORY = "512m"  # of an executor's Java
#: Starts a worker, which ends with it, and is told of the end of all that the worker has started.
_COUNTS = """
import ctypes, os, signal, sys
libc = ctypes.CDLL(None)
libc.prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
worker = os.fork()
if not worker:
    libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    os.execvp(sys.argv[1], sys.argv[1:])
while os.wait()[0] != worker:
    pass
"""


@dataclass
class Trial:
    """A job on Spark: seconds of its parts, and CPU of its executors.

    `started` is the CPU of a job of as many tasks over images of a few pixels, and `waited` the
    seconds from the start of its first task to the end of its last; `alone` are the seconds
    between these of a job over the same images with one executor.
    """

    images: int
    tasks: int
    cpu: float
    wall: float
    start: float
    finish: float
    python: float
    gap: float
    started: float = 0.0
    waited: float = 0.0
    alone: float = 0.0

    @property
    def tasks_wall(self):
        """Seconds from the start of the first task to the end of the last."""
        return self.wall - self.start - self.finish


def measure_spark(night, rounds, many_tasks=MANY, again=AGAIN):
    """Return the figures of Spark by name.

    `many_tasks`, more than `FEW`, is the number of tasks of the jobs with many; `again` is how
    often each frame of the night is in a job over it.
    """
    tiny = times(night, "tiny-lines.txt", night.tiny.read_text().splitlines(), 2 * many_tasks)
    images = again * len(night.entries)
    whole = times(night, "cluster.txt", night.manifest("night.txt", night.entries)
                  .read_text().splitlines(), images)
    few, many, full, pairs = [], [], [], []
    with spark_of_one_machine() as lab:
        for _ in range(rounds):
            few.append(_trial(lab, night, tiny, 2 * many_tasks, FEW))
            many.append(_trial(lab, night, tiny, 2 * many_tasks, many_tasks))
            before = local(night, whole)
            full.append(_trial(lab, night, whole, images, FEW))
            full[-1].started, full[-1].waited = few[-1].cpu, few[-1].tasks_wall
            around = before.wall, local(night, whole).wall
            one = _trial(lab, night, whole, images, FEW, "-D", "spark.cores.max=1")
            full[-1].alone = one.tasks_wall
            pairs.append({"local": sum(around) / 2, **asdict(full[-1])})
    task = (middle([t.cpu for t in many]) - middle([t.cpu for t in few])) / (many_tasks - FEW)
    every = [*few, *many, *full]
    return {
        "executor": (middle([t.cpu for t in few]) - FEW * task) / len(lab.cluster.workers),
        "task": task,
        "image": (middle([t.cpu for t in full]) - middle([t.cpu for t in few])) / images,
        # The next may be launched before the end of the last has been dealt with.
        "gap": max(0.0, middle([t.gap for t in many])),
        "python": min(t.python for t in many),
        "start": min(t.start for t in every),
        "finish": min(t.finish for t in few),
        "trials": pairs,
    }


@contextmanager
def spark_of_one_machine():
    """Give a `SparkLab` on a standalone Spark of two workers that run one task each."""
    with tempfile.TemporaryDirectory(prefix="bench-spark-") as folder:
        cluster = StandaloneCluster(Path(folder) / "spark", workers=2, cores=1,
                                    place=lambda words, _: [sys.executable, "-c", _COUNTS, *words])
        before = {name: os.environ.get(name) for name in cluster.environment}
        os.environ.update(cluster.environment)
        try:
            with cluster:
                yield SparkLab(cluster, Path(folder))
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def _trial(lab, night, manifest, images, tasks, *options):
    before, pythons, began = _cpu_of_executors(lab), Pythons(), time()
    pythons.start()
    cost = run(lab.command("--quiet", "-D", f"{TASKS}={tasks}", "-D",
                           f"spark.executor.memory={_MEMORY}", *options, manifest,
                           "--catalog", night.folder / "cluster.tsv"))
    ended = time()
    slots = _times_of_tasks(lab)
    launched = min(slot[0][0] for slot in slots)
    last = max(slot[-1][1] for slot in slots)
    gaps = [later[0] - sooner[1] for slot in slots for sooner, later in zip(slot, slot[1:])]
    firsts = [(slot[0][1] - slot[0][0]) - median(end - start for start, end in slot[1:])
              for slot in slots if slot[1:]]
    cpu = _cpu_of_executors(lab) - before + pythons.stop()
    return Trial(images, tasks, cpu, cost.wall, launched - began, ended - last,
                 min(firsts, default=0.0), median(gaps) if gaps else 0.0)


def _times_of_tasks(lab):
    """Return when tasks were launched and had ended, in their order, of each executor."""
    slots = defaultdict(list)
    for event in lab.events():
        if event["Event"] == "SparkListenerTaskEnd":
            told = event["Task Info"]
            slots[told["Executor ID"]].append(
                (told["Launch Time"] / 1000, told["Finish Time"] / 1000))
    return [sorted(slot) for slot in slots.values()]


def _cpu_of_executors(lab):
    """Wait until all executors have ended, and return the CPU seconds of all that ever were."""
    while lab.processes(""):
        sleep(0.05)
    ticks = 0
    for number in lab.cluster.workers:
        pid = lab.cluster.pid(f"worker-{number}")
        worker, = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ticks += sum(int(ticks) for one in (pid, worker) for ticks in fields_of(one)[13:15])
    return ticks / os.sysconf("SC_CLK_TCK")
