"""Command line of the tools that work before an extraction: ``python -m preprocess``."""

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import NoReturn

from mr_extract.addresses import shown_within
from mr_extract.remarks import RemarkWarning
from mr_extract.text.stored_catalog import UnfitCatalog
from preprocess.errors import CommandError

#: Sub-command: the module that holds it, and its line in the help.
COMMANDS = {
    "lists": ("lists", "write the published lists of images again"),
    "manifest": ("listing.manifest", "list the FITS images of folders, buckets and pages"),
    "check": ("check", "tell what a job would stumble over in a manifest"),
    "shards": ("shards", "cut a manifest into balanced ones"),
    "tiles": ("tiles", "cut images too large for a task into tiles"),
    "patches": ("skymaps.patches", "cut sky maps (HEALPix) into patches"),
    "pack": ("pack", "pack images for Hadoop: whole files in SequenceFiles"),
    "remaining": ("accounts.remaining", "list what catalogs do not account for, or failed"),
    "merge": ("accounts.merge", "merge the catalogs of several runs into one"),
    "simulate": ("simulation.simulate", "write a night of simulated survey frames"),
    "simulate-spectra": ("simulation.spectra", "write simulated spectra, with slit and without"),
}


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaints take one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Build the parser of all sub-commands, with the options of one of them.

    Parameters
    ----------
    command : str, optional
        The sub-command whose module is imported and whose options are added. The others are
        known by name only, so that help and errors do not wait for imports.

    Returns
    -------
    parser : argparse.ArgumentParser
    """
    parser = _Parser(
        prog="python -m preprocess",
        description="Prepare images for extraction.",
        epilog="example: python -m preprocess simulate night --frames 12 --seed 1",
    )
    commands = parser.add_subparsers(dest="command", metavar="SUBCOMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        subparser = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == command:
            _module(module).add_arguments(subparser)
    return parser


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"preprocess.{name}")


@contextmanager
def _plain_remarks(command: str | None) -> Iterator[None]:
    """Have what is said of files on one plain line each, and nothing of the code that says it."""
    shown = warnings.showwarning

    def show(message, category, *place, **more):
        if issubclass(category, RemarkWarning):
            print(f"python -m preprocess {command}: {shown_within(str(message))}", file=sys.stderr)
        else:
            shown(message, category, *place, **more)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = shown


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command.

    Parameters
    ----------
    argv : sequence of str, optional
        Command-line arguments without the program's name. Default: those of this process.

    Returns
    -------
    status : int
        0 when all went well, 1 when part of the input was refused, 2 for a request that
        cannot be met.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = next((word for word in arguments if not word.startswith("-")), None)
    try:
        args = build_parser(command).parse_args(arguments)
        with _plain_remarks(command):
            return _module(COMMANDS[args.command][0]).run(args)
    except SystemExit as stop:  # argparse has spoken: help (0) or a bad option (2)
        return stop.code if isinstance(stop.code, int) else 2
    except (CommandError, UnfitCatalog) as error:
        print(f"python -m preprocess {command}: {shown_within(str(error))}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output has gone, as in `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
