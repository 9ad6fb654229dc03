"""What a Hadoop job is told unless the user says otherwise with -D."""

from collections.abc import Mapping
from typing import Any

MAPS = "mapreduce.job.maps"
REDUCES = "mapreduce.job.reduces"
COMMITTER = "mapreduce.fileoutputcommitter.algorithm.version"
MAP_MEMORY = "mapreduce.map.memory.mb"
MAP_CORES = "mapreduce.map.cpu.vcores"
TAGS = "mapreduce.job.tags"

#: A shard is a file, and never split. What a lost node costs is bounded: unless told so, an
#: ApplicationMaster asks a dead NodeManager for three minutes, and may end the job over it.
DEFAULTS: dict[str, Any] = {
    "mapreduce.input.fileinputformat.split.minsize": 1 << 40,
    MAP_MEMORY: 2048,
    "mapreduce.reduce.memory.mb": 1024,
    # Java's part of it, where the cluster does not say -Xmx: the rest is for the images.
    "mapreduce.job.heap.memory-mb.ratio": 0.25,
    "mapreduce.map.maxattempts": 4,
    "mapreduce.reduce.maxattempts": 4,
    "mapreduce.task.timeout": 300_000,  # a task reports every ten seconds
    "mapreduce.map.speculative": "false",
    "mapreduce.reduce.speculative": "false",
    "mapreduce.map.output.compress": "true",
    "zlib.compress.level": "BEST_SPEED",
    "mapreduce.job.reduce.slowstart.completedmaps": 0.9,
    # Parts appear when the job has ended well, not before.
    COMMITTER: 1,
    "mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",  # the driver does, having counted
    "yarn.client.nodemanager-connect.max-wait-ms": 3000,
    "yarn.client.nodemanager-connect.retry-interval-ms": 1000,
    "ipc.client.connect.max.retries": 3,
    # Streaming puts every property into the environment, which has room for 128 kB of one.
    "stream.jobconf.truncate.limit": 20000,
}

_LOSING = ("mapreduce.map.failures.maxpercent", "mapred.max.map.failures.percent")


def check_properties(properties: Mapping[str, str]) -> None:
    """Raise ValueError for properties with which images would vanish unsaid.

    Parameters
    ----------
    properties : dict of str to str
        As given with -D.
    """
    for name in _LOSING:
        if properties.get(name, "0") != "0":
            raise ValueError(f"-D {name} drops whole tasks and says nothing of their images; "
                             "--max-failures allows images to fail")
    for name, what in ((MAPS, "tasks"), (MAP_MEMORY, "megabytes"), (MAP_CORES, "cores")):
        value = str(properties.get(name, 1))
        if not value.isdecimal() or int(value) < 1:
            raise ValueError(f"-D {name}={value}: it is a number of {what}")
