"""An S3 service and a web server of this machine that have one file.

``python -m bench.speed.loopback FILE`` starts them, prints their ports, and ends with its
standard input. The file is s3://bucket/file and http://.../file.
"""

import os
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Quiet(SimpleHTTPRequestHandler):
    """Serves the file by any name, over connections that stay open."""

    protocol_version = "HTTP/1.1"

    def __init__(self, path, *arguments):
        self._path = path
        super().__init__(*arguments)

    def translate_path(self, path):  # noqa: D102
        return self._path

    def log_message(self, *_):  # noqa: D102
        pass


def main(path):
    import boto3
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    port = moto.get_host_and_port()[1]
    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
    client.create_bucket(Bucket="bucket")
    client.upload_file(os.fspath(path), "bucket", "file")
    web = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, path))
    threading.Thread(target=web.serve_forever, daemon=True).start()
    print(port, web.server_address[1], flush=True)
    sys.stdin.read()
    web.shutdown()
    moto.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
