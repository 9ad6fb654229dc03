"""Jobs of ``-r emr`` whose driver is gone: their records are in a bucket, beside the shards."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.driver.left import Left
from mr_extract.jobs.driver.plan import Plan
from mr_extract.jobs.driver.record import CLUSTER, FACTS, FOLDER, PLAN, parse_record
from mr_extract.jobs.runners.hadoop.output import BrokenOff

_OPENED = {"gz": gzip.open, "bz2": bz2.open}  # as Hadoop names what it has compressed


class LeftInBucket(Left):
    """A job that ran, or runs, on a cluster of EMR."""

    def _goes_on(self):
        told = self._cluster()
        if not told:
            return False
        client = _client("emr", told["region"])
        with _said(f"cluster {told['cluster']}"):
            cluster = client.describe_cluster(ClusterId=told["cluster"])["Cluster"]
            if _has_ended(cluster):
                return False  # its steps may not know it
            step = client.describe_step(ClusterId=told["cluster"], StepId=told["step"])["Step"]
        return step["Status"]["State"] in ("PENDING", "RUNNING")

    def _plan_elsewhere(self):
        return Plan.read(io.BytesIO(_read(f"{self._record}{PLAN}")).readlines())

    def copy_output(self, text: BinaryIO) -> None:
        """Write to a file what its tasks have written, as `Left.copy_output`."""
        try:
            for uri in _listed(f"{self.record.output.rstrip('/')}/part-"):
                with _said(uri), _opened(uri) as part:
                    shutil.copyfileobj(part, text, 1 << 20)
        except OSError as error:
            raise BrokenOff(f"reading {self.record.output} broke off: {error}") from error

    def end_cluster(self) -> None:
        """End the cluster that was started for this job alone, and is idle now."""
        told = self._cluster()
        if not told or not told["own"]:
            return
        client, name = _client("emr", told["region"]), told["cluster"]
        with _said(f"cluster {name}"):
            if _has_ended(client.describe_cluster(ClusterId=name)["Cluster"]):
                return
            client.terminate_job_flows(JobFlowIds=[name])
        complain(f"cluster {name} is told to end")

    def _remove_elsewhere(self):
        from mr_extract.jobs.runners.emr.kept import remove

        if self.ending is None:
            self.end_cluster()
            with _said(self.record.folder):
                remove(_client("s3"), self.record.folder)

    @property
    def _record(self):
        return f"{self.record.folder}{FOLDER}/"

    def _cluster(self):
        """Return what its driver has noted of the cluster; None where it came to none."""
        try:
            return json.loads(_read(f"{self._record}{CLUSTER}"))
        except FileNotFoundError:
            return None


def left_in_bucket(folder: str) -> Iterator[LeftInBucket]:
    """Yield the jobs whose records are in a folder of a bucket.

    Parameters
    ----------
    folder : str
        As of ``--cloud-tmp-dir``: a URI.

    Raises
    ------
    OSError
        When the bucket cannot be read; with what to do.
    """
    for job in _listed(f"{folder.rstrip('/')}/", "/"):
        try:
            record = parse_record(_read(f"{job}{FOLDER}/{FACTS}").decode())
        except FileNotFoundError:
            continue  # another folder
        except ValueError as error:
            complain(f"{job} is passed over: {error}")
            continue
        yield LeftInBucket(record, job, f"{job}{FOLDER}")


def _has_ended(cluster):
    from mr_extract.jobs.runners.emr.waiting import ENDED

    return cluster["Status"]["State"] in ENDED


def _client(service: str, region: str | None = None) -> Any:
    import boto3

    with _said(service):
        return boto3.client(service, region_name=region)


def _listed(prefix, delimiter=""):
    """Return the URIs of objects that begin so; with a delimiter, of folders."""
    bucket, _, key = prefix.partition("://")[2].partition("/")
    with _said(f"s3://{bucket}"):
        pages = list(_client("s3").get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=key, Delimiter=delimiter))
    names = ([one["Prefix"] for page in pages for one in page.get("CommonPrefixes", ())]
             if delimiter else [one["Key"] for page in pages for one in page.get("Contents", ())])
    return [f"s3://{bucket}/{name}" for name in sorted(names)]


def _opened(uri):
    bucket, _, key = uri.partition("://")[2].partition("/")
    body = _client("s3").get_object(Bucket=bucket, Key=key)["Body"]
    how = _OPENED.get(key.rpartition(".")[2])
    return how(body) if how else body


def _read(uri):
    """Return the bytes of a small object; FileNotFoundError where it is not there."""
    with _said(uri), _opened(uri) as body:
        return body.read()


@contextmanager
def _said(what):
    """Have what AWS says as an OSError, in words that tell what to do."""
    from botocore.exceptions import BotoCoreError, ClientError

    from mr_extract.jobs.runners.emr.refusals import explained

    try:
        yield
    except (ClientError, BotoCoreError) as error:
        code = getattr(error, "response", {}).get("Error", {}).get("Code")
        kind = FileNotFoundError if code in ("NoSuchKey", "404") else OSError
        raise kind(f"{what}: {explained(error)}") from error
