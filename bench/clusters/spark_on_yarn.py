"""Spark on the YARN of a Hadoop of one's own, for what hits its jobs."""

from contextlib import contextmanager

from bench.clusters.hadoop_lab import Lab
from bench.clusters.jobs_to_hit import kill
from bench.clusters.spark_java import spark_home
from mr_extract.jobs.runners.hadoop.places import JOBS


class SparkOnYarn:
    """What `bench.clusters.spark_jobs.SparkLab` needs to know of YARN.

    Parameters
    ----------
    cluster : myhadoop.local.LocalCluster
        That runs.
    folder : path
    """

    collecting = ()

    def __init__(self, cluster, folder):
        self.hadoop, self._lab, self._mode = cluster, Lab(cluster, folder), "client"

    @contextmanager
    def cluster_mode(self):
        """Have jobs with their Spark's driver on the cluster, until the end of a with statement."""
        self._mode = "cluster"
        try:
            yield
        finally:
            self._mode = "client"

    @property
    def arguments(self):
        """What a job is told to run here."""
        return ("--spark-master", "yarn", "--spark-deploy-mode", self._mode,
                # All nodes see them: 400 MB need not be copied to each.
                "-D", f"spark.yarn.jars=local:{spark_home()}/jars/*",
                "-D", "spark.yarn.am.memory=512m", "-D", "spark.driver.memory=512m")

    @property
    def environment(self):
        """What the environment of a job has besides that of this process."""
        return self.hadoop.environment

    def processes(self, word):
        """Return processes of containers by a word of their commands, with their nodes."""
        return self._lab.processes(word)

    def parts(self):
        """Return how many parts that tasks have written are in their place."""
        jobs = f"/user/{self.hadoop.user}/{JOBS}"
        return sum(part.startswith("part-") for job in self._names(jobs)
                   for part in self._names(f"{jobs}/{job}/output"))

    def _names(self, folder):
        told = self.hadoop.get(f"{self.hadoop.webhdfs}/webhdfs/v1{folder}"
                               f"?op=LISTSTATUS&user.name={self.hadoop.user}")
        return [one["pathSuffix"] for one in told["FileStatuses"]["FileStatus"]] if told else []

    def kill_node(self, number):
        """Kill a NodeManager with all its containers, as a machine that is lost."""
        self.hadoop.kill(f"nodemanager-{number}")
        for pid, node in self.processes("").items():
            if node == number:
                kill(pid)

    def heal(self):
        """Start again what died, and wait until all serves."""
        self._lab.heal()
