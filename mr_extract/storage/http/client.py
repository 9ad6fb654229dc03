"""Requests to web servers: one pool of connections, proxies, redirects."""

import logging
import os
import re
import ssl
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from netrc import NetrcParseError, netrc
from typing import BinaryIO
from urllib.parse import unquote, urljoin
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout, Url, parse_url

import mr_extract
from mr_extract import storage
from mr_extract.addresses import shown_rule
from mr_extract.failures import ImageFailure
from mr_extract.storage.connections import named

MOST_REDIRECTS = 10
_REDIRECTS = {301, 302, 303, 307, 308}
_CONNECTIONS = 32  # kept for each host
_BARE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
_pools: dict[tuple, urllib3.PoolManager] = {}


def _may_be_read(record):
    """Take passwords and tokens out of what urllib3 logs, such as of headers that are odd."""
    record.msg, record.args = shown_rule(record.getMessage()), ()
    return True


logging.getLogger("urllib3.connectionpool").addFilter(_may_be_read)


def send(
    method: str,
    uri: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | BinaryIO | None = None,
) -> tuple[urllib3.BaseHTTPResponse, Url]:
    """Send a request, redirects followed.

    Parameters
    ----------
    method : str
        As GET or HEAD.
    uri : str
        With or without ``USER:PASSWORD@``; characters that are not allowed in a URL, such
        as blanks, are encoded.
    headers : dict, optional
    body : bytes or binary file, optional
        With one, redirects are not followed: it may be sent but once.

    Returns
    -------
    response : urllib3.HTTPResponse
        With any status but those of redirects; its body is still to be read, as it is on
        the wire.
    url : urllib3.util.Url
        Where it came from in the end; with the user's password where that is used there.

    Raises
    ------
    Passing, ImageFailure
    """
    url = _parsed(uri)
    for _ in range(MOST_REDIRECTS + 1):
        response = _once(method, url, headers or {}, body)
        if body is not None or response.status not in _REDIRECTS:
            return response, url
        response.close()
        url = _next(url, response.headers.get("location", ""))
    raise ImageFailure("fetch-failed", f"more than {MOST_REDIRECTS} redirects")


def _parsed(uri):
    try:
        url = parse_url(_BARE_PERCENT.sub("%25", uri))
    except HTTPError as error:
        raise named(error) from error
    if not url.host:
        raise ImageFailure("fetch-failed", "the URL makes no sense")
    return url


def _next(url, location):
    target = _parsed(urljoin(url.url, location)) if location else None
    if target is None or target.scheme not in ("http", "https"):
        raise ImageFailure("fetch-failed", "the server redirects to what is no web address")
    if url.scheme == "https" and target.scheme == "http":
        return target._replace(auth="")  # no password over the open line, also not of .netrc
    if target.auth is None and _server(target) == _server(url):
        return target._replace(auth=url.auth)
    return target


def _server(url):
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}[url.scheme]


def _once(method, url, headers, body):
    headers = {
        # A file that is packed on the way would be other bytes than the server's file.
        "Accept-Encoding": "identity",
        "User-Agent": f"mr_extract/{mr_extract.__version__} urllib3/{urllib3.__version__}",
        **headers,
    }
    user = unquote(url.auth) if url.auth is not None else _user(url.hostname)
    if user:
        headers["Authorization"] = _basic(user)
    limit = storage.access().fetch_timeout
    try:
        return _pool(url).request(
            method, url._replace(auth=None).url, body, headers=headers, redirect=False,
            retries=False, preload_content=False, decode_content=False,
            timeout=Timeout(connect=limit, read=limit),
        )
    except HTTPError as error:
        raise named(error) from error


def _basic(user):
    return "Basic " + b64encode(user.encode()).decode()


def _user(host):
    """Return USER:PASSWORD that the file .netrc has for a host, '' where it has none."""
    try:
        known = _netrc(os.environ.get("NETRC") or os.path.expanduser("~/.netrc"))
    except (OSError, NetrcParseError) as error:
        raise ImageFailure("fetch-forbidden", ".netrc cannot be read or understood") from error
    found = known and known.authenticators(host)
    return f"{found[0]}:{found[2]}" if found else ""


@cache
def _netrc(path):
    return netrc(path) if os.path.exists(path) else None


def _pool(url):
    """Return the pool for a URL: of this process, as sockets must not be shared by two."""
    key = os.getpid(), url.scheme, _proxy(url)
    if key not in _pools:
        # Two threads may both make one; the second stays.
        _pools[key] = _made(*key[1:])
    return _pools[key]


def _proxy(url):
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return None if not proxy or proxy_bypass(url.netloc) else proxy


def _made(scheme, proxy):
    settings = {"num_pools": _CONNECTIONS, "maxsize": _CONNECTIONS}
    if scheme == "https":
        # One for all connections, as it takes a while to read the authorities.
        settings["ssl_context"] = ssl.create_default_context()
    if proxy is None:
        return urllib3.PoolManager(**settings)
    where = parse_url(proxy if "://" in proxy else f"http://{proxy}")
    if where.scheme not in ("http", "https") or not where.host:
        raise ImageFailure("fetch-failed", "the proxy that the environment names is no http proxy")
    headers = {"Proxy-Authorization": _basic(unquote(where.auth))} if where.auth else None
    return urllib3.ProxyManager(where._replace(auth=None).url, proxy_headers=headers, **settings)
