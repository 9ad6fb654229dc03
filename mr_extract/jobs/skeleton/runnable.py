"""What every class of job has besides mrjob's: our runners, its help, its start and its ends."""

from __future__ import annotations

import os
import sys
from argparse import HelpFormatter
from collections.abc import Sequence
from functools import partial

import mr_extract.jobs  # noqa: F401  makes mrjob importable

# isort: split

from mrjob.job import MRJob
from mrjob.protocol import BytesProtocol, BytesValueProtocol

from mr_extract.addresses import shown_within
from mr_extract.jobs.runners.hadoop.plain_arguments import given
from mr_extract.jobs.skeleton.help import RUNNERS, Titles
from mr_extract.jobs.skeleton.options import refuse
from mr_extract.jobs.skeleton.private_arguments import revealed
from mr_extract.jobs.task.streams import open_standard_streams
from mr_extract.packed.hadoop_text import Damaged
from mr_extract.settings.options import add_access, add_section
from mr_extract.settings.tree import Settings


class Runnable(MRJob):
    """A job of mrjob that runs on our runners and has a help in groups.

    Attributes
    ----------
    reads : str
        What its arguments are, in its usage.
    arguments : sequence of str
        As they were given.
    """

    INPUT_PROTOCOL = BytesValueProtocol
    INTERNAL_PROTOCOL = BytesProtocol
    OUTPUT_PROTOCOL = BytesValueProtocol

    reads = "MANIFEST"
    arguments: Sequence[str] = ()

    def configure_args(self) -> None:
        """Declare mrjob's options, those of the job, and those of its settings."""
        # argparse makes a formatter to check each option, and asks for the terminal's width.
        self.arg_parser.formatter_class = partial(HelpFormatter, width=80)
        super().configure_args()
        self.arg_parser.error = refuse
        self._titles = titles = Titles(self.arg_parser)
        for section in self.add_options(titles).sections():
            add_section(titles.under((section.__doc__ or "").split("\n")[0].rstrip(".")), section)
        add_access(titles.under("How remote places are reached"))
        self._passthru_arg_dests |= titles.dests

    def add_options(self, titles: Titles) -> type[Settings]:
        """Declare the job's own options, and return the settings whose options follow."""
        raise NotImplementedError

    def load_args(self, args: Sequence[str]) -> None:
        """Parse the options; print the help where that is asked for."""
        self.arguments = list(args)
        try:
            args = revealed(given(args))
        except ValueError as error:
            self.arg_parser.error(str(error))
        super().load_args(args)
        if self.options.help_all:
            print(self._titles.whole(self._usage()), end="")
            sys.exit(0)

    def _print_help(self, options):
        if options.runner:
            super()._print_help(options)
        else:
            print(self._titles.short(self._usage()), end="")

    def _usage(self):
        return f"%(prog)s -r {'|'.join(RUNNERS)} [options] {self.reads}... > catalog.tsv"

    def _runner_class(self):
        if self.options.runner in (None, "inline"):
            from mr_extract.jobs.runners.inline import InlineRunner

            return InlineRunner
        if self.options.runner == "local":
            from mr_extract.jobs.runners.local import LocalRunner

            return LocalRunner
        if self.options.runner == "hadoop":
            from mr_extract.jobs.runners.hadoop.runner import HadoopRunner

            return HadoopRunner
        if self.options.runner == "spark":
            from mr_extract.jobs.runners.spark.runner import SparkRunner

            return SparkRunner
        if self.options.runner == "emr":
            from mr_extract.jobs.runners.emr.runner import EmrRunner

            return EmrRunner
        return super()._runner_class()


def start(job: type[Runnable], option: str, name: str | None = None) -> None:
    """Run a job with the arguments of the process.

    Parameters
    ----------
    job : subclass of Runnable
    option : str
        By which its tasks are told which job it is, with its ``=``.
    name : str, optional
        The value of it; by default the arguments say.
    """
    # No kernel multiplies matrices: a pool of threads in each task is waste.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    open_standard_streams()
    if name:
        sys.argv.insert(1, option + name)
    try:
        job.run()
    except KeyboardInterrupt:
        print("mr_extract: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output, as in `... | head`, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(141)
    except Damaged as error:
        print(f"mr_extract: {error}", file=sys.stderr)  # standard input of a task is no records
        sys.exit(1)
    except OSError as error:
        # A full disk, mostly; a defect of ours would have been another class.
        print(f"mr_extract: {shown_within(str(error))}", file=sys.stderr)
        sys.exit(1)
