"""What a launch on EMR costs the driver, and what it brings to the bucket."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from bench.processes import environment, job, module
from bench.report import Section, give, takes_output

FOLDER = "mr_extract/"
_AWS = {
    "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
_WITHIN = 300.0  # seconds until a step is there


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m bench emr-launch", description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000, metavar="N")
    parser.add_argument("--quick", action="store_true",
                        help="few lines: tries the script, no more")
    takes_output(parser)
    options = parser.parse_args(arguments)
    lines = 2000 if options.quick else options.lines
    with tempfile.TemporaryDirectory(prefix="bench-emr-") as folder, bucket() as (port, brought):
        give([measure(Path(folder), port, brought, lines)], options.output)


def measure(folder, port, brought, lines):
    """Return the section on launches: of code and Python alone, then of jobs."""
    section = Section(
        "Launching",
        f"Against moto's S3 and EMR, which give no step to anybody. A job has {lines:,} lines of "
        "some 70 bytes with sizes; the driver's CPU is that of its process, and of the one that "
        "compiles its code, from the command until EMR has the step. `pack` is what a job does for "
        "Python and code where nobody has.",
        ("", "driver, CPU s", "Python, MB", "code, MB", "the job's own, MB"),
    )
    given = {**environment(), **_AWS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    manifest, conf = folder / "list.txt", folder / "mrjob.conf"
    manifest.write_text("".join(f"s3://archive/release-3/frame-r-{k:08d}.fits\tbytes={6_000_000+k}"
                                "\tfilter=r\n" for k in range(lines)))
    conf.write_text(json.dumps({"runners": {"emr": {
        "cloud_tmp_dir": f"s3://mine/{FOLDER}", "region": "us-east-1", "num_core_instances": 8,
        "python_bin": [sys.executable], "check_cluster_every": 60,
        "iam_instance_profile": "a", "iam_service_role": "b"}}}))
    pack = module("emr", "pack", f"s3://mine/{FOLDER}")
    launch = job("-r", "emr", "--yes", "--quiet", "--conf-path", conf, manifest)
    for when in ("first", "again"):
        subprocess.run(pack, env=given, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        _add(section, f"`python -m emr pack`, {when}", None, brought)
    for when in ("first", "again"):
        seconds = _submitted(launch, given)
        _add(section, f"a job, {when}", seconds, brought)
        section.note(f"driver, {lines} lines, {when}, CPU s", seconds)
    return section


def _add(section, title, seconds, brought):
    megabytes = [f"{brought[kind] / 1e6:.1f}" for kind in ("env", "code", "")]
    section.add(title, "" if seconds is None else f"{seconds:.1f}", *megabytes)
    brought.clear()


def _submitted(command, given):
    """Return the CPU seconds of a driver until EMR has its step; then it is ended."""
    from moto.emr.models import emr_backends

    def steps():
        return sum(len(cluster.steps) for account in list(emr_backends.values())
                   for backend in list(account.values())
                   for cluster in list(backend.clusters.values()))

    before, deadline = steps(), time.monotonic() + _WITHIN
    process = subprocess.Popen(command, env=given, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    try:
        while steps() == before:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no step came: {process.stderr.read().decode()[-1000:]}")
            time.sleep(0.02)
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


@contextmanager
def bucket():
    """Give the port of an S3 and EMR with a bucket, and the bytes that are brought to it."""
    import logging

    import boto3
    from moto.emr import models
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server, brought = ThreadedMotoServer("127.0.0.1", 0, verbose=False), Counter()
    named = models.Cluster.add_applications
    models.Cluster.add_applications = _with_versions
    server.start()
    answer = server._server.app

    def counted(environ, start_response):
        if environ["REQUEST_METHOD"] in ("PUT", "POST") and environ["PATH_INFO"].startswith(
                f"/mine/{FOLDER}"):
            name = environ["PATH_INFO"].removeprefix(f"/mine/{FOLDER}kept/").partition("-")[0]
            kind = name if name in ("env", "code") else ""
            brought[kind] += int(environ.get("CONTENT_LENGTH") or 0)
        return answer(environ, start_response)

    server._server.app = counted
    port = server.get_host_and_port()[1]
    try:
        boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
                     aws_access_key_id="a", aws_secret_access_key="b").create_bucket(Bucket="mine")
        yield port, brought
    finally:
        server.stop()
        models.Cluster.add_applications = named


def _with_versions(cluster, applications):
    """Let moto tell the version of Hadoop, as EMR does, without which mrjob makes no step."""
    from moto.emr import models

    cluster.applications.extend(models.Application(one.get("name") or one["Name"], "3.4.0", [], {})
                                for one in applications)
