"""Files of HDFS through its web servers: webhdfs:// and swebhdfs://."""

import os
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from urllib3.exceptions import HTTPError

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.storage import connections
from mr_extract.storage.faults import Passing, retried
from mr_extract.storage.found import Found
from mr_extract.storage.hadoop.paths import is_hidden, place_of, unfinished, uri_of, version_of
from mr_extract.storage.transfer import CHANGED, Answer, collected, nothing
from mr_extract.storage.webhdfs.client import DataNodes, ask


def read(uri: str) -> bytes:
    """Return all bytes of a file, as `mr_extract.storage.read` does."""
    return collected(partial(_open, uri, DataNodes(uri)))[0]


def read_range(uri: str, offset: int, size: int, version: str = "") -> tuple[bytes, str]:
    """Return a part of a file and its version, as `mr_extract.storage.read_range` does."""
    data, version = collected(partial(_open, uri, DataNodes(uri)), offset, max(size, 1), version)
    return data[:size], version


def stat(uri: str) -> Found:
    """Return what is known of a file, as `mr_extract.storage.stat` does."""
    return _found(uri, _tried(partial(_status, uri)))


def list_files(uri: str) -> Iterator[Found]:
    """Yield the files below a folder, as `mr_extract.storage.list_files` does.

    Hidden is the same as for hdfs://.
    """
    status = _tried(partial(_any_status, uri))
    if status["type"] != "DIRECTORY":
        yield _found(uri, status)
        return
    folders = [place_of(uri)[2]]
    while folders:
        folder = folders.pop()
        for status in _entries(uri, folder):
            path = f"{folder.rstrip('/')}/{status['pathSuffix']}"
            if is_hidden(status["pathSuffix"]):
                continue
            if status["type"] == "DIRECTORY":
                folders.append(path)
            else:
                yield _found(uri_of(uri, path), status)


def write(uri: str, source: BinaryIO, aside: str = "") -> None:
    """Write a file whole, as `mr_extract.storage.write` does; folders are made.

    Block size and replication are the cluster's defaults.
    """
    _tried(partial(_write, uri, DataNodes(uri), source, aside))


def make_folder(uri: str) -> None:
    """Make a folder, as `mr_extract.storage.make_folder` does."""
    path = place_of(uri)[2]
    for folder, permission in ((path.rpartition("/")[0] or "/", "755"), (path, "700")):
        _tried(partial(ask, "PUT", uri, "MKDIRS", folder, permission=permission))


def remove_folder(uri: str) -> None:
    """Remove a folder, as `mr_extract.storage.remove_folder` does."""
    _tried(partial(ask, "DELETE", uri, "DELETE", recursive="true"))


def _tried(act):
    return retried(act, storage.access().fetch_budget)


def _any_status(uri):
    return ask("GET", uri, "GETFILESTATUS", wanted="FileStatus")


def _status(uri):
    status = _any_status(uri)
    if status["type"] == "DIRECTORY":
        raise ImageFailure("fetch-not-a-file", "it is a folder")
    return status


def _open(uri, nodes, offset, size, version):
    status = _status(uri)
    now, total = _version(status), status["length"]
    if version not in ("", now):
        raise ImageFailure("fetch-changed", CHANGED)
    end = total if size is None else min(offset + size, total)
    if offset >= end:
        return nothing(offset, total, now)
    response = nodes.request("GET", "OPEN", offset=offset, length=end - offset)
    try:
        # A whole file is of one state whatever happens; a part must be of the one it is said to be.
        if (offset, end) != (0, total) and _version(_status(uri)) != now:
            raise Passing("fetch-changed", CHANGED)
    except BaseException:
        response.close()
        raise
    return Answer(partial(_take, response), response.close, offset, end, total, now, True)


def _take(response, most):
    try:
        return response.read1(most)
    except HTTPError as error:
        raise connections.named(error) from error


def _entries(uri, folder):
    after = {}
    while True:
        listing = _tried(partial(
            ask, "GET", uri, "LISTSTATUS_BATCH", folder, "DirectoryListing", **after))
        statuses = listing["partialListing"]["FileStatuses"]["FileStatus"]
        yield from statuses
        if not listing["remainingEntries"]:
            return
        after = {"startAfter": statuses[-1]["pathSuffix"]}


def _write(uri, nodes, source, aside):
    path = place_of(uri)[2]
    _refuse_folder(uri)
    growing = unfinished(path, aside)
    headers = {"Content-Type": "application/octet-stream",
               "Content-Length": str(source.seek(0, os.SEEK_END))}
    source.seek(0)
    try:
        nodes.request("PUT", "CREATE", growing, headers, source, overwrite="true").close()
        answer = ask("PUT", uri, "RENAME", growing, destination=path, renameoptions="OVERWRITE")
        if answer and not answer.get("boolean"):
            raise ImageFailure("fetch-failed", "HDFS did not give the file its name")
    except BaseException:
        _remove(uri, growing)
        raise


def _refuse_folder(uri):
    try:
        _status(uri)
    except ImageFailure as failure:
        if failure.kind != "fetch-not-found":
            raise


def _remove(uri, path):
    try:
        ask("DELETE", uri, "DELETE", path)
    except (ImageFailure, Passing):
        return  # what failed before is what is told


def _found(uri, status):
    return Found(uri, status["length"], status["modificationTime"] / 1000, _version(status))


def _version(status):
    return version_of(status["modificationTime"], status["length"])
