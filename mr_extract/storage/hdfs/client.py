"""Clients of HDFS by hdfs-native: one for each process and file system, errors by name."""

from __future__ import annotations

import ctypes
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.storage.faults import Passing
from mr_extract.storage.hadoop import configuration as hadoop_configuration
from mr_extract.storage.hadoop import errors as hadoop_errors
from mr_extract.storage.hdfs.tokens import DEFAULT_PORT, as_tokens_have_it
from mr_extract.storage.time_limit import within

if TYPE_CHECKING:
    from hdfs_native import FileReader, FileStatus

# hdfs-native reads the first two when a client is made, the others when it connects.
_ENVIRONMENT = ("HADOOP_CONF_DIR", "HADOOP_HOME", "HADOOP_USER_NAME", "HADOOP_PROXY_USER",
                "HADOOP_TOKEN_FILE_LOCATION")
T = TypeVar("T")
# How hdfs-native spells an error of its own, as RPCError("java.io.IOException", "...").
_SPELLING = re.compile(r'(\w+)(?:\("((?:[^"\\]|\\.)*)"(?:, "((?:[^"\\]|\\.)*)")?)?', re.DOTALL)
# What GSSAPI says, behind numbers and a sentence that is the same for everything.
_GSSAPI = re.compile(r'^GSSAPIError.*, "(?:[^:"]*: )?([^"]*)"\)$', re.DOTALL)
# For so long hdfs-native keeps connections to DataNodes for the next file, 3 seconds and some.
_KEPT = 3.5
_clients: dict[tuple, Client] = {}
_turns: dict[tuple, int] = {}
_lock = threading.Lock()
_not_before = 0.0


class Client:
    """The client of one file system, for any number of threads.

    Parameters
    ----------
    scheme, authority : str
        Without an authority, that of ``fs.defaultFS``.
    turn : int
        How many NameNodes of each name service are left to the last.

    Raises
    ------
    ImageFailure
        ``unsupported-scheme`` without hdfs-native, ``fetch-failed`` for a file system that
        the configuration does not know.
    """

    def __init__(self, scheme: str, authority: str, turn: int = 0) -> None:
        self._limit = storage.access().fetch_timeout
        found = hadoop_configuration.properties()
        if scheme == "hdfs":
            authority = as_tokens_have_it(authority, found)
        self._native = _native(scheme, authority, _settings(found, self._limit, turn))
        self._served = False

    def call(self, name: str, *args: object, limit: float | None = None) -> Any:
        """Call a method of hdfs-native's client that asks the NameNode."""
        return self.limited(getattr(self._native, name), *args, limit=limit)

    def opened(self, path: str) -> tuple[FileStatus, FileReader | None]:
        """Return the status of a file and a reader of it; no reader for a folder."""
        def ask():
            status = self._native.get_file_info(path)
            return status, None if status.isdir else self._native.read(path)

        return self.limited(ask)

    def limited(self, function: Callable[..., T], *args: object, limit: float | None = None) -> T:
        """Call a function of hdfs-native; it knows no time limit for a NameNode."""
        with _errors_named():
            return within(limit or self._limit, function, *args)

    def bytes_of(self, reader: FileReader, replicas: int, offset: int, size: int) -> bytes:
        """Return a part of an open file, which must lie within it."""
        if size == 0:
            return b""
        if not self._served:
            # Before it reads from a DataNode for the first time, hdfs-native asks the NameNode
            # for defaults, and that without a time limit. Each DataNode may be tried twice.
            self.limited(reader.read_range, offset, 1, limit=(2 * replicas + 2) * self._limit)
            self._served = True
        with _errors_named():
            data = reader.read_range(offset, size)
        if len(data) != size:
            raise Passing("fetch-truncated", f"{len(data)} of {size} bytes came")
        return data

    def keep_for_ever(self) -> None:
        """See to it that its library's client is never ended."""
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._native.inner))


@contextmanager
def client_of(scheme: str, authority: str) -> Iterator[Client]:
    """Give the client of a file system, and have a new one made after a failure."""
    key = (scheme, authority, storage.access().fetch_timeout,
           *map(os.environ.get, _ENVIRONMENT))
    with _lock:
        client = _clients.get(key)
        if client is None:
            time.sleep(max(0.0, _not_before - time.monotonic()))
            client = _clients[key] = Client(scheme, authority, _turns.get(key, 0))
    try:
        yield client
    except Passing as failure:
        with _lock:
            if _clients.get(key) is client:
                del _clients[key]
                # hdfs-native goes on to the next NameNode when one refuses, not when it is silent.
                _turns[key] = _turns.get(key, 0) + (failure.kind == "fetch-timeout")
        raise


def _leave_to_parent():
    """Keep a forked process from what is its parent's: clients, and connections to DataNodes."""
    global _lock, _not_before
    _lock = threading.Lock()  # that of the parent may have been held
    if _clients:
        _not_before = time.monotonic() + _KEPT
    for client in _clients.values():
        client.keep_for_ever()  # to end it would wait for threads that are not here
    _clients.clear()


os.register_at_fork(after_in_child=_leave_to_parent)


def _settings(found, limit, turn):
    services = hadoop_configuration.namenodes(found)
    return {
        "dfs.client.socket-timeout": str(max(1, round(1000 * limit))),
        # Each NameNode once: waiting and trying again is `retried`'s.
        "dfs.client.failover.max.attempts": str(max(map(len, services.values()), default=1) - 1),
        **hadoop_configuration.rotated(services, turn),
    }


def _native(scheme, authority, settings):
    try:
        import hdfs_native
    except ImportError as error:
        raise ImageFailure(
            "unsupported-scheme", f"{scheme}:// needs hdfs-native: pip install 'mr_extract[hdfs]'"
        ) from error
    with _errors_named():
        try:
            return hdfs_native.Client(f"{scheme}://{authority}", settings)
        except RuntimeError as error:
            # No name service of that name is configured: then it is a host.
            if "No NameNode hosts found" not in str(error) or scheme != "hdfs" or not authority:
                raise
            return hdfs_native.Client(f"hdfs://{authority}:{DEFAULT_PORT}", settings)


@contextmanager
def _errors_named():
    try:
        yield
    except TimeoutError as error:
        limit = f"{storage.access().fetch_timeout:g} s"
        raise Passing("fetch-timeout", f"no answer from HDFS within {limit}") from error
    except FileNotFoundError as error:
        raise hadoop_errors.named("FileNotFoundException", str(error)) from error
    except (FileExistsError, IsADirectoryError) as error:
        raise ImageFailure("fetch-not-a-file", "it is a folder") from error
    except NotImplementedError as error:
        raise ImageFailure("fetch-failed", f"hdfs-native cannot do it: {error}") from error
    except OSError as error:
        raise Passing("fetch-failed", _of_connection(str(error))) from error
    except RuntimeError as error:
        raise _of_library(str(error)) from error
    except BaseException as error:
        # A panic of the library is one image's failure, though no Exception to Python.
        if type(error).__name__ != "PanicException":
            raise
        raise ImageFailure("fetch-failed", f"hdfs-native failed: {error}") from error


def _of_connection(said):
    if "lookup address" in said:
        return "the name of its host is not known"
    # It is chance whether the library meets the end when it writes or when it listens.
    if any(words in said for words in ("listener disconnected", "Broken pipe", "reset by peer")):
        return ("the NameNode closed the connection; is it one, is the port that of hdfs://?"
                + _of_security())
    return f"no connection: {said.partition(' (os error')[0]}"


def _of_security():
    """Ask what else closes connections: the NameNode does not say it in words that we get."""
    if proxy := os.environ.get("HADOOP_PROXY_USER"):
        return f" May you be {proxy}, whom HADOOP_PROXY_USER names?"
    found = hadoop_configuration.properties()
    if found.get("hadoop.security.authentication", "simple") == "simple":
        return (" If it wants Kerberos, hadoop.security.authentication must say so in the "
                "configuration that HADOOP_CONF_DIR or HADOOP_HOME names")
    return ""


def _of_library(said):
    kind, first, second = _SPELLING.match(said).groups("")
    first, second = (text.replace("\\n", "\n").replace('\\"', '"') for text in (first, second))
    if kind in ("RPCError", "FatalRPCError"):
        return hadoop_errors.named(first, second)
    if kind in ("BlocksNotFound", "ErasureCodingError") or first.startswith("All DataNodes failed"):
        return Passing("fetch-failed", hadoop_errors.LOST_BLOCK)
    if kind in ("SASLError", "GSSAPIError", "NoSASLMechanism"):
        reason = _GSSAPI.match(said)
        return ImageFailure(
            "fetch-forbidden", f"HDFS wants to know who asks ({reason[1] if reason else kind}); "
            "is there a Kerberos ticket?")
    if "libgssapi" in first:
        return ImageFailure(
            "fetch-forbidden", "HDFS wants to know who asks, and for Kerberos hdfs-native needs "
            "the library libgssapi_krb5 (Debian: libgssapi-krb5-2, Red Hat: krb5-libs)")
    if kind in ("InvalidArgument", "UrlParseError", "XmlParseError", "InvalidPath"):
        return ImageFailure(
            "fetch-failed", f"{first or kind}; the configuration of Hadoop is read from "
            "HADOOP_CONF_DIR or HADOOP_HOME/etc/hadoop")
    return Passing("fetch-failed", f"hdfs-native failed ({kind}: {first[:200]})")
