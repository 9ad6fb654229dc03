"""mrjob's EMR runner, made fit for a user who pays for it.

mrjob's own sends its job anew each time, makes a bucket where none is named, waits ten minutes
for the logs of a job that failed, and says little while a cluster costs money. Here code and
Python are kept in the bucket under names made of their bytes, the user is told what a cluster
does, and it ends with the job, when it is idle, or after the hours that were allowed.
"""

from __future__ import annotations

import io
import json
import os
import time
from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from mrjob.compat import version_gte
from mrjob.conf import combine_dicts
from mrjob.step import StepFailedException

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.driver.record import CLUSTER, FACTS, PLAN
from mr_extract.jobs.driver.record import FOLDER as RECORD
from mr_extract.jobs.runners.elsewhere import CODE, Elsewhere, JobFailed
from mr_extract.jobs.runners.emr.asked import elsewhere, far_away
from mr_extract.jobs.runners.emr.consent import check_that_somebody_agrees
from mr_extract.jobs.runners.emr.costing import Costing
from mr_extract.jobs.runners.emr.kept import brought, kept, remove
from mr_extract.jobs.runners.emr.machines import GRAVITON, as_text, workers_of
from mr_extract.jobs.runners.emr.refusals import NO_REGION, explained
from mr_extract.jobs.runners.emr.waiting import ENDED, Waiting
from mr_extract.jobs.runners.hadoop.bare_nodes import AUTO, ENVIRONMENT, PYTHON, chosen_archive
from mr_extract.jobs.runners.hadoop.output import BrokenOff

if TYPE_CHECKING:
    from mr_extract.jobs.driver.plan import Plan

RELEASE = "emr-7.5.0"
_NONE = "no-region"
_GLIBC = {"emr-7.": "2.34", "emr-6.": "2.26"}  # of Amazon Linux 2023 and 2
#: Of Java in the containers that `Elsewhere` asks for; EMR's own is for larger ones.
_JAVA = {"mapreduce.map.java.opts": "-Xmx512m", "mapreduce.reduce.java.opts": "-Xmx768m"}


class EmrRunner(Elsewhere, Costing, Waiting):
    """Start or join a cluster, run one map task for each shard, and end what was started."""

    _travels = False

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        if self._opts["region"] == _NONE:
            raise ValueError(NO_REGION)

    @classmethod
    def _default_opts(cls):
        return combine_dicts(super()._default_opts(), {
            "bootstrap_mrjob": False, "bootstrap_python": False, "python_bin": [PYTHON],
            "region": boto3.Session().region_name or _NONE, "release_label": RELEASE,
            "applications": ["Hadoop"], "cleanup_on_failure": ["TMP"], "cloud_fs_sync_secs": 0.0,
        })

    def _set_cloud_tmp_dir(self):
        # mrjob would make a bucket.
        if not (self._output_dir or "").startswith("s3"):
            raise ValueError("-r emr needs a folder of a bucket of yours for what travels: "
                             "--cloud-tmp-dir s3://BUCKET/FOLDER/, or cloud_tmp_dir in mrjob.conf")
        bucket = self._output_dir.partition("://")[2].partition("/")[0]
        self._opts["cloud_tmp_dir"] = f"s3://{bucket}/mr_extract/"

    @property
    def folder(self) -> str:
        """URI of the folder that is the job's alone."""
        return str(self._cloud_tmp_dir)

    @property
    def notes(self) -> str:  # type: ignore[override]
        """Where attempts leave what the next one should know."""
        return f"{self._cloud_tmp_dir}attempts"

    @property
    def brings_python(self) -> bool:
        """Whether tasks run with the Python of an archive; it must be shipped then."""
        return self._opts["python_bin"] == [PYTHON]

    def prepare(self, options: Namespace, plan: Plan, merged: bool) -> None:
        """Ask before a cluster starts, and bring Python where the nodes have none.

        Parameters
        ----------
        options : argparse.Namespace
        plan : mr_extract.jobs.driver.plan.Plan
        merged : bool
            One catalog is made by the driver.

        Raises
        ------
        ValueError
            When nobody agrees to a cluster, or what it costs is not known.
        JobFailed
            When something is not there that the job needs.
        """
        from mr_extract.env_archive.archive import needs_of

        self.max_hours = options.max_hours
        if options.quiet:
            self.say = lambda _: None
        if self.starts_a_cluster:
            check_that_somebody_agrees(options.yes)
        self.check_bucket()
        if self.starts_a_cluster:
            self.ask_before(plan, options, merged)
        else:
            for bucket, (place, _) in elsewhere(plan, self.region).items():
                complain(far_away(bucket, place, self.region))
        if options.env_archive or self.brings_python:
            archive = options.env_archive or chosen_archive(AUTO, self.say)
            self.say(self.ship_environment(archive, needs_of(archive)))

    def ship_environment(self, archive: str, needs: tuple[str, str] | None) -> str:
        """Let tasks run with the Python of an archive, and say what was done for it.

        Parameters
        ----------
        archive : str
            A path or a URI.
        needs : tuple of str, optional
            Machine and glibc, as `mr_extract.env_archive.archive.needs_of` returns them.
        """
        if needs:
            self._check_machines(*needs)
        uri, words = self._kept(archive, "env")
        self._working_dir_mgr.add("archive", uri, ENVIRONMENT)
        return f"the nodes' Python is that of {words}"

    def _check_machines(self, machine, glibc):
        """Refuse an archive with which every task would fail, before it costs money."""
        place = "make it on such a machine (python -m mr_extract.env_archive) and name it with " \
                "--env-archive"
        for kind in sorted({kind for one in workers_of(self.groups) for kind in one.kinds}):
            wants = "aarch64" if GRAVITON.match(kind) else "x86_64"
            if machine != wants:
                raise JobFailed(f"machines of type {kind} are {wants}, and the archive of the "
                                f"environment is for {machine}: {place}")
        has = next((version for label, version in _GLIBC.items()
                    if self._opts["release_label"].startswith(label)), "")
        if has and not self._opts["image_id"] and not version_gte(has, glibc):
            raise JobFailed(f"nodes of {self._opts['release_label']} have glibc {has}, and the "
                            f"archive of the environment needs {glibc}: {place}")

    def _kept(self, path, stem):
        try:
            return kept(path, f"{self._opts['cloud_tmp_dir']}kept/", stem)
        except ImageFailure as failure:
            raise JobFailed(f"{self._opts['cloud_tmp_dir']}: {failure.message}") from failure

    def _add_job_files_for_upload(self):
        super()._add_job_files_for_upload()
        uri, words = self._kept(self._code_archive(), "code")
        self._working_dir_mgr.add("archive", uri, CODE)
        self._add_folders()  # not kept: they are the user's, and the bucket costs money
        self.say(f"the code is that of {words}")

    def _jobconf_for_step(self, step_num):
        return {**_JAVA, **super()._jobconf_for_step(step_num)}

    def _cluster_kwargs(self, persistent=False):
        found = super()._cluster_kwargs(persistent)
        # EMR's own watch, which needs neither us nor the cluster to be in order.
        idle = max(60, int(self._opts["max_mins_idle"] * 60))
        found.setdefault("AutoTerminationPolicy", {"IdleTimeout": idle})
        return found

    # mrjob makes a client for each file that it brings or removes, of which there may be hundreds.

    def _upload_local_files(self):
        self._copy_files_to_wd_mirror()
        client = self.fs.s3.make_s3_client()
        brought(client, self._upload_mgr.path_to_uri())
        record = os.path.join(os.path.dirname(os.path.dirname(self._input_paths[0])), RECORD)
        if not os.path.isdir(record):
            return  # a cluster alone is launched
        for name in (PLAN, FACTS):  # the last: where it is, all is
            brought(client, {os.path.join(record, name): f"{self.folder}{RECORD}/{name}"})

    def _cleanup_cloud_tmp(self):
        if not self._travels:
            return  # a bucket that was not reached is not asked for what is not there
        try:
            remove(self.fs.s3.make_s3_client(), self._cloud_tmp_dir)
        except (ClientError, BotoCoreError) as error:
            complain(f"what travelled with the job is still in {self._cloud_tmp_dir}: "
                     f"{explained(error)}")

    def _run(self):
        try:
            self._travels, self._started = True, time.monotonic()
            super()._run()
        except (ClientError, BotoCoreError, Boto3Error) as error:
            raise JobFailed(explained(error)) from error
        except StepFailedException as error:
            raise JobFailed(self._why or str(error)) from error

    def check_bucket(self) -> None:
        """Raise JobFailed where the bucket is not there, which mrjob would make."""
        bucket = self._opts["cloud_tmp_dir"].partition("://")[2].partition("/")[0]
        try:
            told = self.fs.s3.make_s3_client().head_bucket(Bucket=bucket)
        except (ClientError, BotoCoreError) as error:
            raise JobFailed(f"s3://{bucket}: {explained(error)}") from error
        place = told["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", self.region)
        if place != self.region:
            complain(f"warning: cloud_tmp_dir is in {place} and the cluster in {self.region}: what "
                     "travels between them costs transfer")

    def _launch_emr_job(self):
        self.launched = time.monotonic()
        super()._launch_emr_job()
        # For whoever finds the job without its driver.
        storage.write(f"{self.folder}{RECORD}/{CLUSTER}", io.BytesIO(json.dumps({
            "cluster": self._cluster_id, "step": self._step_ids[-1], "region": self.region,
            "own": self._created_cluster and not self._opts["pool_clusters"]}).encode()))
        verb = "starts" if self._created_cluster else "has the job"
        what = as_text(workers_of(self.groups))
        self.say(f"cluster {self._cluster_id} ({what}; {self._opts['region']}) {verb}; "
                 f"python -m emr status {self._cluster_id}")

    def counters(self) -> list[dict[str, dict[str, int]]]:
        """Return none: they are in a log that comes minutes later; see `read_counters`."""
        return []

    def cleanup(self, mode: list[str] | None = None) -> None:
        """Remove what the job left in the bucket, and end the cluster that it started."""
        try:
            super().cleanup(mode)
        finally:
            if self._created_cluster and not self._opts["pool_clusters"]:
                self._check_that_it_ends()

    def _check_that_it_ends(self):
        try:
            self._end_own_cluster()
            state = self._describe_cluster()["Status"]["State"]
        except (ClientError, BotoCoreError) as error:
            state = explained(error)
        if state not in ENDED:
            complain(f"cluster {self._cluster_id} could not be ended ({state}) and costs money: "
                     f"python -m emr stop {self._cluster_id}")

    def cat_output(self) -> Iterator[bytes]:
        """Yield the output of all tasks, unpacked where it is compressed.

        Raises
        ------
        BrokenOff
            What came before is not all there is.
        """
        # mrjob's `get_output_dir` knows of none when the job has failed.
        try:
            for uri in sorted(self.fs.ls(f"{self._output_dir}part-*")):
                yield from self.fs.cat(uri)
        except (ClientError, BotoCoreError, OSError) as error:
            raise BrokenOff(f"reading {self._output_dir} broke off: {explained(error)}") from error


def folder_of(configuration: str | None) -> str:
    """Return the folder of a bucket for what travels, as a configuration says.

    Parameters
    ----------
    configuration : str or None
        Path of a mrjob.conf; None for the one that mrjob finds.

    Raises
    ------
    ValueError
        When it says none, or no region.
    """
    runner = EmrRunner(conf_paths=None if configuration is None else [configuration])
    return str(runner._opts["cloud_tmp_dir"])
