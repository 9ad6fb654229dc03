"""What a Hadoop job is told unless the user says otherwise with -D."""

MAPS = "mapreduce.job.maps"
REDUCES = "mapreduce.job.reduces"
COMMITTER = "mapreduce.fileoutputcommitter.algorithm.version"

_MEGABYTE = 1 << 20
_TASKS_AIMED_AT = 512
_SMALLEST_SHARE, _LARGEST_SHARE = 256 * _MEGABYTE, 2048 * _MEGABYTE  # bytes of images in a task
_UNKNOWN_SIZE = 8 * _MEGABYTE
_MAPS_PER_REDUCE, _MOST_REDUCES = 16, 128

#: A shard is a file, and never split. What a lost node costs is bounded: unless told so, an
#: ApplicationMaster asks a dead NodeManager for three minutes, and may end the job over it.
DEFAULTS = {
    "mapreduce.input.fileinputformat.split.minsize": 1 << 40,
    "mapreduce.map.memory.mb": 2048,
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


def check(properties):
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
    maps = str(properties.get(MAPS, 1))
    if not maps.isdecimal() or int(maps) < 1:
        raise ValueError(f"-D {MAPS}={maps}: it is a number of tasks")


def number_of_tasks(entries, properties):
    """Return how many map tasks a job should have.

    A task takes some seconds to start, so it gets images of a quarter of a gigabyte at
    least, and of two at most, so that what a lost node takes with it is little.

    Parameters
    ----------
    entries : iterable of mr_extract.text.manifest.Entry
    properties : dict of str to str
        ``mapreduce.job.maps`` among them stands above all.
    """
    if MAPS in properties:
        return int(properties[MAPS])
    total = sum(int(entry.get("bytes") or _UNKNOWN_SIZE) for entry in entries)
    share = min(max(total / _TASKS_AIMED_AT, _SMALLEST_SHARE), _LARGEST_SHARE)
    return max(1, round(total / share))


def number_of_reduces(maps):
    """Return how many reduce tasks a job of so many map tasks should have."""
    return min(_MOST_REDUCES, -(-maps // _MAPS_PER_REDUCE))
