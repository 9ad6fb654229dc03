"""Requests to the web servers of HDFS: NameNodes, and the DataNodes they send one to."""

import getpass
import json
import os
import socket
from collections.abc import Mapping
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from mr_extract.failures import ImageFailure
from mr_extract.storage import connections
from mr_extract.storage.faults import Passing
from mr_extract.storage.hadoop import configuration as hadoop_configuration
from mr_extract.storage.hadoop import errors as hadoop_errors
from mr_extract.storage.hadoop.paths import place_of
from mr_extract.storage.http.client import send

# By scheme: that of the web, the property with a NameNode's address, its usual port.
WEB = {
    "webhdfs": ("http", "dfs.namenode.http-address", 9870),
    "swebhdfs": ("https", "dfs.namenode.https-address", 9871),
}
_NO_NAMENODE = "the answer is not that of a NameNode"
_active: dict[tuple[str, str], int] = {}


def ask(
    method: str,
    uri: str,
    operation: str,
    path: str | None = None,
    wanted: str | None = None,
    **parameters: str,
) -> Any:
    """Ask the NameNode that is active.

    Parameters
    ----------
    method : str
        GET, PUT or DELETE.
    uri : str
        Names the file system, and the file where there is no `path`.
    operation : str
        As WebHDFS names it.
    path : str, optional
    wanted : str, optional
        What of the answer is returned; by default all.
    **parameters
        Of the operation.

    Returns
    -------
    object
        What it answers; None for an empty answer.

    Raises
    ------
    Passing, ImageFailure
    """
    scheme, authority, own_path = place_of(uri)
    query = urlencode({"op": operation, **parameters, **_who()})
    target = f"/webhdfs/v1{quote(path or own_path)}?{query}"
    servers = _namenodes(scheme, authority)
    first = _active.get((scheme, authority), 0)
    failures: list[Passing] = []
    for turn in range(len(servers)):
        index = (first + turn) % len(servers)
        try:
            answer = _json(checked(send(method, servers[index] + target)[0]))
        except Passing as error:
            failures.append(error)  # it is dead, or not the active one
        else:
            _active[scheme, authority] = index
            return answer if wanted is None else _part(answer, wanted)
    raise failures[-1]


class DataNodes:
    """Bytes from and to DataNodes, those that failed left out.

    Parameters
    ----------
    uri : str
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._failed: set[str] = set()

    def request(
        self,
        method: str,
        operation: str,
        path: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | BinaryIO | None = None,
        **parameters: str,
    ) -> urllib3.BaseHTTPResponse:
        """Return the answer of a DataNode that the NameNode names; as for `ask`.

        Returns
        -------
        urllib3.HTTPResponse
            Its body is still to be read.
        """
        if self._failed:
            parameters["excludedatanodes"] = ",".join(sorted(self._failed))
        try:
            place = ask(method, self._uri, operation, path, "Location", noredirect="true",
                        **parameters)
        except Passing:
            self._failed.clear()  # none may be left
            raise
        try:
            return checked(send(method, place, headers, body)[0])
        except Passing as error:
            self._leave_out(urlsplit(place).hostname)
            error.message = f"a DataNode failed: {error.message}"
            raise

    def _leave_out(self, host):
        self._failed.add(host)
        try:  # a NameNode names DataNodes by host, and knows them by address
            self._failed.add(socket.gethostbyname(host))
        except OSError:
            pass  # then it may name this one again


def checked(response: urllib3.BaseHTTPResponse) -> urllib3.BaseHTTPResponse:
    """Return a response that tells of success; close another and raise what it says."""
    if response.status < 300:
        return response
    try:
        answer = _json(response)["RemoteException"]
        failure = hadoop_errors.named(
            answer.get("javaClassName") or answer["exception"], answer.get("message") or "")
    except (KeyError, TypeError, ValueError):
        failure = connections.of_status(response.status, response.headers)
        if response.status == 404:
            # Of a file that is not there a NameNode says so in its own words.
            failure = ImageFailure("fetch-failed", "there is no WebHDFS: the server answered 404")
    if response.status == 401:
        failure = ImageFailure(
            "fetch-forbidden", "HDFS wants to know who asks; webhdfs:// knows a delegation token "
            "in HADOOP_TOKEN and no Kerberos, hdfs:// knows both")
    raise failure


def _part(answer, wanted):
    try:
        return answer[wanted]
    except (KeyError, TypeError) as error:
        raise ImageFailure("fetch-failed", _NO_NAMENODE) from error


def _json(response):
    try:
        text = response.read()
    except HTTPError as error:
        raise connections.named(error) from error
    finally:
        response.close()
    try:
        return json.loads(text) if text else None
    except ValueError as error:
        if response.status >= 300:
            raise
        raise ImageFailure("fetch-failed", _NO_NAMENODE) from error


def _who():
    token = os.environ.get("HADOOP_TOKEN")
    if token:
        return {"delegation": token}
    return {"user.name": os.environ.get("HADOOP_USER_NAME") or getpass.getuser()}


def _namenodes(scheme, authority):
    """Return the URLs of the NameNodes of a host or name service."""
    web, key, port = WEB[scheme]
    if not authority:
        raise ImageFailure("fetch-failed", f"{scheme}:// needs a host or a name service")
    host, colon, digits = authority.rpartition(":")
    if colon and digits.isdecimal():
        return [f"{web}://{authority}"]
    found = hadoop_configuration.properties()
    names = hadoop_configuration.namenodes(found).get(authority, [])
    places = [found.get(f"{key}.{authority}.{name}") for name in names]
    return [f"{web}://{place}" for place in places if place] or [f"{web}://{authority}:{port}"]
