"""mrjob's Hadoop runner, made fit for many shards.

mrjob's own starts a Java process for each file that it uploads or reads, ships
one file of code, and lets a job run on when its driver is stopped. Here all
shards travel at once, this package goes with them, and all parts of the output
come in one stream.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from mrjob.conf import combine_dicts
from mrjob.hadoop import HadoopJobRunner
from mrjob.logs.step import _interpret_hadoop_jar_command_stderr
from mrjob.step import StepFailedException

from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.driver.record import FOLDER as RECORD
from mr_extract.jobs.runners.elsewhere import CODE, Elsewhere, JobFailed
from mr_extract.jobs.runners.hadoop.bare_nodes import ENVIRONMENT, NotShipped, ship
from mr_extract.jobs.runners.hadoop.output import streamed
from mr_extract.jobs.runners.hadoop.places import JOBS, at_home, on_the_cluster

_REPLICAS = 3
_VERSION = re.compile(r"^hadoop-streaming-(\d+(?:\.\d+)+)[^/]*\.jar$")
_NO_PARENT, _WANTS_TICKET = "No such file or directory", "KERBEROS]"  # in what Java says


class HadoopRunner(Elsewhere, HadoopJobRunner):
    """Run one map task for each shard.

    `watch`, a `mr_extract.jobs.runners.hadoop.progress.Watch`, follows the job. `packed` names
    packed files that are its input in place of the shards: Hadoop splits them.
    """

    watch: Any = None
    _made = False

    def __init__(self, *args: Any, output_dir: str | None = None, **keywords: Any) -> None:
        super().__init__(*args, output_dir=output_dir and on_the_cluster(output_dir), **keywords)

    def _fix_opt(self, opt_key, opt_value, source):
        fixed = super()._fix_opt(opt_key, opt_value, source)
        if opt_key != "hadoop_tmp_dir":
            return fixed
        return at_home(fixed) if fixed == JOBS else on_the_cluster(fixed)

    @classmethod
    def _default_opts(cls):
        # An interpreter that has the packages; nodes without it need --env-archive.
        return combine_dicts(super()._default_opts(), {
            "bootstrap_mrjob": False, "python_bin": [sys.executable],
            "cleanup_on_failure": ["ALL"],  # the user is told why, and shards are made anew
        })

    def _cleanup_hadoop_tmp(self):
        # What was put in part is removed, too; if nothing could be, that has been said.
        why = self._asked("-rm", "-r", "-f", "-skipTrash", self._hadoop_tmp_dir)
        if why and self._made:
            complain(f"{self._hadoop_tmp_dir} could not be removed: {why}")

    def _run(self):
        try:
            super()._run()
        except subprocess.CalledProcessError as error:
            words = " ".join(error.cmd[-3:])
            raise JobFailed(
                f"the command `hadoop ... {words}` ended with status {error.returncode}"
            ) from error

    @property
    def images(self) -> int:  # type: ignore[override]
        """How many images the job has."""
        return self.watch.images

    @property
    def folder(self) -> str:
        """URI of the folder that is the job's alone."""
        return str(self._hadoop_tmp_dir)

    @property
    def notes(self) -> str:  # type: ignore[override]
        """Where attempts leave what the next one should know."""
        return f"{self._hadoop_tmp_dir}/attempts"

    def _wd_mirror(self):
        # Hadoop uploads what -files names with more replicas than our shards get.
        return None

    def _add_job_files_for_upload(self):
        super()._add_job_files_for_upload()
        self._working_dir_mgr.add("archive", self._code_archive(), CODE)
        self._add_folders()

    def ship_environment(self, archive: str) -> str:
        """Let tasks run with the Python of an archive, and say what was done for it.

        Parameters
        ----------
        archive : str
            As `mr_extract.jobs.runners.hadoop.bare_nodes.chosen_archive` returns it.

        Returns
        -------
        str
        """
        # A folder that stays: nodes unpack an archive once, and for the next jobs too.
        folder = at_home(".mr_extract")
        try:
            uri, words = ship(archive, self.get_hadoop_bin(), folder)
        except NotShipped as error:
            raise JobFailed(str(error)) from error
        self._working_dir_mgr.add("archive", uri, ENVIRONMENT)
        return words

    def _add_input_files_for_upload(self):
        pass  # `_upload_local_files` takes their folder

    def _find_binaries_and_jars(self):
        # To ask for the version takes a start of Java; most jars have it in their names.
        found = _VERSION.search(os.path.basename(self.get_hadoop_streaming_jar() or ""))
        if found:
            self.fs.hadoop._hadoop_version = found[1]
        super()._find_binaries_and_jars()

    def _upload_local_files(self):
        others = bool(self._upload_mgr.path_to_uri())
        if self.packed or others:
            super()._upload_local_files()
            self._made = True
        if self.packed:
            return
        shards = os.path.dirname(self._input_paths[0])
        if others:
            record = os.path.join(os.path.dirname(shards), RECORD)
            self._check_written(self._put(shards, self._shards)
                                or self._put(record, f"{self._hadoop_tmp_dir}/"))
            return
        # The folder around them, with the record of the job, becomes the job's own, so that it
        # need not be made before. What that stands in is there but for a user's first job.
        folder, place = os.path.dirname(shards), self._hadoop_tmp_dir
        why = self._put(folder, place)
        if _NO_PARENT in why:
            why = self._asked("-mkdir", "-p", os.path.dirname(place)) or self._put(folder, place)
        self._check_written(why)

    def _put(self, folder, place):
        """Copy a folder to the cluster; return why it cannot be, an empty text where it was."""
        # Where files have one replica, a lost node would take shards with it. They hold
        # addresses as they were given, passwords and all: nobody else may read them.
        return self._asked(
            "-D", f"dfs.replication={_REPLICAS}", "-D", "fs.permissions.umask-mode=077",
            "-put", folder, place)

    def _check_written(self, why):
        if why:
            asks = "; is there a Kerberos ticket?" if _WANTS_TICKET in why else ""
            raise JobFailed(f"the job's folder cannot be written: {why}{asks}")
        self._made = True

    def _asked(self, *words):
        """Run ``hadoop fs``; return what it says last when it fails, an empty text when not."""
        done = subprocess.run([*self.get_hadoop_bin(), "fs", *words], stdin=subprocess.DEVNULL,
                              capture_output=True)
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return (said or [f"it ended with status {done.returncode}"])[-1] if done.returncode else ""

    @property
    def _shards(self):
        return f"{self._hadoop_tmp_dir}/shards"

    def _step_input_uris(self, step_num):
        return list(self.packed) or [self._shards]

    def _run_job_in_hadoop(self):
        try:
            with self.watch:
                super()._run_job_in_hadoop()
        except StepFailedException as error:
            self._kill_job()  # if it was the command alone that failed
            raise JobFailed(self.watch.ending()) from error
        except BaseException:
            self._kill_job()
            raise

    def _run_hadoop(self, hadoop_args, env, record_callback):
        with subprocess.Popen(
            hadoop_args, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,  # Ctrl-C is for us to act upon
        ) as process:
            try:
                told = _interpret_hadoop_jar_command_stderr(
                    self.watch.through(process.stdout), record_callback)
                return process.wait(), told
            except BaseException:
                process.kill()
                raise

    def _read_logs(self):
        return False  # a Java process for each place where logs might be; `watch` asks YARN

    def _pick_error(self, log_interpretation, step_type):
        return None  # which would be printed: pages of Java

    def _kill_job(self):
        """Have YARN end the job, which does not need us to go on."""
        if self.watch.job:
            subprocess.run([*self.get_hadoop_bin(), "job", "-kill", self.watch.job],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)

    def cat_output(self) -> Iterator[bytes]:
        """Yield the output of all tasks, unpacked where it is compressed.

        Raises
        ------
        BrokenOff
            What came before is not all there is.
        """
        # mrjob's `get_output_dir` knows of none when the job has failed.
        return streamed(self.get_hadoop_bin(), f"{self._output_dir}/part-*")
