"""The folder of a job, on HDFS, S3 or a disk: written and read as images are, without Java.

For what our storage cannot do (other file systems, HDFS without hdfs-native) there is the
command ``hadoop``, where it is.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.runners.hadoop.output import BrokenOff, streamed

_AT_ONCE = 8
_PIECE = 8 << 20  # bytes


def is_ours(uri: str) -> bool:
    """Tell whether our storage writes and reads a place."""
    if storage.SCHEMES.get(storage.scheme(uri)) == "hdfs" and find_spec("hdfs_native") is None:
        return False
    return storage.scheme(uri) in storage.WRITTEN


def is_bucket(uri: str) -> bool:
    """Tell whether a place is in a bucket of S3."""
    return storage.SCHEMES.get(storage.scheme(uri)) == "s3"


def for_java(uri: str) -> str:
    """Return a place as Hadoop's classes take it: no path alone, no %20, S3 by one name."""
    if is_bucket(uri):
        return f"s3a://{uri.partition('://')[2]}"
    return f"file:{storage.local.path_of(uri)}" if storage.is_local(uri) else uri


class Folder:
    """A folder of a job.

    Parameters
    ----------
    uri : str
    hadoop : sequence of str
        The command ``hadoop``, for what our storage cannot do; empty where there is none.
    """

    def __init__(self, uri: str, hadoop: Sequence[str] = ()) -> None:
        self.uri, self._hadoop = uri.rstrip("/"), list(hadoop)
        self._ours = is_ours(uri)

    def __truediv__(self, name: str) -> Folder:
        return Folder(f"{self.uri}/{name}", self._hadoop)

    def make(self) -> None:
        """Make it, so that nobody else may enter.

        Raises
        ------
        OSError
            When it cannot be written; and so for the other methods.
        """
        if self._ours:
            self._stored(storage.make_folder, self.uri)
        else:
            self._asked("-D", "fs.permissions.umask-mode=077", "-mkdir", "-p", self.uri)

    def put(self, files: Mapping[str, str]) -> None:
        """Write files: names in the folder to paths of this machine."""
        if not self._ours:
            for name, path in files.items():
                self._asked("-put", "-f", path, f"{self.uri}/{name}")
            return

        def bring(name, path):
            with open(path, "rb") as file:
                storage.write(f"{self.uri}/{name}", file)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for done in [pool.submit(bring, *one) for one in files.items()]:
                self._stored(done.result)

    def put_folder(self, name: str, path: str) -> None:
        """Write all files of a folder of this machine to a folder of that name."""
        if self._ours:
            (self / name).put({one.name: one.path for one in os.scandir(path) if one.is_file()})
        else:
            self._asked("-put", path, f"{self.uri}/{name}")

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file, None where it is not there."""
        if not self._ours:
            done = self._run("-cat", f"{self.uri}/{name}")
            return done.stdout if done.returncode == 0 else None
        try:
            return storage.read(f"{self.uri}/{name}")
        except ImageFailure as failure:
            if failure.kind == "fetch-not-found":
                return None
            raise OSError(f"{self.uri}/{name}: {failure.message}") from failure

    def read_below(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of the files of a name in each folder of this one."""
        if not self._ours:
            if self._run("-test", "-e", f"{self.uri}/*/{name}").returncode == 0:
                yield from b"".join(streamed(self._hadoop, f"{self.uri}/*/{name}")).splitlines()
            return
        for found in self._stored(self._found, f"/{name}", 2 + name.count("/")):
            yield self._stored(storage.read, found.uri)

    def parts(self) -> Iterator[bytes]:
        """Yield the bytes of all parts that tasks have written, whole files one after the other.

        Raises
        ------
        BrokenOff
            When one cannot be read to its end.
        """
        if not self._ours:
            if self._run("-test", "-e", f"{self.uri}/part-*").returncode == 0:
                yield from streamed(self._hadoop, f"{self.uri}/part-*")
            return
        try:
            for found in self._found("/part-", 1):
                yield from _pieces(found)
        except ImageFailure as failure:
            raise BrokenOff(f"reading {self.uri} broke off: {failure.message}") from failure

    def remove(self) -> None:
        """Remove it with all that is in it."""
        if self._ours:
            self._stored(storage.remove_folder, self.uri)
        else:
            self._asked("-rm", "-r", "-f", "-skipTrash", self.uri)

    def _found(self, words, depth):
        """Return files, so many folders below, in whose last names stand the words."""
        # Below `parts` may be what attempts of tasks have not finished.
        depth += self.uri.count("/")
        try:
            return sorted((found for found in storage.list_files(self.uri)
                           if found.uri.count("/") == depth
                           and words in "/" + found.uri.split("/", depth - 1)[-1]),
                          key=lambda found: found.uri)
        except ImageFailure as failure:
            if failure.kind == "fetch-not-found":
                return []
            raise

    def _stored(self, act, *args):
        try:
            return act(*args)
        except ImageFailure as failure:
            raise OSError(f"{self.uri}: {failure.message}") from failure

    def _asked(self, *words):
        done = self._run(*words)
        if done.returncode:
            told = done.stderr.decode(errors="replace").strip().splitlines()
            raise OSError(told[-1] if told else f"`hadoop fs {' '.join(words)}` failed")

    def _run(self, *words):
        if not self._hadoop:
            raise BrokenOff(f"{storage.scheme(self.uri)}:// needs the command hadoop, or for "
                          "hdfs:// pip install 'mr_extract[hdfs]'")
        return subprocess.run([*self._hadoop, "fs", *words], stdin=subprocess.DEVNULL,
                              capture_output=True)


def _pieces(found):
    offset, version = 0, ""
    while offset < found.size:
        data, version = storage.read_range(found.uri, offset, _PIECE, version)
        if not data:
            raise ImageFailure("fetch-truncated", f"{found.uri} ends too soon")
        yield data
        offset += len(data)
