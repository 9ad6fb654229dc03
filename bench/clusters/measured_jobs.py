"""Figures of Hadoop, from jobs on a cluster of one's own with one map task a NodeManager.

CPU is what a NodeManager's containers took, which the kernel adds up for their parent. So it
holds Java, Python and all they started, and does not depend on what else the machine does.
"""

import os
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic, sleep, time

from bench.processes import job, run
from bench.report import middle

FEW, MANY = 2, 8  # map tasks
AGAIN = 8  # times that each frame is in a job, under ids of its own: Java has come up to speed
MAP_MEMORY = 2048  # MB
_HISTORY = "19888/ws/v1/history/mapreduce/jobs"
_TOLD_WITHIN = 60.0  # seconds


@dataclass
class Trial:
    """A job on the cluster: seconds of its parts, and CPU of its containers.

    `started` is the CPU of a job of as many tasks over images of a few pixels, and `waited` the
    seconds from its first container to the end of its last.
    """

    images: int
    tasks: int
    cpu: float
    wall: float
    submit: float
    master: float
    finish: float
    started: float = 0.0
    waited: float = 0.0

    @property
    def tasks_wall(self):
        """Seconds from the start of the first container to the end of the last."""
        return self.wall - self.submit - self.master - self.finish


def measure_jobs(night, rounds, many_tasks=MANY, again=AGAIN):
    """Return the figures of Hadoop by name; one of them takes the place of another without it.

    `many_tasks`, more than `FEW`, is the number of map tasks of the jobs with many; `again` is
    how often each frame of the night is in a job over it.
    """
    tiny = times(night, "tiny-lines.txt", night.tiny.read_text().splitlines(), 2 * many_tasks)
    images = again * len(night.entries)
    whole = times(night, "cluster.txt", night.manifest("night.txt", night.entries)
                   .read_text().splitlines(), images)
    with cluster_of_one_machine() as cluster:
        few, many, full, pairs = [], [], [], []
        for _ in range(rounds):
            few.append(_trial(cluster, night, tiny, 2 * many_tasks, FEW))
            many.append(_trial(cluster, night, tiny, 2 * many_tasks, many_tasks))
            before = local(night, whole)
            full.append(_trial(cluster, night, whole, images, FEW))
            full[-1].started, full[-1].waited = few[-1].cpu, few[-1].tasks_wall
            around = before.wall, local(night, whole).wall
            pairs.append({"local": sum(around) / 2, **asdict(full[-1])})
        streamed = _streamed(cluster, night, rounds)
    task = (middle([t.cpu for t in many]) - middle([t.cpu for t in few])) / (
        many_tasks - FEW)
    start = middle([run(job("--mapper"), stdin=night.tiny).cpu for _ in range(rounds)])
    reducer = middle([run(job("--reducer")).cpu for _ in range(rounds)])
    image = (middle([t.cpu for t in full]) - middle([t.cpu for t in few])) / images
    every = [*few, *many, *full]
    return {
        "image": image,
        "container_start": task - start,
        "reduce_start": task - start + reducer,
        "stream_megabyte": streamed,
        **{name: min(getattr(trial, name) for trial in every) for name in ("submit", "master")},
        "finish": min(trial.finish for trial in few),
        "trials": pairs,
    }


@contextmanager
def cluster_of_one_machine():
    """Give a Hadoop of two NodeManagers, each with room for one map task."""
    from myhadoop.local import LocalCluster

    with tempfile.TemporaryDirectory(prefix="bench-cluster-") as folder:
        # The ApplicationMaster has half a gigabyte: each NodeManager has room for one map.
        cluster = LocalCluster(Path(folder) / "hadoop", memory_mb=MAP_MEMORY + 512)
        before = {name: os.environ.get(name) for name in cluster.environment}
        try:
            cluster.start()
            os.environ.update(cluster.environment)
            yield cluster
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})
            cluster.stop()


def times(night, name, lines, number):
    """Write a manifest that names the images of some lines in turn under ids of their own."""
    lines = [line.split("\t")[0] for line in lines if line and not line.startswith("#")]
    root = night.tiny.parent
    path = night.folder / name
    path.write_text("".join(f"{root / lines[k % len(lines)]}\tid={k}\n" for k in range(number)))
    return path


def local(night, manifest):
    """Run ``-r local`` with two processes and return what it took."""
    return run(job("-r", "local", "--jobs=2", "--quiet", manifest, "--catalog",
                   night.folder / "local.tsv"))


def _trial(cluster, night, manifest, images, tasks):
    before, began = _cpu_of_containers(cluster), time()
    cost = run(job("-r", "hadoop", "--quiet", "-D", f"mapreduce.job.maps={tasks}",
                   "-D", f"mapreduce.map.memory.mb={MAP_MEMORY}", manifest,
                   "--catalog", night.folder / "cluster.tsv"))
    ended = time()
    told, attempts = _told(cluster, began)
    first = min(attempt["startTime"] for attempt in attempts) / 1000
    last = max(attempt["finishTime"] for attempt in attempts) / 1000
    submitted = told["submitTime"] / 1000
    return Trial(images, tasks, _cpu_of_containers(cluster) - before, cost.wall,
                 submitted - began, first - submitted, ended - last)


def _told(cluster, since):
    """Return what the JobHistoryServer says of the one job since a time, and its attempts."""
    url, end = f"http://{cluster.head}:{_HISTORY}", monotonic() + _TOLD_WITHIN
    while monotonic() < end:
        jobs = ((cluster.get(url) or {}).get("jobs") or {}).get("job", [])
        jobs = [one for one in jobs if one["submitTime"] / 1000 >= since]
        if jobs:
            tasks = cluster.get(f"{url}/{jobs[0]['id']}/tasks")["tasks"]["task"]
            attempts = [
                attempt for task in tasks for attempt in
                cluster.get(f"{url}/{jobs[0]['id']}/tasks/{task['id']}/attempts")
                ["taskAttempts"]["taskAttempt"]]
            return jobs[0], attempts
        sleep(0.2)
    raise RuntimeError(f"the JobHistoryServer knows of no job after {_TOLD_WITHIN:.0f} s")


def _cpu_of_containers(cluster):
    """Return the CPU seconds of all containers that have ended."""
    ticks = 0
    for number in cluster.workers:
        stat = Path(f"/proc/{cluster.pid(f'nodemanager-{number}')}/stat").read_text()
        ticks += sum(map(int, stat.rpartition(")")[2].split()[13:15]))  # cutime, cstime
    return ticks / os.sysconf("SC_CLK_TCK")


def _streamed(cluster, night, rounds, megabytes=64):
    """Return the CPU seconds of `hadoop fs -text` for a further megabyte."""
    rows = (night.folder / "cluster.tsv").read_bytes()
    source = night.folder / "rows"
    with open(source, "wb") as file:
        for _ in range(1 + megabytes * 1_000_000 // len(rows)):
            file.write(rows)
    size = source.stat().st_size / 1e6
    small = night.folder / "small"
    small.write_bytes(rows[:1000])
    cluster.run("fs", "-put", source, small, "/tmp", check=True)
    took = [run([str(cluster.hadoop_bin), "fs", "-text", "/tmp/rows"]).cpu
            - run([str(cluster.hadoop_bin), "fs", "-text", "/tmp/small"]).cpu
            for _ in range(rounds)]
    return middle(took) / size
