"""Whether daemons serve, as they tell over HTTP."""

import http.client
import json
from collections.abc import Callable
from typing import Any

#: The web page of each kind of daemon, by property.
PAGES = {
    "namenode": "dfs.namenode.http-address",
    "datanode": "dfs.datanode.http.address",
    "resourcemanager": "yarn.resourcemanager.webapp.address",
    "nodemanager": "yarn.nodemanager.webapp.address",
    "historyserver": "mapreduce.jobhistory.webapp.address",
}


def ask(url: str, method: str = "GET", body: object = None) -> Any:
    """Return what a daemon answers as an object, None when it does not answer.

    Parameters
    ----------
    url, method : str
    body : object, optional
        Sent as JSON.
    """
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=5)
    try:
        kind = "application/json"
        connection.request(method, f"/{path}", None if body is None else json.dumps(body),
                           {"Accept": kind, "Content-Type": kind})
        answer = connection.getresponse()
        return json.loads(answer.read()) if answer.status in (200, 202) else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def hdfs_is_ready(namenode: str, workers: int, ask: Callable[[str], Any] = ask) -> bool:
    """Tell whether a NameNode (URL) takes writes and has so many DataNodes."""
    answer = ask(f"{namenode}/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState")
    state = answer["beans"][0] if answer and answer["beans"] else {}
    return state.get("FSState") == "Operational" and state.get("NumLiveDataNodes") == workers


def yarn_is_ready(resourcemanager: str, historyserver: str, workers: int,
                  ask: Callable[[str], Any] = ask) -> bool:
    """Tell whether a ResourceManager has so many NodeManagers, and the JobHistoryServer answers."""
    answer = ask(f"{resourcemanager}/ws/v1/cluster/metrics")
    return (answer is not None and answer["clusterMetrics"]["activeNodes"] == workers
            and ask(f"{historyserver}/ws/v1/history/info") is not None)


def serves(kind: str, url: str) -> bool:
    """Tell whether a daemon answers, and a DataNode has found its NameNode."""
    if kind != "datanode":
        return ask(f"{url}/jmx") is not None
    answer = ask(f"{url}/jmx?qry=Hadoop:service=DataNode,name=DataNodeInfo")
    beans = answer["beans"] if answer else []
    actors = json.loads(beans[0].get("BPServiceActorInfo") or "[]") if beans else []
    return bool(actors) and all(actor["ActorState"] == "RUNNING" for actor in actors)
