"""What runners have in common whose tasks run elsewhere: our code, and Hadoop, travel with them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mrjob.bin import MRJobBinRunner
from mrjob.step import StepFailedException

from mr_extract.jobs.runners.hadoop.plain_arguments import plain
from mr_extract.jobs.runners.hadoop.settings import COMMITTER, DEFAULTS, REDUCES, TAGS
from mr_extract.jobs.runners.hadoop.shipping import folder_there, write_code_archive, zipped

CODE = "mr_extract_code"  # the folder of the code where a task runs


class JobFailed(StepFailedException):
    """The job failed, for the reason given and in no other words."""

    def __str__(self) -> str:
        return self.reason


class Elsewhere(MRJobBinRunner):
    """Hadoop streaming with the properties, the environment and the code of this package.

    Attributes
    ----------
    images : int
        How many the job has, for its name.
    reduces : int
        The number of reduce tasks, where there are any.
    notes : str
        URI of a folder that does not exist yet, for what attempts leave to the next one.
    modules : dict of str to pathlib.Path
        Python files of the user's that tasks import, by their names there.
    folders : sequence of str
        That tasks read, each under the name that `folder_there` gives it.
    """

    images, reduces, notes = 0, 1, ""
    folders: Sequence[str] = ()
    modules: Mapping[str, Path] = {}
    packed: Sequence[str] = ()

    def _jobconf_for_step(self, step_num):
        own = {"mapreduce.job.name": f"mr_extract, {self.images} images",
               TAGS: self.get_job_key()}  # by which YARN knows it when its driver is gone
        if "reducer" in self._get_step(step_num):
            own[REDUCES] = self.reduces
        else:
            # Nobody but us reads the output: what a task wrote may survive a job that fails.
            own[COMMITTER] = 2
        return {**DEFAULTS, **own, **super()._jobconf_for_step(step_num)}

    def _mr_job_extra_args(self, local=False):
        return [*super()._mr_job_extra_args(local), *plain([f"--attempt-notes={self.notes}"])]

    def _cmdenv(self) -> dict[str, Any]:
        given = super()._cmdenv()
        paths = [CODE, *filter(None, [given.get("PYTHONPATH")])]
        return {"OPENBLAS_NUM_THREADS": "1", **given, "PYTHONPATH": ":".join(paths)}

    def _add_folders(self):
        for folder in self.folders:
            self._working_dir_mgr.add("archive", zipped(folder), folder_there(folder))

    def put(self, path: str, uri: str) -> None:
        """Write a file beside the parts of the output."""
        self.fs.put(path, uri)

    def _code_archive(self):
        path = os.path.join(self._get_local_tmp_dir(), f"{CODE}.zip")
        write_code_archive(path, self.modules)
        return path
