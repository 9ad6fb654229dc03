"""The command line of every job: its options, their help, and what they come to."""

import sys
from collections.abc import Sequence

from mr_extract import storage
from mr_extract.jobs.beside.position_lists import with_lists_anywhere, with_rules_anywhere
from mr_extract.jobs.skeleton.expansion import FIRST
from mr_extract.jobs.skeleton.help import Titles, completion
from mr_extract.jobs.skeleton.options import OVER_DETECTIONS, TSV, add_job_options, refuse
from mr_extract.jobs.skeleton.runnable import Runnable
from mr_extract.jobs.skeleton.work import MAIN, work_of
from mr_extract.settings.options import access_from
from mr_extract.settings.tree import Settings

WORK = "--work="  # which job it is, by the module that states it


class CommandLine(Runnable):
    """A job of mrjob whose options are those of a `mr_extract.jobs.skeleton.work.Work`.

    Attributes
    ----------
    work : mr_extract.jobs.skeleton.work.Work
    config : mr_extract.settings.tree.Settings
    access : mr_extract.storage.Access
    more : dict of str to object
        What the job hands to its tasks besides its settings.
    """

    def __init__(self, args: Sequence[str] | None = None) -> None:
        # Which job it is decides which options there are.
        words = sys.argv[1:] if args is None else args
        named = [word.removeprefix(WORK) for word in words if word.startswith(WORK)]
        try:
            self.work = work_of(named[-1] if named else MAIN)
        except ValueError as error:
            refuse(str(error))
        super().__init__(args)

    def add_options(self, titles: Titles) -> type[Settings]:
        """Declare the options of all jobs and those of the work, and return its settings."""
        add_job_options(titles.under)
        self.work.add_options(titles.under("What is measured, and what is written"))
        return self.work.settings

    def load_args(self, args: Sequence[str]) -> None:
        """Parse the options and make the configuration."""
        super().load_args(args)
        options = self.options
        if options.print_completion:
            try:
                print(completion(self.arg_parser, options.print_completion))
            except ValueError as error:
                refuse(str(error))
            sys.exit(0)
        options.hint = ""
        options.catalog_type = getattr(options, "catalog_type", TSV)
        try:
            config = self.work.config_from(options)
            self.config = with_rules_anywhere(with_lists_anywhere(config))
            self.access = access_from(options)
        except ValueError as error:
            self.arg_parser.error(str(error))
        if options.reduce in OVER_DETECTIONS and self.work.name != MAIN:
            self.arg_parser.error(f"--reduce {options.reduce} is for sources: this job has none")
        options.extensions = options.extensions or FIRST
        storage.configure(self.access)
        try:
            self.more = self.work.more_from(options, self.config)
        except ValueError as error:
            self.arg_parser.error(str(error))
