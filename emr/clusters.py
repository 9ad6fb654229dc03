"""``launch``, ``status``, ``logs`` and ``stop``: clusters that cost money while they live."""

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3

from mr_extract.jobs.runners.emr import logs as stored
from mr_extract.jobs.runners.emr.consent import check_that_somebody_agrees
from mr_extract.jobs.runners.emr.refusals import with_advice
from mr_extract.jobs.runners.emr.runner import EmrRunner

_ALIVE = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING"]
_LOOK = 5.0  # seconds


def add_launch(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``launch``."""
    parser.add_argument("--conf-path", required=True, metavar="FILE", help="as of the jobs")
    parser.add_argument("--yes", action="store_true", help="do not ask, though it costs money")


def launch(options: argparse.Namespace) -> int:
    """Start a cluster that ends when it has been idle for ``max_mins_idle``."""
    runner = EmrRunner(conf_paths=[options.conf_path], pool_clusters=True)
    check_that_somebody_agrees(options.yes)
    runner.check_bucket()
    runner.ask_before_launch(options.yes)
    print(runner.make_persistent_cluster())
    print("emr launch: it costs money until it ends; jobs join it with --pool-clusters and the "
          "same --conf-path", file=sys.stderr)
    return 0


def add_status(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``status``."""
    parser.add_argument("clusters", nargs="*", metavar="CLUSTER")


def status(options: argparse.Namespace) -> int:
    """Print a line for each cluster, and one for each of its steps where it is named."""
    client = boto3.client("emr")
    for name in options.clusters or list(_living(client)):
        cluster = client.describe_cluster(ClusterId=name)["Cluster"]
        print(f"{name}\t{cluster['Status']['State']}\t{_hours(cluster):.1f} hours\t"
              f"{cluster['Name']}{_reason(cluster)}")
        for step in _steps(client, name) if options.clusters else ():
            print(f"{name}\t{step['Id']}\t{step['Status']['State']}\t{step['Name']}")
    return 0


def add_logs(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``logs``."""
    parser.add_argument("cluster", metavar="CLUSTER")


def logs(options: argparse.Namespace) -> int:
    """Print why a cluster and its steps failed, as far as the logs have come."""
    client = boto3.client("emr")
    cluster = client.describe_cluster(ClusterId=options.cluster)["Cluster"]
    folder = cluster.get("LogUri", "").replace("s3n://", "s3://")
    if not folder:
        raise ValueError(f"{options.cluster} has no logs: it was started without a place for them")
    folder = f"{folder.rstrip('/')}/{options.cluster}/"
    print(f"{options.cluster}\t{cluster['Status']['State']}{_reason(cluster)}\t{folder}")
    message = cluster["Status"].get("StateChangeReason", {}).get("Message", "")
    if log := stored.bootstrap_log(folder, message):
        print(f"{log}\t{stored.last_words(stored.read_log(log)) or 'not there yet'}")
    for step in _steps(client, options.cluster):
        if step["Status"]["State"] == "FAILED":
            cause = stored.cause_of_step(folder, step["Id"])
            print(f"{stored.syslog_of(folder, step['Id'])}\t"
                  f"{cause or 'not there yet, or it does not tell'}")
    return 0


def add_stop(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``stop``."""
    parser.add_argument("clusters", nargs="+", metavar="CLUSTER")


def stop(options: argparse.Namespace) -> int:
    """End clusters, and return when EMR says that they have ended."""
    client = boto3.client("emr")
    client.terminate_job_flows(JobFlowIds=options.clusters)
    for name in options.clusters:
        while (state := client.describe_cluster(ClusterId=name)["Cluster"]["Status"]["State"]) \
                in _ALIVE:
            time.sleep(_LOOK if state == "TERMINATING" else 1.0)
        print(f"{name}\t{state}")
    return 0


def _living(client: Any) -> Iterator[str]:
    for page in client.get_paginator("list_clusters").paginate(ClusterStates=_ALIVE):
        yield from (cluster["Id"] for cluster in page["Clusters"])


def _steps(client: Any, name: str) -> Iterator[Any]:
    for page in client.get_paginator("list_steps").paginate(ClusterId=name):
        yield from page["Steps"]


def _hours(cluster):
    told = cluster["Status"]["Timeline"]
    ended = told.get("EndDateTime") or datetime.now(UTC)
    return (ended - told["CreationDateTime"]).total_seconds() / 3600


def _reason(cluster):
    message = cluster["Status"].get("StateChangeReason", {}).get("Message", "")
    return f"\t{with_advice(message)}" if message else ""
