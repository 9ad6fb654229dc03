"""Rows of catalogs, keyed by their cell of the sky; a reducer settles whole cells.

mrjob ships this file alone to the tasks, so it imports absolutely.
"""

import json
import sys
from argparse import SUPPRESS
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn

import mr_extract.jobs  # noqa: F401  makes mrjob importable

# isort: split

from mrjob.step import MRStep

from mr_extract import storage
from mr_extract.jobs.runners.hadoop.plain_arguments import plain
from mr_extract.jobs.skeleton.help import Titles
from mr_extract.jobs.skeleton.options import add_running
from mr_extract.jobs.skeleton.runnable import Runnable, start
from mr_extract.jobs.sky.work import work_of
from mr_extract.settings.options import access_from, arguments
from mr_extract.settings.tree import Settings

_NAME = "--sky-work="


class SkyJob(Runnable):
    """Settle what lies near each other on the sky, cell by cell."""

    reads = "CATALOG"

    told: dict[str, Any] = {}  # what tasks get besides the settings: columns and the order of cells

    def __init__(self, args: Sequence[str] | None = None) -> None:
        words = sys.argv[1:] if args is None else args
        named = [word.removeprefix(_NAME) for word in words if word.startswith(_NAME)]
        self.work = work_of(named[-1] if named else "unique")
        super().__init__(args)

    def add_options(self, titles: Titles) -> type[Settings]:
        """Declare where the catalog goes and how tasks run, and return the settings."""
        add = titles.under("What is written")
        add("--catalog", metavar="FILE", help="write the catalog to FILE, a path, s3:// or "
            "hdfs://, whole or not at all [standard output]")
        add("--summary", metavar="FILE", help="write the summary to FILE as JSON")
        self.work.add_options(add)
        add("--help-all", action="store_true", help="print all options and exit")
        add = titles.under("Tasks")
        add_running(add)
        for name in ("--sky-work", "--attempt-notes", "--told"):
            add(name, default="{}", help=SUPPRESS)
        return self.work.settings

    def load_args(self, args: Sequence[str]) -> None:
        """Parse the options and make the configuration."""
        super().load_args(args)
        options = self.options
        try:
            self.config = self.work.config_from(options)
            self.access = access_from(options)
        except ValueError as error:
            self.arg_parser.error(str(error))
        storage.configure(self.access)
        self.told = json.loads(options.told)

    def steps(self) -> list[MRStep]:
        """Return one step."""
        return [MRStep(mapper=self.mapper, reducer=self.reducer)]

    def mapper(self, _: object, line: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield what is in a line, by cell."""
        yield from self.work.keyed(line, self.config, self.told)

    def reducer(self, key: bytes, values: Iterable[bytes]) -> Iterator[tuple[None, bytes]]:
        """Yield what is settled in a cell, and what is left open."""
        for word in self.work.reduced(key, values, self.config, self.told):
            yield None, word

    def run_job(self) -> NoReturn:
        """Read the catalogs, run and write."""
        from mr_extract.jobs.sky.drive import drive

        sys.exit(drive(self))

    def _non_option_kwargs(self):
        kwargs = super()._non_option_kwargs()
        kwargs["extra_args"] = plain([
            _NAME + self.work.name, *arguments(self.config),
            f"--told={json.dumps(self.told, separators=(',', ':'))}",
        ])
        return kwargs


def run(name: str | None = None) -> None:
    """Run a job with the arguments of the process.

    Parameters
    ----------
    name : str, optional
        Of the work; by default the arguments say.
    """
    start(SkyJob, _NAME, name)


if __name__ == "__main__":
    run()
