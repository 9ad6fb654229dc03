"""Options that several sub-commands have."""

import argparse
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from mr_extract import storage
from mr_extract.images.cubes import check_planes
from mr_extract.jobs.skeleton.expansion import FIRST, check_extensions
from mr_extract.settings.options import access_from, add_access
from mr_extract.storage.output import written_whole
from preprocess.errors import CommandError


def add_extensions(parser: argparse.ArgumentParser) -> None:
    """Add ``--extensions`` and ``--plane``, for what must know how a job took its manifest."""
    add_plane(parser)
    parser.add_argument("--extensions", type=_extensions, default=FIRST,
                        metavar="first|all|/PATTERN/", help="as for the job (default: first)")


def add_plane(parser: argparse._ActionsContainer) -> None:
    """Add ``--plane``, to a parser or a group of options."""
    parser.add_argument("--plane", type=_planes, metavar="N|A:B|all[,...]",
                        help="which planes of cubes a line without plane= means, as for the job")


def add_output(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``-o``, of which `opened_output` makes a file."""
    parser.add_argument("-o", "--output", default="-", metavar="FILE",
                        help=f"{what} (default: stdout)")


def add_access_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how remote places are reached, and by how many threads."""
    group = parser.add_argument_group("access")
    group.add_argument("--jobs", type=_count, default=16, metavar="N",
                       help="files that are asked for at the same time (default: 16)")
    add_access(group.add_argument)


def configure_access(args: argparse.Namespace) -> None:
    """Set how remote places are reached, as parsed options say."""
    try:
        storage.configure(access_from(args))
    except ValueError as error:
        raise CommandError(str(error)) from None


@contextmanager
def opened_output(output: str) -> Iterator[BinaryIO]:
    """Open what a sub-command writes: whole or not at all, or standard output for ``-``."""
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.flush()
        return
    try:
        with written_whole(output) as unfinished, open(unfinished, "wb") as file:
            yield file
    except OSError as error:
        raise CommandError(f"cannot write {output!r}: {error.strerror}") from None


def _planes(text: str) -> str:
    try:
        return check_planes(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _extensions(text: str) -> str:
    try:
        return check_extensions(text)
    except (ValueError, re.error) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000")
    return int(text)
