"""Files of web servers: http:// and https://. They are read and listed, not written."""

import re
import zlib
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from urllib3.exceptions import HTTPError

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.storage import connections
from mr_extract.storage.faults import Passing, retried
from mr_extract.storage.found import Found
from mr_extract.storage.http.client import send
from mr_extract.storage.http.index_pages import names_below
from mr_extract.storage.transfer import Answer, collected, nothing

_PART = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_BEYOND = re.compile(r"bytes \*/(\d+)")
# Answers of servers that know GET alone.
_NO_HEAD = {400, 403, 405, 501}
_DEEPEST = 32


def read(uri: str) -> bytes:
    """Return all bytes of a file, as `mr_extract.storage.read` does."""
    return collected(partial(_ask, uri))[0]


def read_range(uri: str, offset: int, size: int, version: str = "") -> tuple[bytes, str]:
    """Return a part of a file and its version, as `mr_extract.storage.read_range` does.

    Of a server that does not send parts no more is taken than up to the end of the part.
    """
    data, version = collected(partial(_ask, uri), offset, max(size, 1), version)
    return data[:size], version


def stat(uri: str) -> Found:
    """Return what is known of a file, as `mr_extract.storage.stat` does."""
    return retried(partial(_stat, uri), storage.access().fetch_budget)


def list_files(uri: str) -> Iterator[Found]:
    """Yield the files of an index page, as `mr_extract.storage.list_files` does.

    Links that lead below the page are followed; those to other places and with a query
    (sort orders) are not. Sizes and times are not asked for.
    """
    url = retried(partial(_page, uri), storage.access().fetch_budget)
    if url is None:
        yield Found(uri)
        return
    waiting, seen = [url], {url}
    while waiting:
        page = waiting.pop()
        if page.count("/") - url.count("/") > _DEEPEST:
            raise ImageFailure("fetch-failed", f"more than {_DEEPEST} folders in each other; "
                                               "does one lead back to itself?")
        names = names_below(page, read(page).decode("utf-8", "replace"))
        folders = [name for name in names if name.endswith("/") and name not in seen]
        seen.update(folders)
        waiting += reversed(folders)
        for name in names:
            if not name.endswith("/"):
                yield Found(name)


def write(uri: str, source: BinaryIO, aside: str = "") -> None:
    """Refuse."""
    raise ImageFailure("fetch-forbidden", "files of web servers are only read; write elsewhere")


def _ask(uri, offset, size, version):
    headers = {}
    if offset or size is not None:
        headers["Range"] = f"bytes={offset}-{'' if size is None else offset + size - 1}"
        if _is_strong(version):
            headers["If-Range"] = version
    response, _ = send("GET", uri, headers)
    try:
        if response.status == 206 and _packed(response, uri):
            # A part of what it is packed to is of no use.
            response.close()
            response, _ = send("GET", uri)
        return _answer(response, uri, offset)
    except BaseException:
        response.close()
        raise


def _answer(response, uri, offset):
    if response.status == 416:
        response.close()
        total = _BEYOND.fullmatch(response.headers.get("content-range", ""))
        total = int(total[1]) if total else None
        if total is not None and total > offset:
            raise ImageFailure("fetch-failed", "the server refuses a part that is there")
        return nothing(offset, total, _version(response, total))
    if response.status not in (200, 206):
        raise connections.of_status(response.status, response.headers)
    take = partial(_take, response)
    if _packed(response, uri):
        return Answer(_unpacked(take), response.close, version=_version(response, None))
    start, end, total = 0, response.length_remaining, response.length_remaining
    if response.status == 206:
        start, end, total = _part(response)
    version = _version(response, total)
    return Answer(take, response.close, start, end, total, version, _is_strong(version))


def _version(response, total):
    """Return what changes with the content, the more exact the better; '' if there is nothing."""
    tag = response.headers.get("etag", "")
    date = response.headers.get("last-modified", "")
    size = "" if total is None else f"{total} bytes"
    return (tag if _is_strong(tag) else "") or date or tag or size


def _is_strong(version):
    """Tell whether a part can be asked for on condition that the file has this version."""
    return version.startswith('"') or version.endswith("GMT")


def _take(response, most):
    try:
        return response.read1(most)
    except HTTPError as error:
        raise connections.named(error) from error


def _part(response):
    part = _PART.fullmatch(response.headers.get("content-range", ""))
    if part is None:
        raise ImageFailure("fetch-failed", "the server sent a part and does not say which")
    return int(part[1]), int(part[2]) + 1, None if part[3] == "*" else int(part[3])


def _packed(response, uri):
    """Tell whether the server packed the file on the way, though it was asked not to.

    Of a file that is itself packed, many servers say its packing in the same header.
    """
    encoding = response.headers.get("content-encoding", "identity").lower()
    if encoding in ("identity", ""):
        return False
    if encoding not in ("gzip", "x-gzip"):
        raise ImageFailure("fetch-failed", f"the server packed the file on the way: {encoding}")
    path = uri.partition("?")[0].partition("#")[0].lower()
    return not path.endswith((".gz", ".tgz"))


def _unpacked(take):
    stream, packed = zlib.decompressobj(31), b""

    def take_unpacked(most):
        nonlocal packed
        while not stream.eof:
            packed = packed or take(most)
            if not packed:
                raise Passing("fetch-truncated", "the packed file ended before its end")
            try:
                data = stream.decompress(packed, most)
            except zlib.error as error:
                raise Passing("fetch-failed", "the file was packed wrongly on the way") from error
            packed = stream.unconsumed_tail
            if data:
                return data
        return b""

    return take_unpacked


def _stat(uri):
    response, _ = send("HEAD", uri)
    if response.status in _NO_HEAD:
        response.close()
        response, _ = send("GET", uri, {"Range": "bytes=0-0"})
    try:
        size = response.headers.get("content-length", "")
        size = int(size) if size.isdecimal() and not _packed(response, uri) else None
        if response.status in (206, 416):
            size = _answer(response, uri, 0).total
        elif response.status != 200:
            raise connections.of_status(response.status, response.headers)
        modified = connections.seconds_of(response.headers.get("last-modified", ""))
        return Found(uri, size, modified, _version(response, size))
    finally:
        response.close()


def _page(uri):
    """Return the URL of a page, its redirects followed, or None for what is a file."""
    response, url = send("GET", uri)
    try:
        if response.status != 200:
            raise connections.of_status(response.status, response.headers)
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return url.url if kind in ("text/html", "application/xhtml+xml") else None
    finally:
        response.close()
