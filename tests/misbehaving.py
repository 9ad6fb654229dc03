"""A web server on loopback that misbehaves on purpose, by script.

Between it and what it serves (`Files`, or another server by `Forwarder`) each answer may be
spoilt: `server.script[path]` is a list of the ways for the requests to come, the last of them
for ever; without a script the answer is right.
"""

import gzip
import http.client
import re
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from urllib.parse import unquote

HANG = 20  # seconds: longer than any client of the tests waits


@dataclass
class Request:
    method: str
    target: str
    headers: dict
    body: bytes = b""

    @property
    def path(self):
        return unquote(self.target.partition("?")[0])


@dataclass
class Response:
    """What is sent; `length` is what the header says, None for no such header."""

    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    length: int | None = 0

    @classmethod
    def of(cls, body, status=200, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, headers, body, len(body))

    def head(self):
        lines = [f"HTTP/1.1 {self.status} {http.client.responses.get(self.status, 'Odd')}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.length is not None:
            lines.append(f"Content-Length: {self.length}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Files:
    """An honest little web server: ETag, Last-Modified, Range, If-Range."""

    def __init__(self, files):
        self.files = files

    def __call__(self, request):
        content = self.files.get(request.path)
        if content is None:
            return Response.of(b"no such page", 404)
        headers = {"ETag": f'"{hash(content):x}"',
                   "Last-Modified": formatdate(1e9 + len(content), usegmt=True)}
        if request.path.endswith("/"):
            headers["Content-Type"] = "text/html; charset=utf-8"
        part = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        if part and request.headers.get("if-range", headers["ETag"]) == headers["ETag"]:
            start, total = int(part[1]), len(content)
            if start >= total:
                return Response.of(b"", 416, Content_Range=f"bytes */{total}", **headers)
            end = min(int(part[2] or total - 1) + 1, total)
            return Response.of(content[start:end], 206, **headers,
                               Content_Range=f"bytes {start}-{end - 1}/{total}")
        return Response.of(content, **headers)


class Forwarder:
    """What another server on loopback says."""

    def __init__(self, port):
        self.port = port

    def __call__(self, request):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(request.method, request.target, request.body, request.headers)
            answer = connection.getresponse()
            body = answer.read()
            # Of an answer to HEAD the length is that of the file.
            length = int(answer.headers.get("Content-Length", len(body)))
            headers = {name: value for name, value in answer.headers.items()
                       if name.lower() not in ("content-length", "connection", "server")}
            return Response(answer.status, headers, body, length)
        finally:
            connection.close()


class Misbehaving:
    """The server: ``with Misbehaving(Files({...})) as server: server.url``.

    Attributes
    ----------
    requests : list of Request
        All that came.
    change : callable
        What `changing` calls; given by the test.
    sent : dict
        Path to the number of bytes of bodies that were sent; the last 32 kB perhaps in vain.
    """

    def __init__(self, origin, context=None):
        self.origin, self.script, self.requests, self.sent = origin, {}, [], {}
        self.change = None
        self._context, self._clients = context, []
        self._over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=50)
        # So that little waits unsent or unread in buffers.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        self.port = self._socket.getsockname()[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for one in (self._socket, *self._clients):
            with suppress(OSError):  # it is closed
                one.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def count(self, path):
        return sum(request.path == path for request in self.requests)

    def _accept(self):
        while not self._over.is_set():
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self._clients.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            if self._context:
                client = self._context.wrap_socket(client, server_side=True)
            with client, client.makefile("rb") as lines:
                while not self._over.is_set():
                    request = _request(lines, client)
                    if request is None or not self._answer(client, request):
                        return
        except OSError:
            return  # the client has gone

    def _answer(self, client, request):
        self.requests.append(request)
        ways = self.script.get(request.path, [])
        way = (ways.pop(0) if len(ways) > 1 else ways[0]) if ways else right
        return way(Exchange(self, client, request))


class Exchange:
    """One request, the right answer to it, and the means to spoil it."""

    def __init__(self, server, client, request):
        self.server, self.client, self.request = server, client, request

    def response(self):
        return self.server.origin(self.request)

    def send(self, response, most=None):
        """Send an answer, of its body the first bytes; return whether all was sent."""
        self.client.sendall(response.head())
        body = b"" if self.request.method == "HEAD" else response.body[:most]
        for start in range(0, len(body), 1 << 15):
            self.body(body[start : start + (1 << 15)])
        return most is None

    def body(self, data):
        path = self.request.path
        # Before, as the client may look before this thread comes back.
        self.server.sent[path] = self.server.sent.get(path, 0) + len(data)
        self.client.sendall(data)

    def wait(self, seconds=HANG):
        """Wait while the client does."""
        self.client.settimeout(0.02)
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.server._over.is_set():
            try:
                if not self.client.recv(1):
                    return False
            except TimeoutError:
                continue
        return False


def _request(lines, client):
    first = lines.readline().split()
    if len(first) != 3:
        return None
    headers = {}
    while (line := lines.readline().strip()):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    if headers.pop("expect", None):
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = lines.read(int(headers.get("content-length", 0)))
    return Request(first[0].decode(), first[1].decode("latin-1"), headers, body)


# Ways to answer: they take an Exchange and return whether the connection goes on.


def right(exchange):
    return exchange.send(exchange.response())


def cut(most):
    """The connection is closed after so many bytes of the body."""
    return lambda exchange: exchange.send(exchange.response(), most)


def reset(most):
    """The connection is reset after so many bytes of the body."""

    def way(exchange):
        exchange.send(exchange.response(), most)
        exchange.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    return way


def hang(most):
    """Nothing comes after so many bytes of the body."""

    def way(exchange):
        exchange.send(exchange.response(), most)
        return exchange.wait()

    return way


def silent(exchange):
    """No answer at all."""
    return exchange.wait()


def closes(exchange):
    """The connection is closed in place of an answer."""
    return False


def garbage(exchange):
    """The answer is not HTTP."""
    exchange.client.sendall(b"\x00\x01 what?\r\n\r\n")
    return False


def trickle(exchange):
    """A byte now and then, without an end."""
    response = exchange.response()
    exchange.client.sendall(response.head())
    for k in range(len(response.body)):
        exchange.body(response.body[k : k + 1])
        time.sleep(0.02)
    return False


def status(code, body=b"", **headers):
    """This status."""
    return lambda exchange: exchange.send(Response.of(body, code, **headers))


def s3_error(code, name, **headers):
    """An error as S3 words it."""
    body = f"<?xml version='1.0'?><Error><Code>{name}</Code><Message>no</Message></Error>"
    return status(code, body.encode(), Content_Type="application/xml", **headers)


def announces(more):
    """Content-Length is so much greater than what comes."""

    def way(exchange):
        response = exchange.response()
        if response.status == 200:
            response = replace(response, length=response.length + more)
        exchange.send(response)
        return False

    return way


def without_ranges(exchange):
    """A request for a part is answered with the whole file."""
    exchange.request.headers.pop("range", None)
    return right(exchange)


def without_length(most=None, chunked=False):
    """No Content-Length: the end is that of the connection, or of the chunks."""

    def way(exchange):
        response = replace(exchange.response(), length=None)
        if chunked:
            response.headers["Transfer-Encoding"] = "chunked"
            whole = response.body
            half = len(whole) // 2
            chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (whole[:half], whole[half:])]
            response = replace(response, body=b"".join(chunks) + b"0\r\n\r\n")
        exchange.send(response, most)
        return False

    return way


def packed(exchange):
    """The server packs with gzip, though it was asked not to, the part if it is a part."""
    response = exchange.response()
    response.headers["Content-Encoding"] = "gzip"
    body = gzip.compress(response.body)
    return exchange.send(replace(response, body=body, length=len(body)))


def labelled(encoding):
    """The header says this encoding, the body is the file as it is."""

    def way(exchange):
        response = exchange.response()
        response.headers["Content-Encoding"] = encoding
        return exchange.send(response)

    return way


def changing(most):
    """The file becomes another after so many bytes."""

    def way(exchange):
        exchange.send(exchange.response(), most)
        exchange.server.change()
        return False

    return way
