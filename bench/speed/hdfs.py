"""What a frame costs from HDFS, of which one is started on this machine."""

import argparse
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter, process_time

from bench.report import Section, give, middle, milliseconds, ratio, takes_output

SIZE = 6 << 20  # bytes, as a frame of SDSS
FILES = 16


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m bench hdfs", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, metavar="N",
                        help=f"rounds of {FILES} files")
    takes_output(parser)
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("needs at least 1 round")
    from myhadoop.local import LocalCluster

    with tempfile.TemporaryDirectory(prefix="bench-hdfs-") as folder:
        cluster = LocalCluster(Path(folder) / "hadoop")
        try:
            cluster.start("hdfs")
            give([measure(cluster, Path(folder), options.rounds)], options.output)
        finally:
            cluster.stop()


def measure(cluster, folder, rounds):
    """Return the section on reading from HDFS.

    Parameters
    ----------
    cluster : myhadoop.local.LocalCluster
        Whose file system runs.
    folder : Path
        On a local disk, for the same files.
    rounds : int
    """
    places = _written(cluster, folder)
    section = Section(
        "HDFS",
        f"{FILES} files of {SIZE / 1e6:.1f} MB, in the page cache of a machine that runs NameNode, "
        f"{len(cluster.workers)} DataNodes and the reader; one way to read them after the other, "
        f"{rounds} rounds. Milliseconds a file, medians; CPU of the reading process alone.",
        ("", "wall", "CPU", "wall, 4 threads", "wall to hdfs-native", "CPU to hdfs-native"),
    )
    ways = _ways(cluster, places)
    took = {(name, what): [] for name in ways for what in ("wall", "cpu", "threads")}
    with ThreadPoolExecutor(4) as pool:
        for read in ways.values():
            _check(pool.map(read, range(FILES)))  # connections, imports
        for _ in range(rounds):
            for name, read in ways.items():
                began, cpu = perf_counter(), process_time()
                _check(map(read, range(FILES)))
                took[name, "wall"].append((perf_counter() - began) / FILES)
                took[name, "cpu"].append((process_time() - cpu) / FILES)
                began = perf_counter()
                _check(pool.map(read, range(FILES)))
                took[name, "threads"].append((perf_counter() - began) / FILES)
    for name in ways:
        wall, wall_text = ratio(took[name, "wall"], took["hdfs-native", "wall"])
        _, cpu_text = ratio(took[name, "cpu"], took["hdfs-native", "cpu"])
        section.add(name, *(milliseconds(middle(took[name, what]))
                            for what in ("wall", "cpu", "threads")), wall_text, cpu_text)
        section.note(f"{name} to hdfs-native", wall)
    section.add("`hadoop fs -cat`", milliseconds(_by_java(cluster)), "-", "-", "-", "-")
    return section


def _written(cluster, folder):
    from mr_extract import storage

    web = cluster.webhdfs.replace("http", "webhdfs")
    for number in range(FILES):
        path = folder / f"{number}.bytes"
        path.write_bytes(os.urandom(SIZE))
        with open(path, "rb") as file:
            storage.write(f"{cluster.filesystem}/bench/{number}.bytes", file)
    return {"disk": str(folder), "hdfs://": f"{cluster.filesystem}/bench", "webhdfs://":
            f"{web}/bench"}


def _ways(cluster, places):
    import hdfs_native

    from mr_extract import storage

    client = hdfs_native.Client(cluster.filesystem)
    ways = {"hdfs-native": lambda number: client.read(f"/bench/{number}.bytes").read()}
    for name, place in places.items():
        ways[name] = lambda number, place=place: storage.read(f"{place}/{number}.bytes")
    return ways


def _check(read):
    for data in read:
        if len(data) != SIZE:
            raise RuntimeError(f"{len(data)} bytes of {SIZE} were read")


def _by_java(cluster):
    took = []
    for number in range(3):
        began = perf_counter()
        done = subprocess.run([cluster.hadoop_bin, "fs", "-cat", f"/bench/{number}.bytes"],
                              capture_output=True, check=True,
                              env={**os.environ, **cluster.environment})
        _check([done.stdout])
        took.append(perf_counter() - began)
    return middle(took)
