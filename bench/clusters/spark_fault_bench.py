"""What faults of Spark are tried on: a standalone cluster, or YARN, and a list of images."""

from contextlib import contextmanager

from bench.clusters.fault_bench import IMAGES, SETTINGS, bench_of, registry
from bench.clusters.jobs_to_hit import kill
from bench.clusters.spark_jobs import TASKS, SparkLab, executor_of
from bench.clusters.spark_lab import StandaloneCluster

NODES, CORES, SHARDS = 2, 1, 8
#: Executors of one task, so that one is on each node.
OPTIONS = ("-D", f"{TASKS}={SHARDS}", "-D", "spark.executor.cores=1",
           "-D", "spark.executor.memory=512m")
ON_YARN = (*OPTIONS, "-D", "spark.executor.instances=2", "-D", "spark.executor.memoryOverhead=768m")

what_dies, FAULTS, TITLES = registry()
what_dies_on_yarn, YARN_FAULTS, YARN_TITLES = registry()


@contextmanager
def on_standalone(folder, images=IMAGES):
    """Start a standalone Spark, simulate images, make the clean catalog; yield a Bench."""
    with StandaloneCluster(folder / "spark", NODES, CORES) as cluster:
        bench = bench_of(SparkLab(cluster, folder), images, OPTIONS)
        with bench.places:
            yield bench


@contextmanager
def on_yarn(folder, images=IMAGES):
    """Start a Hadoop, simulate images, make the clean catalog; yield a Bench."""
    from bench.clusters.spark_on_yarn import SparkOnYarn
    from myhadoop.local import LocalCluster

    # Without a store of its state the ResourceManager is not restarted here.
    settings = {name: value for name, value in SETTINGS.items() if "nodemanager" in name}
    cluster = LocalCluster(folder / "hadoop", settings={"yarn-site": settings})
    try:
        cluster.start()
        bench = bench_of(SparkLab(SparkOnYarn(cluster, folder), folder), images, ON_YARN)
        with bench.places:
            yield bench
    finally:
        cluster.stop()


def kills_executor(pid):
    """End the Java of the executor, and the Python that asked with it."""
    kill(executor_of(pid))
    kill(pid)
    return False
