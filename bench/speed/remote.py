"""Images on S3, behind a slow link, against the same images on a local disk."""

import os
from dataclasses import replace

from bench.night import frames_of
from bench.processes import job, run
from bench.report import Section, middle, ratio
from bench.speed.served import served

LATENCY = 0.1  # seconds
TIMES = 2  # what the kernel eats the link carries so many times over


def measure(night, rounds):
    """Return the section on what reading ahead hides."""
    whole = night.manifest("local.txt", night.entries)
    size = sum(os.path.getsize(path) for path in night.paths)
    output = night.folder / "remote.tsv"

    def net(manifest, tiny, *more):
        cost = run(job("-r", "local", "--jobs=1", "--quiet", *more, manifest,
                       "--catalog", output))
        return cost - run(job("-r", "local", "--jobs=1", "--quiet", *more, tiny,
                              "--catalog", output))

    # Of a few small frames the difference may drown in the noise.
    bandwidth = TIMES * size / max(net(whole, night.tiny).wall, 0.01 * len(night.entries))
    took = {"local": [], "s3": []}
    with served("bench.speed.slow_link", LATENCY, bandwidth) as (service, link):
        far = _uploaded(night, service, "frames", night.entries, "s3.txt")
        tiny = _uploaded(night, service, "tiny", frames_of(night.tiny), "s3-tiny.txt")
        for _ in range(rounds):
            took["local"].append(net(whole, night.tiny))
            took["s3"].append(net(far, tiny, f"--s3-endpoint-url=http://127.0.0.1:{link}"))
    section = Section(
        "Images on S3",
        f"One task over {len(night.entries)} frames of {size / len(night.entries) / 1e6:.1f} MB, "
        f"without start-up, alternating, medians of {rounds} rounds. The link answers after "
        f"{1000 * LATENCY:.0f} ms and carries {bandwidth / 1e6:.0f} MB/s, {TIMES} times what the "
        "task eats from the disk.",
        ("", "wall, ms a frame", "CPU, ms a frame", "throughput to local disk"),
    )
    frames = len(night.entries)
    for title, name in (("local disk", "local"), ("S3", "s3")):
        value, text = ratio([c.wall for c in took["local"]], [c.wall for c in took[name]])
        section.add(title, *(f"{1000 * middle([getattr(c, what) for c in took[name]]) / frames:.0f}"
                             for what in ("wall", "cpu")), text)
    section.note("throughput from S3 to that from disk", value)
    section.note("megabytes a second of the link", bandwidth / 1e6)
    return section


def _uploaded(night, port, bucket, entries, name):
    """Copy frames to a bucket, past the link, and return their manifest."""
    import boto3

    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
    client.create_bucket(Bucket=bucket)
    far = []
    for entry in entries:
        key = os.path.basename(entry.uri)
        client.upload_file(entry.uri, bucket, key)
        far.append(replace(entry, uri=f"s3://{bucket}/{key}"))
    return night.manifest(name, far)
