"""Images on a web server that end, or stop, whoever comes for them: faults from outside."""

import http.server
import os
import re
import signal
import threading
from pathlib import Path


class DeadlyPlaces:
    """A server of files on loopback: ``with DeadlyPlaces(folder) as places: places.url``.

    A file of the folder is served as it is. A request for one that `deeds` names is given to
    the function that stands there, with the process that asked; what it returns says whether
    the file is served all the same.

    Parameters
    ----------
    folder : path

    Attributes
    ----------
    deeds : dict of str to callable
        Name of a file to what is done when it is asked for.
    done : dict of str to list of int
        Processes to which it was done.
    """

    def __init__(self, folder):
        self.folder, self.deeds, self.done = Path(folder), {}, {}
        places = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                name = self.path.lstrip("/")
                if not places._serves(name, self.client_address[1], self.connection):
                    self.close_connection = True
                    return
                body = (places.folder / name).read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _serves(self, name, port, connection):
        deed = self.deeds.get(name)
        if deed is None:
            return True
        pid = owner_of(port)
        self.done.setdefault(name, []).append(pid)
        return deed(pid)


def kills(pid):
    """End the process, as the kernel's killer does."""
    os.kill(pid, signal.SIGKILL)
    return False


def kills_all_around(pid):
    """End the session of the process, as YARN ends a container that is too large."""
    session = os.getsid(pid)
    if session == os.getsid(0):
        raise RuntimeError(f"process {pid} is of our own session: it is no container")
    pids = [int(process.name) for process in Path("/proc").iterdir() if process.name.isdecimal()]
    for one in [*(one for one in pids if session_of(one) == session and one != pid), pid]:
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            continue  # the end of another was its own
    return False


def stops_once():
    """Return what stops the first process that comes, and serves the others."""
    stopped = []

    def deed(pid):
        if not stopped:
            stopped.append(pid)
            os.kill(pid, signal.SIGSTOP)
            return False
        return True

    return deed


def owner_of(port):
    """Return the process at the other end of a connection from a local port."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        lines = [line.split() for line in table][1:]
    sockets = {f"socket:[{cells[9]}]" for cells in lines
               if int(cells[1].partition(":")[2], 16) == port and cells[9] != "0"}
    for process in Path("/proc").iterdir():
        if not re.fullmatch(r"\d+", process.name):
            continue
        try:
            if any(os.readlink(one) in sockets for one in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue  # it has ended, or is not ours
    raise LookupError(f"no process has port {port}")


def session_of(pid):
    """Return the session of a process; None when it has ended."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None
