"""Packed records on HDFS, dealt to tasks by the hosts that hold them.

Spark sends a task where its data are, if it is told; the tasks fetch the records themselves, as
through Java each would be copied four times. Records of other places, and files that are not
packed, are as near to one host as to another.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from pyspark import RDD
from pyspark.serializers import UTF8Deserializer

from mr_extract.packed.index import parse_place
from mr_extract.text.balance import LeastFull

_PACKED = re.compile(rb"\tpacked=([^\t\n]+)")
_WITH_HOSTS = re.compile(rb"\tpacked=(?:hdfs|viewfs)://")
_WAIT, _OURS = "spark.locality.wait", "0"
_PATIENCE = "3s"  # Spark's default: for a host that has the data


def near_data(context: Any, lines: RDD) -> RDD:
    """Return the lines, in partitions that are near to hosts where these have any.

    Parameters
    ----------
    context : pyspark.SparkContext
    lines : pyspark.RDD of bytes

    Returns
    -------
    pyspark.RDD of bytes
    """
    found = lines.collect()
    if not found or not _WITH_HOSTS.search(found[0]):
        return lines
    dealt = dealt_by_host(found, Blocks(context).hosts, lines.getNumPartitions())
    settings = context._jsc.sc().conf()
    if settings.get(_WAIT, "") == _OURS:
        settings.set(_WAIT, _PATIENCE)
    java = context._jvm
    pairs = [java.scala.Tuple2(b"\n".join(some).decode(), java.PythonUtils.toSeq(hosts))
             for some, hosts in dealt]
    of_text = getattr(getattr(java.scala.reflect, "ClassTag$"), "MODULE$").apply(
        java.java.lang.Class.forName("java.lang.String"))
    made = context._jsc.sc().makeRDD(java.PythonUtils.toSeq(pairs), of_text).toJavaRDD()
    texts: RDD = RDD(made, context, UTF8Deserializer(False))
    return texts.flatMap(bytes.splitlines, preservesPartitioning=True)


class Blocks:
    """Which hosts hold a part of a file of HDFS, asked once for each file."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._of_file: dict[str, list[tuple[int, int, list[str]]]] = {}

    def hosts(self, uri: str, offset: int, size: int) -> list[str]:
        """Return the hosts of the block in which the middle of a part lies."""
        if uri not in self._of_file:
            path = self._context._jvm.org.apache.hadoop.fs.Path(uri)
            files = path.getFileSystem(self._context._jsc.hadoopConfiguration())
            status = files.getFileStatus(path)
            self._of_file[uri] = [
                (one.getOffset(), one.getOffset() + one.getLength(), list(one.getHosts()))
                for one in files.getFileBlockLocations(status, 0, status.getLen())]
        middle = offset + size // 2
        return next((hosts for start, stop, hosts in self._of_file[uri] if start <= middle < stop),
                    [])


def dealt_by_host(lines: Iterable[bytes], hosts_of: Callable[[str, int, int], list[str]],
                  number: int) -> list[tuple[list[bytes], list[str]]]:
    """Return lines in parts of about equal bytes, each with the host that holds its records.

    Parameters
    ----------
    lines : iterable of bytes
        With the field ``packed``; those of one record stay together.
    hosts_of : callable
        Takes file, offset and size of a record.
    number : int
        Of parts, more or less.

    Returns
    -------
    list of (list of bytes, list of str)
        No host for records that none holds.
    """
    records: dict[bytes, list[bytes]] = defaultdict(list)
    for line in lines:
        found = _PACKED.search(line)
        records[found[1] if found else line].append(line)
    placed = []
    for place, some in records.items():
        uri, offset, size = parse_place(place.decode())
        placed.append((size, hosts_of(uri, offset, size), some))
    placed.sort(key=lambda one: -one[0])
    loads: dict[str, int] = defaultdict(int)
    of_host: dict[str, list[tuple[int, list[bytes]]]] = defaultdict(list)
    for size, hosts, some in placed:
        host = min(hosts or [""], key=loads.__getitem__)
        loads[host] += size
        of_host[host].append((size, some))
    share = sum(loads.values()) / max(1, number)
    dealt = []
    for host, held in sorted(of_host.items()):
        parts: list[list[bytes]] = [[] for _ in range(
            min(len(held), max(1, round(loads[host] / share))))]
        least_full = LeastFull(len(parts))
        for size, some in held:
            parts[least_full.shard_for(size)] += some
        dealt += [(part, [host] if host else []) for part in parts]
    return dealt
