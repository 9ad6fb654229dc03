"""Places on loopback for tests: a web server and an S3 service that misbehave when told."""

import os
import random
from contextlib import contextmanager

import boto3
from misbehaving import Files, Forwarder, Misbehaving

from mr_extract import storage
from mr_extract.storage import faults
from mr_extract.storage.access import Access

FILE, OTHER = (random.Random(seed).randbytes(300_000) for seed in (1, 2))
PATH = "/bucket/a.fits"
BUDGET = 0.5  # seconds of waits


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self):
        self.now, self.pauses = 1000.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


def impatient(monkeypatch, **settings):
    """Try again twice or three times, without a wait: only waits count, and they take no time."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTTESTTESTTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secretsecret")
    clock = Clock()
    monkeypatch.setattr(faults.retried, "__defaults__", (clock.sleep, clock, random.random))
    storage.configure(Access(**{"fetch_timeout": 30, "fetch_budget": BUDGET, **settings}))


@contextmanager
def moto_server():
    """Give the port of an empty S3 service."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield server.get_host_and_port()[1]
    finally:
        server.stop()


def bare_client(port):
    """Return boto3's own client, past all that misbehaves."""
    return boto3.client(
        "s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
        aws_access_key_id="a", aws_secret_access_key="b",
    )


@contextmanager
def web():
    """Give a web server that has FILE, and its URI."""
    files = Files({PATH: FILE, "/elsewhere/a.fits": FILE})
    with Misbehaving(files) as server:
        server.change = lambda: files.files.update({PATH: OTHER})
        yield server, server.url + PATH


@contextmanager
def bucket(port):
    """Give a server before the S3 service, whose bucket has FILE, and its URI."""
    client = bare_client(port)
    client.create_bucket(Bucket="bucket")
    client.put_object(Bucket="bucket", Key="a.fits", Body=FILE)
    with Misbehaving(Forwarder(port)) as server:
        server.change = lambda: client.put_object(Bucket="bucket", Key="a.fits", Body=OTHER)
        yield server, "s3:/" + PATH
