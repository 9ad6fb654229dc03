"""Files of HDFS by its own protocol: hdfs:// and viewfs://, without Java."""

import os
from collections.abc import Iterator
from functools import partial
from itertools import islice
from shutil import copyfileobj
from typing import BinaryIO

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.storage.faults import Passing, retried
from mr_extract.storage.found import Found
from mr_extract.storage.hadoop.paths import is_hidden, place_of, unfinished, uri_of, version_of
from mr_extract.storage.hdfs.client import client_of

_BATCH = 1000  # what a NameNode lists in one answer
_PIECE = 4 << 20
_WRITE_LIMIT = 90.0  # seconds; hdfs-native gives a DataNode 60 to say that it has a packet


def read(uri: str) -> bytes:
    """Return all bytes of a file, as `mr_extract.storage.read` does."""
    return _tried(uri, _whole)


def read_range(uri: str, offset: int, size: int, version: str = "") -> tuple[bytes, str]:
    """Return a part of a file and its version, as `mr_extract.storage.read_range` does."""
    return _tried(uri, partial(_part, offset=offset, size=size, version=version))


def stat(uri: str) -> Found:
    """Return what is known of a file, as `mr_extract.storage.stat` does."""
    return _found(uri, _tried(uri, _status))


def list_files(uri: str) -> Iterator[Found]:
    """Yield the files below a folder, as `mr_extract.storage.list_files` does.

    Hidden is what Hadoop's own jobs leave out: names that begin with ``.`` or ``_``; and
    what ``hadoop fs -put`` has not finished (``._COPYING_``).
    """
    status = _tried(uri, lambda client, path: client.call("get_file_info", path))
    if not status.isdir:
        yield _found(uri, status)
        return
    folders = [place_of(uri)[2]]
    while folders:
        listing = _Listing(folders.pop())
        while batch := _tried(uri, listing.next_batch):
            for status in batch:
                if is_hidden(status.path.rpartition("/")[2]):
                    continue
                if status.isdir:
                    folders.append(status.path)
                else:
                    yield _found(uri_of(uri, status.path), status)


def write(uri: str, source: BinaryIO, aside: str = "") -> None:
    """Write a file whole, as `mr_extract.storage.write` does; folders are made.

    Block size and replication are the cluster's defaults.
    """
    _tried(uri, partial(_write, source=source, aside=aside))


def make_folder(uri: str) -> None:
    """Make a folder, as `mr_extract.storage.make_folder` does."""
    def make(client, path):
        client.call("mkdirs", path.rpartition("/")[0] or "/", 0o755, True)
        client.call("mkdirs", path, 0o700, True)

    _tried(uri, make)


def remove_folder(uri: str) -> None:
    """Remove a folder, as `mr_extract.storage.remove_folder` does."""
    _tried(uri, lambda client, path: client.call("delete", path, True))


def _tried(uri, act):
    """Return what ``act(client, path)`` does, tried again while it fails for what may pass."""
    scheme, authority, path = place_of(uri)

    def attempt():
        with client_of(scheme, authority) as client:
            return act(client, path)

    return retried(attempt, storage.access().fetch_budget)


def _status(client, path):
    return _of_file(client.call("get_file_info", path))


def _of_file(status):
    if status.isdir:
        raise ImageFailure("fetch-not-a-file", "it is a folder")
    return status


def _opened(client, path):
    """Return the status of a file and a reader of it, of the same length."""
    status, reader = client.opened(path)
    _of_file(status)
    if len(reader) != status.length:
        raise Passing("fetch-changed", "the file changed while it was opened")
    return status, reader


def _whole(client, path):
    # The reader holds on to the blocks of one state of the file.
    status, reader = _opened(client, path)
    return client.bytes_of(reader, status.replication, 0, status.length)


def _part(client, path, offset, size, version):
    status, reader = _opened(client, path)
    now = _version(status)
    if version not in ("", now):
        raise ImageFailure("fetch-changed", "the file changed while it was read")
    size = max(0, min(size, status.length - offset))
    data = client.bytes_of(reader, status.replication, offset, size)
    # The reader does not say which state of the file it has: that before, if it is still that.
    if _version(_status(client, path)) != now:
        raise Passing("fetch-changed", "the file changed while it was read")
    return data, now


class _Listing:
    """A folder in batches, from where it broke off when it is listed anew."""

    def __init__(self, folder):
        self._folder, self._iterator, self._last = folder, None, b""

    def next_batch(self, client, _):
        """Return the next statuses; none at the end."""
        if self._iterator is None:
            # A NameNode lists by the bytes of the names.
            statuses = client.call("list_status", self._folder)
            self._iterator = (s for s in statuses if os.fsencode(s.path) > self._last)
        try:
            batch = client.limited(lambda: list(islice(self._iterator, _BATCH)))
        except Passing:
            self._iterator = None
            raise
        if batch:
            self._last = os.fsencode(batch[-1].path)
        return batch


def _write(client, path, source, aside):
    _refuse_folder(client, path)
    growing = unfinished(path, aside)
    source.seek(0)
    try:
        writer = client.call("create", growing)
        copyfileobj(source, _Limited(client, writer), _PIECE)
        client.limited(writer.close, limit=_WRITE_LIMIT)
        client.call("rename", growing, path, True)
    except BaseException:
        _remove(client, growing)
        raise


class _Limited:
    """A writer that does not wait for ever."""

    def __init__(self, client, writer):
        self._client, self._writer = client, writer

    def write(self, data):
        """Write some bytes."""
        self._client.limited(self._writer.write, data, limit=_WRITE_LIMIT)


def _refuse_folder(client, path):
    try:
        _status(client, path)
    except ImageFailure as failure:
        if failure.kind != "fetch-not-found":
            raise


def _remove(client, path):
    try:
        client.call("delete", path)
    except (ImageFailure, Passing):
        return  # what failed before is what is told


def _found(uri, status):
    return Found(uri, status.length, status.modification_time / 1000, _version(status))


def _version(status):
    return version_of(status.modification_time, status.length)
