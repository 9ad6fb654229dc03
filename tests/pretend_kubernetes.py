"""A Kubernetes of this machine: it takes objects as an API server does, and runs pods of Spark.

What is asked of it is kept, by verb and resource as roles name them.
"""

import json
import re
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import yaml
from pretend_pods import Pods

_PLACE = re.compile(r"/api(?:s/[\w.-]+)?/v1/namespaces/([\w.-]+)/(\w+)(?:/([\w.-]+))?(/\w+)?$")
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class PretendKubernetes:
    """Serve the API until the end of a with statement.

    Parameters
    ----------
    folder : path
        For what pods write.
    runs : bool
        Run pods; without it they stay pending.
    allows : set of (str, str), optional
        Verbs and resources that pods are not refused, by default all.

    Attributes
    ----------
    master : str
        What `--spark-master` takes.
    asked, asked_by_pods : list of (str, str)
        Verbs and resources of all requests of users, and of pods.
    made : dict of str to list of dict
        All objects that were ever created, by resource, as they were sent.
    pods : pretend_pods.Pods
    """

    def __init__(self, folder, runs=True, allows=None):
        self.folder, self._runs, self._allows = Path(folder), runs, allows
        self.asked, self.asked_by_pods, self.made = [], [], {}
        self._objects, self._version, self._change = {}, 0, threading.Condition()
        self._history, self._over = [], False
        self._servers = [_Server(("127.0.0.1", 0), type(
            "Handler", (_Handler,), {"kubernetes": self, "of_pods": of_pods}))
            for of_pods in (False, True)]
        self.url, of_pods = (
            f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers)
        self.master = f"k8s://{self.url}"
        self.pods = Pods(self, self.folder, of_pods)

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        for server in self._servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        with self._change:
            self._over = True
            self._change.notify_all()
        self.pods.stop()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def left(self):
        """Return names of the objects that are there, by resource."""
        with self._change:
            found = {}
            for resource, _, name in self._objects:
                found.setdefault(resource, []).append(name)
            return found

    # What the server does; each under the lock.

    def ask(self, of_pods, verb, resource):
        """Keep what is asked, and tell whether it is allowed."""
        with self._change:
            (self.asked_by_pods if of_pods else self.asked).append((verb, resource))
        return not of_pods or self._allows is None or (verb, resource) in self._allows

    def create(self, space, resource, sent):
        """Take an object, or return None where one of this name is there."""
        with self._change:
            name = sent["metadata"].get("name") or f"{sent['metadata']['generateName']}1"
            if (resource, space, name) in self._objects:
                return None
            self.made.setdefault(resource, []).append(json.loads(json.dumps(sent)))
            told = json.loads(json.dumps(sent))
            told["metadata"].update(
                name=name, namespace=space, uid=str(uuid.uuid4()),
                creationTimestamp=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
            if resource == "pods":
                told["status"] = {"phase": "Pending"}
            self._put("ADDED", space, resource, name, told)
        if resource == "pods" and self._runs:
            threading.Thread(target=self.pods.run, args=(space, name), daemon=True).start()
        return told

    def change(self, space, resource, name, patch):
        """Merge a patch into an object; None where there is none."""
        with self._change:
            told = self._objects.get((resource, space, name))
            if told is None:
                return None
            told = _merged(told, patch)
            self._put("MODIFIED", space, resource, name, told)
            return told

    def delete(self, space, resource, name):
        """Remove an object and what it owns; None where there is none."""
        with self._change:
            told = self._objects.pop((resource, space, name), None)
            if told is None:
                return None
            self._put("DELETED", space, resource, name, told)
            owned = [key for key, one in self._objects.items()
                     if told["metadata"]["uid"] in
                     [owner["uid"] for owner in one["metadata"].get("ownerReferences", ())]]
        if resource == "pods":
            self.pods.end(name)
        for its_resource, its_space, its_name in owned:
            self.delete(its_space, its_resource, its_name)
        return told

    def get(self, space, resource, name):
        with self._change:
            return self._objects.get((resource, space, name))

    def listed(self, space, resource, query):
        """Return objects of a resource that labels and a name select."""
        with self._change:
            return [one for (its, where, _), one in sorted(self._objects.items())
                    if (its, where) == (resource, space) and _selected(one, query)]

    def events(self, space, resource, query):
        """Yield the events of a watch from a version on, until the server ends."""
        since = int(query.get("resourceVersion", ["0"])[0] or 0)
        while True:
            with self._change:
                found = [event for event in self._history if event[0] > since]
                if not found:
                    if self._over:
                        return
                    self._change.wait()
                    continue
            for version, kind, where, its, told in found:
                since = version
                if (its, where) == (resource, space) and _selected(told, query):
                    yield {"type": kind, "object": told}

    @property
    def version(self):
        return str(self._version)

    def _put(self, kind, space, resource, name, told):
        self._version += 1
        told["metadata"]["resourceVersion"] = str(self._version)
        if kind != "DELETED":
            self._objects[resource, space, name] = told
        self._history.append((self._version, kind, space, resource,
                              json.loads(json.dumps(told))))
        self._change.notify_all()


def _merged(told, patch):
    if not isinstance(patch, dict) or not isinstance(told, dict):
        return patch
    found = {**told}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = _merged(found.get(name, {}), value)
    return found


def _selected(told, query):
    labels = told["metadata"].get("labels", {})
    for one in re.findall(r"[^,(]+(?:\([^)]*\))?", query.get("labelSelector", [""])[0]):
        name, operator, value = re.match(
            r"\s*([^\s=!]+)\s*(=|!=|in|notin|)\s*\(?([^)]*)\)?", one).groups()
        among = {word.strip() for word in value.split(",")}
        if operator and (labels.get(name) in among) != (operator in ("=", "in")):
            return False
        if not operator and name not in labels:
            return False
    for field in filter(None, query.get("fieldSelector", [""])[0].split(",")):
        name, _, value = field.partition("=")
        if name == "metadata.name" and told["metadata"]["name"] != value.lstrip("="):
            return False
    return True


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # a client that is gone


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _body(self):
        length = int(self.headers.get("Content-Length") or 0)
        return yaml.safe_load(self.rfile.read(length)) if length else {}

    def _answer(self, status, told):
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status, reason):
        self._answer(status, {"kind": "Status", "apiVersion": "v1", "status": "Failure",
                              "reason": reason, "code": status, "message": f"{self.path}: {reason}",
                              "metadata": {}})

    def _any(self):
        server, url, sent = self.kubernetes, urlsplit(self.path), self._body()
        found, query = _PLACE.match(url.path), parse_qs(url.query)
        if not found:
            return self._refuse(404, "NotFound")
        space, resource, name, below = found.groups()
        watched = query.get("watch") == ["true"]
        verb = _VERBS.get(self.command) or (
            "watch" if watched else "get" if name else "list")
        if verb == "delete" and not name:
            verb = "deletecollection"
        if not server.ask(self.of_pods, verb, resource + (below or "")):
            return self._refuse(403, "Forbidden")
        if verb == "watch":
            return self._watch(space, resource, query)
        if verb == "create":
            told = server.create(space, resource, sent)
            return self._answer(201, told) if told else self._refuse(409, "AlreadyExists")
        if verb in ("list", "deletecollection"):
            items = server.listed(space, resource, query)
            if verb == "deletecollection":
                for one in items:
                    server.delete(space, resource, one["metadata"]["name"])
            return self._answer(200, {"kind": "List", "apiVersion": "v1", "items": items,
                                      "metadata": {"resourceVersion": server.version}})
        if verb == "delete":
            told = server.delete(space, resource, name)
        elif verb == "get":
            told = server.get(space, resource, name)
        else:
            told = server.change(space, resource, name, sent)
            if told is None and "apply-patch" in self.headers["Content-Type"]:
                told = server.create(space, resource, sent)
        return self._answer(200, told) if told else self._refuse(404, "NotFound")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

    def _watch(self, space, resource, query):
        # Clients that ask for a web socket take a stream where they get none.
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            if "websocket" in self.headers.get("Upgrade", "").lower():
                self.wfile.write(b"0\r\n\r\n")
                return
            for event in self.kubernetes.events(space, resource, query):
                line = json.dumps(event).encode() + b"\n"
                self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_):
        pass
