"""What YARN tells over HTTP of a job that runs: its counters, and the last words of a task.

All of it is for people. Where a cluster is closed to us, as with Kerberos, there is less to
show and nothing fails.
"""

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException

_TIMEOUT = 10.0  # seconds
_MOST = 4096  # bytes of a log
ENDED = ("FINISHED", "FAILED", "KILLED")


class JobTold:
    """Ask the ApplicationMaster of a job, through the proxy of the ResourceManager.

    Parameters
    ----------
    url : str
        Where the job is tracked, as Hadoop prints it.
    job : str
        As ``job_1795594500715_0005``.
    """

    def __init__(self, url: str, job: str) -> None:
        self._job = f"{url.rstrip('/')}/ws/v1/mapreduce/jobs/{job}"

    def counters(self) -> dict[str, dict[str, int]]:
        """Return the counters so far by group and name; empty when nobody tells."""
        try:
            told = _json(f"{self._job}/counters")["jobCounters"].get("counterGroup", [])
        except (OSError, ValueError, KeyError):
            return {}
        return {
            group["counterGroupName"]: {
                counter["name"]: counter["totalCounterValue"] for counter in group["counter"]}
            for group in told
        }

    def last_words(self, attempt: str) -> str:
        """Return the last line that an attempt wrote to standard error; empty if unknown."""
        task = re.sub(r"^attempt_(.+)_\d+$", r"task_\1", attempt)
        try:
            told = _json(f"{self._job}/tasks/{task}/attempts/{attempt}")["taskAttempt"]
            log = (f"http://{told['nodeHttpAddress']}/ws/v1/node/containerlogs/"
                   f"{told['assignedContainerId']}/stderr?size=-{_MOST}")
            lines = _get(log, "text/plain").decode(errors="replace").splitlines()
        except (OSError, ValueError, KeyError):
            return ""
        lines = [line.strip() for line in lines]
        return next((line for line in reversed(lines) if line and not _is_frame(line)), "")


def resource_managers(properties: Mapping[str, str]) -> list[str]:
    """Return the URLs of the ResourceManagers that a configuration names.

    Parameters
    ----------
    properties : dict of str to str
        Of Hadoop.

    Returns
    -------
    list of str
        Empty when it names none.
    """
    secure = properties.get("yarn.http.policy") == "HTTPS_ONLY"
    kind, port = ("webapp.https", 8090) if secure else ("webapp", 8088)
    names = properties.get("yarn.resourcemanager.ha.rm-ids", "")
    urls = []
    for name in [f".{name.strip()}" for name in names.split(",")] if names else [""]:
        host = properties.get(f"yarn.resourcemanager.hostname{name}")
        place = properties.get(f"yarn.resourcemanager.{kind}.address{name}", "")
        if host:
            place = place.replace("${yarn.resourcemanager.hostname}", host) or f"{host}:{port}"
        if place and "${" not in place:
            urls.append(f"{'https' if secure else 'http'}://{place}")
    return urls


def cluster_metrics(url: str) -> dict[str, int] | None:
    """Return what a ResourceManager says of its cluster, None when it does not.

    Parameters
    ----------
    url : str
        Of the ResourceManager.

    Returns
    -------
    dict of str to int or None
        ``totalMB`` and ``totalVirtualCores``.
    """
    try:
        told = _json(f"{url}/ws/v1/cluster/metrics")["clusterMetrics"]
        return {name: int(told[name]) for name in ("totalMB", "totalVirtualCores")}
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return None


def states_of(url: str, tag: str) -> list[str] | None:
    """Return the states of the applications with a tag, None when a ResourceManager is silent.

    Parameters
    ----------
    url : str
        Of the ResourceManager.
    tag : str
        One of ``mapreduce.job.tags``.

    Returns
    -------
    list of str or None
        As ``RUNNING``; an application that has ended is in one of `ENDED`.
    """
    asked = urllib.parse.urlencode({"applicationTags": tag.lower()})  # as YARN keeps them
    try:
        told = _json(f"{url}/ws/v1/cluster/apps?{asked}")["apps"] or {"app": []}
        return [str(one["state"]) for one in told["app"]]
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return None


def _is_frame(line):
    """Tell whether a line is of what surrounds a log, or of Java's own words."""
    return bool(re.match(r"\*+$|End of LogType|log4j:|SLF4J|reporter:|WARNING:", line))


def _json(url):
    return json.loads(_get(url, "application/json"))


def _get(url, kind):
    request = urllib.request.Request(url, headers={"Accept": kind})
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
        return answer.read()
