"""Sub-command ``remaining``: the lines of a manifest that catalogs do not account for."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from mr_extract.addresses import shown_within
from mr_extract.failures import KINDS
from mr_extract.jobs.skeleton.expansion import ALL, expands, with_plane
from mr_extract.text.accounting import LOST
from mr_extract.text.manifest import parse_line
from mr_extract.text.stored_catalog import CatalogReader
from preprocess.accounts.accounted import Accounted, is_asked
from preprocess.accounts.expanded_ids import name_of
from preprocess.options import add_extensions, add_output, opened_output
from preprocess.texts import lines_of

EXAMPLE = """\
examples:
  python -m preprocess remaining list.txt catalog.tsv -o rest.txt
  python -m preprocess remaining list.txt first.tsv second.tsv --kind fetch-timeout,lost

Without --failed these are the lines of which no catalog says anything, or only that no task
reported on them (lost). A catalog that breaks off counts as far as it goes. Of an image in
several catalogs a success stands before a failure, and among failures that of the last catalog.
Give --extensions and --plane as the job had them: a file is done when all its images are, and
is listed whole otherwise. Measure the rest and `merge` the catalogs: that equals one run of all.
"""

_AT_ONCE = 8192


@dataclass
class Found:
    """Counts of lines.

    Attributes
    ----------
    lines, listed : int
        Of the manifest, and those of them that were written.
    expanded : int
        Listed lines of files of which the catalogs hold images by number.
    """

    lines: int = 0
    listed: int = 0
    expanded: int = 0


def remaining_lines(
    lines: Iterable[bytes], accounted: Accounted, extensions: str, planes: str | None, absent: bool,
    found: Found,
) -> Iterator[bytes]:
    """Give the lines that are asked for, as they are.

    Parameters
    ----------
    lines : iterable of bytes
    accounted : Accounted
    extensions, planes : str
        What a line without ``ext`` or ``plane`` means, as for the job.
    absent : bool
        Lines that no catalog accounts for are asked for too.
    found : Found
        Is brought up to date.
    """
    lines = iter(lines)
    while batch := list(islice(lines, _AT_ONCE)):
        entries = [(line, with_plane(entry, planes)) for line in batch
                   if (entry := parse_line(line)) is not None]
        found.lines += len(entries)
        images = accounted.of_images([entry.id for _, entry in entries])
        files = accounted.of_files([name_of(entry, extensions) for _, entry in entries])
        for (line, entry), image, file in zip(entries, images, files):
            several = expands(entry, extensions, planes)
            standing = max(image, file) if several else image
            if is_asked(standing) if standing else absent:
                found.listed += 1
                found.expanded += not several and not image and bool(file)
                yield line.rstrip(b"\r\n") + b"\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``remaining``."""
    parser.epilog = EXAMPLE
    parser.add_argument("manifest", metavar="MANIFEST",
                        help="path or URI, plain or gzip; - for standard input")
    parser.add_argument("catalogs", nargs="+", metavar="CATALOG",
                        help="what the runs so far have written, plain or gzip")
    parser.add_argument("--failed", action="store_true",
                        help="the lines that failed instead, lost ones among them")
    parser.add_argument("--kind", type=_kinds, metavar="KIND,KIND",
                        help="those that failed so, as fetch-timeout")
    add_extensions(parser)
    add_output(parser, "manifest to write")


def run(args: argparse.Namespace) -> int:
    """Write the lines that remain and say on stderr how many they are."""
    kinds = args.kind or (KINDS if args.failed else (LOST,))
    accounted = Accounted(lambda kind: kind in kinds)
    for source in args.catalogs:
        catalog = CatalogReader(source, sys.stdin.buffer if sys.stdin else None)
        accounted.add(catalog)
        if catalog.damage:
            _say(f"{source}: {catalog.damage}")
    accounted.complete()
    found = Found()
    lines = remaining_lines(
        lines_of([args.manifest]), accounted, args.extensions, args.plane,
        absent=not (args.failed or args.kind), found=found,
    )
    with opened_output(args.output) as file:
        file.writelines(lines)
    _say(f"{found.listed} of {found.lines} lines -> "
         f"{'stdout' if args.output == '-' else args.output}")
    if found.expanded:
        _say(f"of {found.expanded} files the catalogs hold images by number: was the job run "
             f"with --extensions {ALL} or --plane? Then say so here too")
    return 0


def _say(text: str) -> None:
    print(f"python -m preprocess remaining: {shown_within(text)}", file=sys.stderr)


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(kind.strip() for kind in text.split(","))
    for kind in kinds:
        if kind not in KINDS:
            raise argparse.ArgumentTypeError(f"{kind!r} is no kind of failure")
    return kinds
