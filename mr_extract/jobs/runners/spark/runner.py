"""mrjob's Spark runner, made fit for clusters.

mrjob's own needs the command ``hadoop`` for all that is not on this machine, ships one file of
code, gives all images up when one task does not end, and shows what Spark says in place of what
becomes of the job. Here a shard is a task, this package goes with them, and Spark runs a program
of ours in place of mrjob's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from mrjob.conf import combine_dicts
from mrjob.fs.composite import CompositeFilesystem
from mrjob.fs.local import LocalFilesystem
from mrjob.spark.runner import SparkMRJobRunner

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.driver.gather import complain
from mr_extract.jobs.driver.record import FOLDER as RECORD
from mr_extract.jobs.runners.elsewhere import CODE, Elsewhere, JobFailed
from mr_extract.jobs.runners.hadoop.bare_nodes import ENVIRONMENT
from mr_extract.jobs.runners.import_path import import_path
from mr_extract.jobs.runners.spark import settings
from mr_extract.jobs.runners.spark.folder import Folder, for_java, is_bucket, is_ours
from mr_extract.jobs.runners.spark.places import check_reachable, hadoop_command, placed
from mr_extract.jobs.runners.spark.state import STOP, TOLD
from mr_extract.jobs.runners.spark.submission import properties, travelling
from mr_extract.jobs.task.parent import end_when_parent_does
from mr_extract.settings.options import access_arguments

_SHARDS, _OUTPUT = "shards", "output"
_PATIENCE = 20.0  # seconds in which spark-submit should end when it is told to


class SparkRunner(Elsewhere, SparkMRJobRunner):
    """Run one task for each shard, in a job of Spark.

    Attributes
    ----------
    watch : mr_extract.jobs.runners.spark.progress.Watch
        Follows the job.
    environment : str
        A path or URI of an archive whose Python runs the tasks; empty without one.
    is_packed : bool
        The lines name records of packed files: a task should run near to its own.
    """

    watch: Any = None
    environment, is_packed = "", False

    def __init__(self, *args: Any, output_dir: str | None = None, **keywords: Any) -> None:
        super().__init__(*args, output_dir=output_dir or "set below", **keywords)
        self._folder = Folder(self._spark_tmp_dir, self._hadoop_command())
        self._output = self._folder / _OUTPUT
        if output_dir:
            self._output = Folder(placed(self._spark_master(), output_dir), self._hadoop_command())
        self._output_dir = self._output.uri
        self._made = False

    @classmethod
    def _default_opts(cls):
        return combine_dicts(super()._default_opts(), {
            "bootstrap_mrjob": False, "python_bin": [sys.executable],
            "cleanup_on_failure": ["ALL"],  # the user is told why, and shards are made anew
        })

    @property
    def images(self) -> int:  # type: ignore[override]
        """How many images the job has."""
        return self.watch.images

    @property
    def folder(self) -> str:
        """URI of the folder that is the job's alone."""
        return self._folder.uri

    @property
    def notes(self) -> str:  # type: ignore[override]
        """Where attempts leave what the next one should know."""
        return f"{self.folder}/attempts"

    @property
    def fs(self) -> CompositeFilesystem:
        """Where mrjob looks for the shards: this machine."""
        found = CompositeFilesystem()
        found.add_fs("local", LocalFilesystem())
        return found

    def _check_spark_tmp_dir_opt(self):
        pass  # whoever has made our options has

    def _pick_spark_tmp_dir(self):
        return f"{self._opts['spark_tmp_dir'].rstrip('/')}/{self._job_key}"

    def _hadoop_command(self):
        return self._opts["hadoop_bin"] or hadoop_command()

    @property
    def _is_here(self):
        return settings.is_here(self._spark_master())

    @property
    def _is_beside(self):
        """The program runs on this machine, as a child of spark-submit."""
        return self._spark_deploy_mode() != "cluster"

    def ship_environment(self, archive: str) -> str:
        """Let tasks run with the Python of an archive, and say what was done for it.

        Parameters
        ----------
        archive : str
            As `mr_extract.jobs.runners.hadoop.bare_nodes.chosen_archive` returns it.
        """
        from mr_extract.jobs.runners.emr.kept import kept

        self.environment, words = archive, archive
        # Of a bucket Spark by itself may know nothing.
        if is_ours(self.folder) and not (storage.is_local(self.folder) or is_bucket(self.folder)):
            # A place that stays: YARN's nodes unpack an archive once, and for the next jobs too.
            try:
                self.environment, words = kept(
                    archive, f"{self._opts['spark_tmp_dir'].rstrip('/')}/kept/", "env")
            except ImageFailure as failure:
                raise JobFailed(f"the archive of the environment could not be put in "
                                f"{self._opts['spark_tmp_dir']}: {failure.message}") from failure
        return f"the nodes' Python is that of {words}"

    def _run(self):
        self._upload()
        command = self._command()
        environment = {**os.environ, "PYTHONPATH": import_path()}
        if not self._is_beside:
            self.watch.ask = lambda: self._folder.read(TOLD)
        try:
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, start_new_session=True,  # Ctrl-C is for us to act upon
                preexec_fn=end_when_parent_does if self._is_beside else None)
        except OSError as error:
            raise JobFailed(f"{command[0]} cannot be run: {error.strerror}") from error
        try:
            with self.watch:
                self.watch.read(process.stdout)
                status = process.wait()
            if not self._is_beside:
                self.watch.look()
        except BaseException:
            self._end(process)
            raise
        finally:
            process.stdout.close()
        if status or not self.watch.is_done:
            raise JobFailed(self.watch.ending())

    def put(self, path: str, uri: str) -> None:
        """Write a file beside the parts of the output."""
        self._output.put({uri.rpartition("/")[2]: path})

    def _end(self, process):
        """End what runs, on the cluster too."""
        if not self._is_beside:
            self._end_elsewhere(process)
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _end_elsewhere(self, process):
        """Have the program end where it runs."""
        self._folder.put({STOP: os.devnull})
        try:
            process.wait(_PATIENCE)  # spark-submit waits for it
        except subprocess.TimeoutExpired:
            complain(f"{self.watch.application or 'what was submitted'} has not ended yet, and "
                     "will as soon as it begins")
            self._made = False  # what tells it so must stay

    def _upload(self):
        shards = os.path.dirname(self._input_paths[0])
        record = os.path.join(os.path.dirname(shards), RECORD)
        try:
            check_reachable(self._spark_master())
        except OSError as error:
            raise JobFailed(str(error)) from error
        try:
            self._folder.make()
            self._made = True
            self._folder.put_folder(_SHARDS, shards)
            if os.path.isdir(record):
                self._folder.put_folder(RECORD, record)
        except OSError as error:
            raise JobFailed(f"the job's folder cannot be written: {error}") from error

    def _command(self):
        """Return the words of spark-submit, with the program and its arguments."""
        words = [*self.get_spark_submit_bin(), "--name", f"mr_extract, {self.images} images",
                 "--master", self._spark_master()]
        if self._spark_deploy_mode():
            words += ["--deploy-mode", self._spark_deploy_mode()]
        told = properties(
            self._spark_master(), "client" if self._is_beside else "cluster",
            self._opts["jobconf"], " ".join(self._python_bin()), self._cmdenv(),
            for_java(self.folder), self._get_local_tmp_dir())
        told[settings.TAGS] = self.get_job_key()  # by which YARN knows it when its driver is gone
        for name, value in sorted(told.items()):
            words += ["--conf", f"{name}={value}"]
        if self._opts["libjars"]:
            words += ["--jars", ",".join(self._opts["libjars"])]
        if not self._is_here:
            words += self._travelling()
        words += self._opts["spark_args"]
        return [*words, settings.PROGRAM, *self._arguments()]

    def _arguments(self):
        step = self._get_step(0)
        reduces = ["--reduces", str(self.reduces)] if "reducer" in step else []
        job = f"{self._mrjob_cls.__module__}:{self._mrjob_cls.__name__}"
        return ["--job", job, "--input", for_java(f"{self.folder}/{_SHARDS}"),
                "--output", for_java(self._output.uri),
                "--told", for_java(f"{self.folder}/{TOLD}"), *reduces,
                *(["--echo"] if self._is_beside else []),
                *(["--packed"] if self.is_packed else []),
                *access_arguments(storage.access()),
                "--", *self._mr_job_extra_args(local=self._is_here)]

    def _cmdenv(self):
        # On this machine the package is where it is.
        return super(Elsewhere, self)._cmdenv() if self._is_here else super()._cmdenv()

    def _travelling(self):
        self._add_folders()
        files = {name: path for name, path in self._working_dir_mgr.name_to_path("file").items()
                 if path != self._script_path}
        archives = {CODE: self._code_archive(), **self._working_dir_mgr.name_to_path("archive")}
        if self.environment:
            archives[ENVIRONMENT] = self.environment
        return travelling(files, archives, self._opts["py_files"],
                          os.path.join(self._get_local_tmp_dir(), "travelling"))

    def counters(self) -> list[dict[str, dict[str, int]]]:
        """Return the counters of the job, by group and name."""
        return [self.watch.counters]

    def cat_output(self) -> Iterator[bytes]:
        """Yield what the tasks that have ended wrote.

        Raises
        ------
        mr_extract.jobs.runners.hadoop.output.BrokenOff
            What came before is not all there is.
        """
        return self._output.parts()

    def _cleanup_hadoop_tmp(self):
        if not self._made:
            return
        try:
            self._folder.remove()
        except OSError as error:
            complain(f"{self.folder} could not be removed: {error}")
