"""The skeleton of every job: lines of a manifest in, one accounted block for each out.

Which job it is stands in ``--work``; `run` starts one. mrjob ships this file alone to the
tasks, so it imports absolutely.
"""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Any, NoReturn

import mr_extract.jobs  # noqa: F401  makes mrjob importable

# isort: split

from mrjob.setup import parse_legacy_hash_path
from mrjob.step import MRStep

from mr_extract.jobs.runners.hadoop.plain_arguments import plain
from mr_extract.jobs.runners.hadoop.shipping import folder_there
from mr_extract.jobs.skeleton.command_line import WORK, CommandLine
from mr_extract.jobs.skeleton.options import OVER_DETECTIONS
from mr_extract.jobs.skeleton.private_arguments import OPTION, hidden
from mr_extract.jobs.skeleton.runnable import start
from mr_extract.settings.options import access_arguments, arguments
from mr_extract.text import blocks
from mr_extract.text.manifest import read_entries

STATUS_INTERVAL = 10.0  # seconds


class ImageJob(CommandLine):
    """Do a job's work for every image of a manifest and merge what comes of it."""

    streamed = False  # packed records come to the tasks on standard input
    scratch: str | None = None  # a folder of the driver's, for what tasks are given
    expense: dict[str, Any] | None = None  # of a cluster: what was estimated, and what it took

    _done = 0
    _last_status = float("-inf")

    def steps(self) -> list[MRStep]:
        """Return one step, with a reducer unless rows stay as tasks wrote them."""
        if self.options.reduce == "none":
            return [MRStep(mapper=self.mapper)]
        return [MRStep(mapper=self.mapper, reducer=self.reducer)]

    def mapper(self, _: object, line: bytes) -> Iterator[tuple[bytes | None, bytes]]:
        """Measure one line; `map_pairs` measures many, looking ahead."""
        yield from self.map_pairs([(None, line)])

    def map_pairs(self, pairs: Iterable[tuple[object, bytes]],
                  step_num: int = 0) -> Iterator[tuple[bytes | None, bytes]]:
        """Yield the blocks of the lines, fetching ahead.

        Parameters
        ----------
        pairs : iterable of (None, bytes)
            Lines of a manifest.
        step_num : int

        Yields
        ------
        key : bytes or None
        value : bytes
            A part of a block under its key, or with ``--reduce none`` a block.
        """
        from mr_extract.jobs.task.counted import Counts
        from mr_extract.jobs.task.environment import check_environment
        from mr_extract.jobs.task.kept_memory import keep_freed_memory
        from mr_extract.jobs.task.parent import end_with_parent
        from mr_extract.jobs.task.retried import retried_task

        end_with_parent()
        check_environment()
        keep_freed_memory()
        task = retried_task(self.options.attempt_notes, os.environ)
        self._counts = Counts(self.increment_counter)
        for entry, outcome in self._outcomes(self._images(pairs, task), overlapping=not task):
            self._report(outcome)
            if outcome.renew:
                self.stderr.write(f"mr_extract: {entry.id}: {outcome.renew}\n".encode())
            if self.options.reduce == "none":
                yield None, outcome.block.removesuffix(b"\n")
                continue
            key = blocks.key(entry.id)
            for value in blocks.pack(outcome.block, entry.meaning):
                yield key, value
        self._counts.tell()

    def _images(self, pairs, task):
        """Return the images of the lines, or of the packed records on standard input."""
        if self.options.packed:
            from mr_extract.jobs.task.records import KEYS_LOST, received

            images = received(self.stdin, self.options.driven,
                              lambda: self.increment_counter(*KEYS_LOST))
            return task.through(images) if task else images
        from mr_extract.jobs.skeleton.expansion import expanded
        from mr_extract.jobs.task.fetching import LOOKAHEAD_IMAGES, fetch_ahead

        # A driver has expanded them already; without one it is done here.
        entries = expanded(read_entries(line for _, line in pairs), self.options.extensions,
                           planes=self.options.plane)
        if task:
            entries = (entry for entry, _ in task.through((entry, None) for entry in entries))
        return fetch_ahead(entries, self.config, heartbeat=self._heartbeat,
                           most_images=1 if task else LOOKAHEAD_IMAGES)

    def hadoop_input_format(self) -> str | None:
        """Return the format of packed files where Hadoop is to read them."""
        from mr_extract.jobs.task.records import INPUT_FORMAT

        return INPUT_FORMAT if self.streamed else None

    def jobconf(self) -> dict[str, Any]:
        """Return what Hadoop must know to hand over packed records."""
        from mr_extract.jobs.task.records import JOBCONF

        return {**super().jobconf(), **(JOBCONF if self.streamed else {})}

    def _outcomes(self, images, overlapping):
        if not self.options.in_process:
            from mr_extract.jobs.task.memory_limit import MemoryLimit, container_size
            from mr_extract.jobs.task.supervisor import measure_supervised
            from mr_extract.jobs.task.worker import opening

            memory = MemoryLimit(self.options.image_memory, *container_size(os.environ))
            yield from measure_supervised(
                images, opening(self.work, self.config, self.access, self.more),
                self.options.image_timeout, self._heartbeat, memory, overlapping
            )
            return
        from mr_extract.jobs.task.one_line import process
        from mr_extract.jobs.task.renewal import asked

        for entry, files in images:
            outcome = process(entry, self.work, self.config, files, self.more)
            outcome.renew = asked()
            yield entry, outcome

    def _heartbeat(self):
        self._counts.tell_now_and_then()
        # A task that is silent for long is taken for dead by Hadoop.
        if monotonic() - self._last_status >= STATUS_INTERVAL:
            self._last_status = monotonic()
            self.set_status(f"{self._done} images done")

    def _report(self, outcome):
        self.stdout.flush()  # who is ended keeps what is done
        self._done += 1
        count = self._counts.add
        count("images", "failed" if outcome.kind else "measured")
        if outcome.kind:
            count("failures", outcome.kind)
        count("rows", "measured", outcome.rows)
        if outcome.failed_rows:
            count("rows", "with a failed measurement", outcome.failed_rows)
        if outcome.renew:
            count("processes", "renewed after an image")
        if not outcome.compiled:
            from mr_extract.jobs.driver.summary import WITHOUT_KERNELS

            count(*WITHOUT_KERNELS)
        count("bytes", "read", outcome.size)
        for stage, milliseconds in outcome.milliseconds.items():
            if milliseconds:
                count("milliseconds by stage", stage, milliseconds)
        self._heartbeat()

    def reducer(self, key: bytes, values: Iterable[bytes]) -> Iterator[tuple[None, bytes]]:
        """Yield the block of one image, once."""
        block = blocks.unpack(values)
        if block is not None:
            self.increment_counter("catalog", "images")
            yield None, block.removesuffix(b"\n")

    def run_job(self) -> NoReturn:
        """Plan, run and gather; the exit status says whether all is accounted for."""
        if self.options.detach:
            from mr_extract.jobs.driver.detached import detach

            sys.exit(detach(self))
        from mr_extract.jobs.driver.drive import drive

        if self.options.reduce in OVER_DETECTIONS:
            from mr_extract.jobs.sky.after_images import reduced_after

            sys.exit(reduced_after(self, drive))
        sys.exit(drive(self))

    def _non_option_kwargs(self):
        # Tasks get the settings by value: a kernel file need not travel.
        # mrjob would parse the command line once more for the arguments that ours replace.
        parser, self.arg_parser = self.arg_parser, ArgumentParser(add_help=False)
        try:
            kwargs = super()._non_option_kwargs()
        finally:
            self.arg_parser = parser
        settings = [*arguments(self.config), *access_arguments(self.access)]
        settings, private = hidden(settings, self.scratch) if self.scratch else (settings, "")
        kwargs["extra_args"] = plain([
            WORK + self.work.name, *settings,
            f"--reduce={self.options.reduce}",
            f"--image-timeout={self.options.image_timeout:g}",
            *([] if self.options.image_memory is None else
              [f"--image-memory={self.options.image_memory}"]),
            *(["--in-process"] if self.options.in_process else []),
            *(["--packed", "--driven"] if self.streamed else []),
            *self.work.arguments(self.more),
        ])
        files = {OPTION: private} if private else {}
        if self.scratch and not self.options.in_process:
            files |= self.work.carried(self.config, self.scratch)
        here = self.options.runner in (None, "inline", "local")
        for option, path in files.items():
            kwargs["extra_args"] += [option, path if here else
                                     parse_legacy_hash_path("file", path)]
        if self.options.runner == "spark":
            from mr_extract.jobs.runners.spark.settings import is_here

            here = is_here(self.options.spark_master or "")  # EMR has one of its own
        for option, path in self.work.folders(self.more).items() if self.scratch else ():
            kwargs["extra_args"] += [option, path if here else folder_there(path)]
        return kwargs


def run(name: str | None = None) -> None:
    """Run a job with the arguments of the process.

    Parameters
    ----------
    name : str, optional
        The module that states it; by default the arguments say.
    """
    start(ImageJob, WORK, name)


if __name__ == "__main__":
    run()
