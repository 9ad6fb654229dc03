"""On which hosts the blocks of a file of HDFS are, as its NameNode tells by WebHDFS."""

from collections import Counter
from functools import partial
from urllib.parse import urlsplit

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.storage.faults import retried
from mr_extract.storage.hadoop import configuration as hadoop_configuration
from mr_extract.storage.hadoop.paths import place_of
from mr_extract.storage.webhdfs.client import WEB, ask

_RPC = "dfs.namenode.rpc-address"
#: Schemes of files that have hosts.
SCHEMES = ("hdfs", *WEB)


def hosts_of(uri: str) -> tuple[str, ...]:
    """Return the hosts that hold most of a file.

    hdfs-native does not tell, so the web server of the NameNode is asked for hdfs:// too: that
    which Hadoop's configuration names, else the usual port of the same host.

    Parameters
    ----------
    uri : str
        hdfs://, webhdfs:// or swebhdfs://.

    Returns
    -------
    tuple of str
        Sorted names, all with the same number of bytes; none for a file without bytes, or
        of which no replica is left.

    Raises
    ------
    ImageFailure
        As `mr_extract.storage.stat` does.
    """
    asked = partial(ask, "GET", _web_uri(uri), "GETFILEBLOCKLOCATIONS", wanted="BlockLocations")
    bytes_on: Counter[str] = Counter()
    for block in retried(asked, storage.access().fetch_budget)["BlockLocation"]:
        for host in set(block["hosts"]):
            bytes_on[host] += block["length"]
    most = max(bytes_on.values(), default=0)
    return tuple(sorted(host for host, held in bytes_on.items() if held == most))


def _web_uri(uri):
    scheme, authority, path = place_of(uri)
    if scheme != "hdfs":
        return uri
    found = hadoop_configuration.properties()
    authority = authority or urlsplit(found.get("fs.defaultFS", "")).netloc
    if not authority:
        raise ImageFailure("fetch-failed", "Hadoop's configuration names no file system")
    scheme = "swebhdfs" if found.get("dfs.http.policy") == "HTTPS_ONLY" else "webhdfs"
    if authority not in hadoop_configuration.namenodes(found):
        _, key, _ = WEB[scheme]
        authority = _web_authority(authority, found, key)
    return f"{scheme}://{authority}{path}"


def _web_authority(authority, found, key):
    """Return the web address of one NameNode, without a port where that is the usual one."""
    host = authority.partition(":")[0]
    # One of several name services has its name behind the keys.
    service = next((name.removeprefix(_RPC) for name, value in found.items()
                    if name.startswith(_RPC) and value == authority), "")
    its_own = service or authority == urlsplit(found.get("fs.defaultFS", "")).netloc
    address = found.get(key + service, "") if its_own else ""
    bound, _, port = address.rpartition(":")
    if not bound:
        return host
    return f"{host if bound == '0.0.0.0' else bound}:{port}"
