"""An S3 service of this machine behind a link with a latency and a bandwidth.

``python -m bench.speed.slow_link SECONDS BYTES_PER_SECOND`` starts it, prints the ports of the
service itself and of the link, and ends with its standard input.
"""

import socket
import sys
import threading
import time

CHUNK = 1 << 16
IDLE = 0.02  # seconds without a byte of a request after which the next begins another


class Link:
    """Forward connections to a port, as a far network would.

    Parameters
    ----------
    port : int
        Of the service, on the loopback.
    latency : float
        Seconds from a request to the first byte of its answer.
    bandwidth : float
        Bytes a second of all answers together.
    """

    def __init__(self, port, latency, bandwidth):
        self._to, self._latency, self._bandwidth = port, latency, bandwidth
        self._free, self._lock = 0.0, threading.Lock()  # when the link has sent what it was given
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self._server.accept()
            far = socket.create_connection(("127.0.0.1", self._to))
            for one in (client, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for pump in (self._requests, self._answers):
                threading.Thread(target=pump, args=(client, far), daemon=True).start()

    def _requests(self, client, far):
        last = 0.0
        while data := _received(client):
            if time.monotonic() - last > IDLE:
                time.sleep(self._latency)
            far.sendall(data)
            last = time.monotonic()
        _ended(far)

    def _answers(self, client, far):
        while data := _received(far):
            with self._lock:
                self._free = max(self._free, time.monotonic()) + len(data) / self._bandwidth
                pause = self._free - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            try:
                client.sendall(data)
            except OSError:
                break  # it has seen enough
        _ended(client)


def _received(one):
    try:
        return one.recv(CHUNK)
    except OSError:
        return b""


def _ended(one):
    try:
        one.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it is gone already


def main(latency, bandwidth):
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    print(port, Link(port, float(latency), float(bandwidth)).port, flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
