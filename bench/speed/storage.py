"""What a file of S3 or of a web server costs, against the client below and another library."""

import os
import sys
from importlib.util import find_spec
from time import perf_counter, process_time

from bench.report import Section, middle, milliseconds, ratio
from bench.speed.served import served

SIZE = 6 << 20  # bytes, as a frame of SDSS
TIMES = 12  # reads of each contender in a round


def measure(night, rounds):
    """Return the section on reading from S3 and from web servers."""
    path = night.folder / "storage.bytes"
    path.write_bytes(os.urandom(SIZE))
    section = Section(
        "Remote files",
        f"A file of {SIZE / 1e6:.1f} MB from servers on the loopback, read in turn, "
        f"{TIMES * rounds} times each: bytes to memory, and what that takes of the reading "
        "process. The direct client is boto3's `get_object` and urllib3 as they are by default. "
        "Medians; ratios with their quartiles.",
        ("", "wall, ms", "CPU, ms", "wall to the direct client", "CPU to the direct client"),
    )
    with served("bench.speed.loopback", path) as (s3, web):
        for scheme, contenders in (("s3", _s3(s3)), ("http", _http(web))):
            took = _alternating(contenders, TIMES * rounds)
            for name in contenders:
                wall, wall_text = ratio(took[name, "wall"], took["direct", "wall"])
                _, cpu_text = ratio(took[name, "cpu"], took["direct", "cpu"])
                section.add(f"{scheme}, {name}", milliseconds(middle(took[name, "wall"])),
                            milliseconds(middle(took[name, "cpu"])), wall_text, cpu_text)
                if name != "direct":
                    section.note(f"{scheme}: {name} to direct", wall)
    return section


def _alternating(contenders, times):
    took = {(name, what): [] for name in contenders for what in ("wall", "cpu")}
    for read in contenders.values():
        read()  # connections, imports
    for _ in range(times):
        for name, read in contenders.items():
            began, cpu = perf_counter(), process_time()
            size = len(read())
            took[name, "cpu"].append(process_time() - cpu)
            took[name, "wall"].append(perf_counter() - began)
            if size != SIZE:
                raise RuntimeError(f"{name} read {size} bytes of {SIZE}")
    return took


def _s3(port):
    import boto3
    from botocore.config import Config

    from mr_extract import storage
    from mr_extract.storage.access import Access

    endpoint = f"http://127.0.0.1:{port}"
    storage.configure(Access(s3_endpoint_url=endpoint))
    client = boto3.client("s3", endpoint_url=endpoint)
    trusting = boto3.client("s3", endpoint_url=endpoint,
                            config=Config(response_checksum_validation="when_required"))

    def by(client):
        return lambda: client.get_object(Bucket="bucket", Key="file")["Body"].read()

    found = {
        "direct": by(client),
        "direct, S3's checksums not computed again": by(trusting),
        "mr_extract": lambda: storage.read("s3://bucket/file"),
    }
    return found | _smart_open("s3://bucket/file", {"client": client})


def _http(port):
    import urllib3

    from mr_extract import storage

    uri, pool = f"http://127.0.0.1:{port}/file", urllib3.PoolManager()
    found = {
        "direct": lambda: pool.request("GET", uri).data,
        "mr_extract": lambda: storage.read(uri),
    }
    return found | _smart_open(uri, None)


def _smart_open(uri, parameters):
    if find_spec("smart_open") is None or find_spec("requests") is None:
        print("bench: no smart_open (pip install 'smart_open[s3,http]'), it is left out",
              file=sys.stderr)
        return {}
    from smart_open import open as smart_open

    def read():
        with smart_open(uri, "rb", transport_params=parameters, compression="disable") as file:
            return file.read()

    return {"smart_open": read}
