"""mrjob's local runner, made fit for long work on the cores of one machine.

mrjob's own waits for ever when a process of its pool is killed, gives up all
images when one task dies, and cuts the input by bytes. Here a task is one
shard, a task that dies is run again, and one that keeps dying loses no other.
"""

import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from mrjob.local import LocalMRJobRunner
from mrjob.step import StepFailedException

from mr_extract.jobs.runners.hadoop.plain_arguments import plain
from mr_extract.jobs.task.parent import PARENT
from mr_extract.jobs.task.retried import ATTEMPTS

_ATTEMPT = "mapreduce_task_attempt_id"
_SORT_MEMORY = "64M"


class LocalRunner(LocalMRJobRunner):
    """Run each shard in a process of its own, as many at once as there are jobs."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.complaints: list[str] = []
        self._running: set[subprocess.Popen] = set()
        self._lock, self._stopped = threading.Lock(), False
        self._attempts: dict[int, int] = {}  # by number of the map task, from 0

    def _pick_mapper_split_size(self, input_paths, step_num):
        return sys.maxsize

    def _sort_bin(self):
        # By itself `sort` takes half of the machine's memory.
        return self._opts["sort_bin"] or [*super()._sort_bin(), "-S", _SORT_MEMORY]

    def _invoke_task_func(self, task_type, step_num, task_num):
        return partial(self._run_process, self._substep_args(step_num, task_type), task_num)

    def _mr_job_extra_args(self, local=False):
        notes = os.path.join(self._get_local_tmp_dir(), "attempts")
        return [*super()._mr_job_extra_args(local), *plain([f"--attempt-notes={notes}"])]

    def _run_process(self, args, task_num, stdin, stdout, stderr, wd, env):
        # mrjob counts no attempts.
        attempt = re.sub(r"\d+$", str(self._attempts.get(task_num, 0)), env[_ATTEMPT])
        env = {**env, _ATTEMPT: attempt, PARENT: str(os.getpid())}
        with self._lock:
            if self._stopped:
                raise StepFailedException(reason="the job was stopped")
            process = subprocess.Popen(
                args, stdin=stdin, stdout=stdout, stderr=stderr, cwd=wd, env=env,
                start_new_session=True,  # Ctrl-C is for us to act upon
            )
            self._running.add(process)
        try:
            status = process.wait()
        finally:
            with self._lock:
                self._running.discard(process)
        if status:
            raise subprocess.CalledProcessError(status, args)

    def _run_mappers_and_combiners(self, step_num, map_splits):
        try:
            self._run_multiple(
                partial(self._attempt, step_num, task_num, split)
                for task_num, split in enumerate(map_splits)
            )
        finally:
            self._parse_task_counters("mapper", step_num)

    def _attempt(self, step_num, task_num, split):
        run = self._run_mapper_and_combiner_func(step_num, task_num, split)
        for attempt in range(1, ATTEMPTS + 1):
            self._attempts[task_num] = attempt - 1
            try:
                return run()
            except subprocess.CalledProcessError as error:
                if self._stopped:
                    raise
                self.complaints.append(
                    f"task {task_num} ended with status {error.returncode} "
                    f"(attempt {attempt} of {ATTEMPTS}){self._last_words(step_num, task_num)}"
                )
        # What it wrote may break off anywhere; its images are reported as lost.
        open(self._task_output_path("mapper", step_num, task_num), "wb").close()

    def _last_words(self, step_num, task_num):
        path = self._task_stderr_path("mapper", step_num, task_num)
        with open(path, encoding="utf-8", errors="replace") as file:
            words = [line.strip() for line in file if not line.startswith("reporter:")]
        return f": {words[-1]}" if words else ""

    def _run_multiple(self, funcs, num_processes=None):
        pool = ThreadPoolExecutor(self._num_cores())
        try:
            for future in [pool.submit(func) for func in funcs]:
                future.result()
        except subprocess.CalledProcessError as error:
            raise StepFailedException(reason=f"a reducer ended with {error.returncode}") from error
        finally:
            self._stop()
            pool.shutdown(cancel_futures=True)
            self._stopped = False

    def _stop(self):
        # Nothing runs any more unless an error or a signal brought us here.
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.terminate()
