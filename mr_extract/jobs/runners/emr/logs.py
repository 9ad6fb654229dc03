"""What EMR brings to S3 of a cluster's logs: late, and at the latest when the cluster has ended."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.runners.hadoop.progress import root_cause
from mr_extract.jobs.task.environment import advice

_BOOTSTRAP = re.compile(r"\(?(i-\w+)\)?.*bootstrap action (\d+)|bootstrap action (\d+).*(i-\w+)")
_ATTEMPT = re.compile(
    r"Task Id *: (attempt_\w+), Status *: FAILED\n((?:(?!\d\d[\d/-]+[ T]).*\n?)*)")
_TRACED = re.compile(r"^\s*(?:\+|at ).*")


def read_log(uri: str) -> str:
    """Return the text of a log, unpacked; empty where there is none yet.

    Parameters
    ----------
    uri : str

    Raises
    ------
    mr_extract.failures.ImageFailure
        When the bucket cannot be read.
    """
    try:
        content = storage.read(uri)
    except ImageFailure as failure:
        if failure.kind == "fetch-not-found":
            return ""
        raise
    try:
        content = gzip.decompress(content) if uri.endswith(".gz") else content
    except (OSError, EOFError, zlib.error):
        return ""  # it is being written
    return content.decode(errors="replace")


def logs_below(folder: str) -> Iterator[str]:
    """Yield the URIs of logs below a folder; none where there are none yet."""
    try:
        for found in storage.list_files(folder):
            yield found.uri
    except ImageFailure as failure:
        if failure.kind != "fetch-not-found":
            raise


def bootstrap_log(folder: str, reason: str) -> str | None:
    """Return the URI of the log of the bootstrap action that failed, as EMR's reason names it.

    Parameters
    ----------
    folder : str
        Of the cluster's logs.
    reason : str

    Returns
    -------
    str or None
        None where the reason is another.
    """
    found = _BOOTSTRAP.search(reason)
    if not found:
        return None
    node, number = found[1] or found[4], found[2] or found[3]
    return f"{folder}node/{node}/bootstrap-actions/{number}/stderr.gz"


def last_words(log: str) -> str:
    """Return the last line of a log that is a sentence of its own; empty for none."""
    lines = [line.strip() for line in log.splitlines()
             if line.strip() and not _TRACED.match(line)]
    return lines[-1] if lines else ""


def syslog_of(folder: str, step: str) -> str:
    """Return the URI of what the command ``hadoop jar`` said in a step."""
    return f"{folder}steps/{step}/syslog.gz"


def cause_of_step(folder: str, step: str) -> str:
    """Return why a step failed, in a line; empty where its logs do not tell.

    Parameters
    ----------
    folder : str
        Of the cluster's logs.
    step : str
    """
    told = ""
    for attempt, trace in _ATTEMPT.findall(read_log(syslog_of(folder, step))):
        told = f"{attempt}: {root_cause(trace)}"
    for uri in logs_below(f"{folder}containers/"):
        if uri.endswith(("/stderr.gz", "/stderr")):
            words = read_log(uri)
            if found := advice(words):
                return found
            if last := last_words(words):
                return f"{told or 'a task'}, whose last words were: {last}"
    return told
