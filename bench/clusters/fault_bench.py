"""What faults are tried on: a Hadoop, images on it and on the web, and their clean catalog."""

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.clusters.deadly_places import DeadlyPlaces
from bench.clusters.hadoop_lab import Lab
from bench.clusters.jobs_to_hit import Done
from bench.processes import ROOT

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
    images : int
        Lines of the list.
    options : tuple of str
        Of each job.
    """

    lab: Lab
    frames: list
    places: DeadlyPlaces
    manifest: Path
    clean: Done
    images: int = IMAGES
    options: tuple = OPTIONS

    def as_new(self):
        """Return it with nothing left of the faults before."""
        self.places.deeds.clear()
        self.places.done.clear()
        self.lab.heal()
        return self

    def list_of(self, name, place=str, more=()):
        """Write a manifest: the same images under the same ids elsewhere, and more lines."""
        path = self.lab.folder / name
        path.write_text("".join(f"{line}\n" for line in (*self._lines(place), *more)))
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

    def survives(self, fault=None, manifest=None):
        """Run a job with a fault that must cost nothing; return it and what the catalog is."""
        done = self.lab.run(*self.options, manifest or self.manifest, fault=fault)
        return done, self.expects_all(done)

    def _lines(self, place):
        """Return lines of a manifest, of one size, so that tasks have equal numbers of them."""
        return [f"{place(self.frames[k % len(self.frames)])}\tid=image-{k:04d}\tbytes=400000"
                for k in range(self.images)]


def registry():
    """Return what takes a function for a fault, and where it puts functions and their titles.

    A fault gets a Bench, and returns a Done and what the catalog is.

    Returns
    -------
    what_dies : callable
    faults, titles : dict
        By the names of the functions.
    """
    faults, titles = {}, {}

    def what_dies(title):
        def take(function):
            name = function.__name__.replace("_", "-")
            faults[name], titles[name] = function, title
            return function

        return take

    return what_dies, faults, titles


what_dies, FAULTS, TITLES = registry()


@contextmanager
def prepared(folder, images=IMAGES):
    """Start a Hadoop, simulate images, make the clean catalog.

    Parameters
    ----------
    folder : Path
    images : int
        Lines of the list.

    Yields
    ------
    Bench
    """
    from myhadoop.local import LocalCluster

    state = {"yarn.resourcemanager.fs.state-store.uri": f"file://{folder}/rm-state"}
    cluster = LocalCluster(folder / "hadoop", settings={
        "hdfs-site": {"dfs.client.retry.window.base": 500},  # ms, for a block that is gone
        "yarn-site": {**SETTINGS, **state}})
    bench = bench_of(Lab(cluster, folder), images)
    try:
        cluster.start()
        with bench.places:
            yield bench
    finally:
        cluster.stop()


def bench_of(lab, images=IMAGES, options=OPTIONS):
    """Simulate images in the folder of a lab, make their clean catalog, and return a Bench."""
    from preprocess.simulation.simulate import simulate_night

    night = lab.folder / "night"
    simulate_night(str(night), frames=FRAMES, seed=7, shape=(400, 500))
    bench = Bench(lab, sorted(night.glob("*.fits")), DeadlyPlaces(night), None, None, images,
                  options)
    bench.manifest = bench.list_of("list.txt")
    run = subprocess.run([sys.executable, ROOT / "mr_extract.py", "-r", "inline", bench.manifest],
                         capture_output=True)
    bench.clean = Done(run.returncode, run.stdout, run.stderr.decode())
    if run.returncode:
        raise RuntimeError(bench.clean.err)
    return bench
