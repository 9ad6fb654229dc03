"""Sub-command ``merge``: the catalogs of several runs to the one that a single run had written."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from typing import BinaryIO

from mr_extract.addresses import shown_within
from mr_extract.text.accounting import SKIPPED, sum_of
from mr_extract.text.stored_catalog import CatalogReader, common_header
from preprocess.accounts.merging import Superseded, told
from preprocess.accounts.promised import Promised
from preprocess.errors import CommandError
from preprocess.options import add_extensions, add_output, opened_output

EXAMPLE = """\
example:
  python -m preprocess remaining list.txt first.tsv -o rest.txt
  python mr_extract.py rest.txt --catalog second.tsv
  python -m preprocess merge first.tsv second.tsv -o catalog.tsv

The catalogs must be of the same version and settings; name them in the order of the runs. Of an
image in several of them a success stands before a failure, and among failures that of the last
catalog. Two successes must be equal. What a catalog that breaks off has whole is taken;
the exit status is 1 where an image that its header promised may be in none of them.
Give --extensions and --plane as the job had them: a file that failed as one then makes way for
its images.
"""


def merge_catalogs(
    catalogs: Sequence[CatalogReader], output: BinaryIO, extensions: str, planes: str | None
) -> tuple[dict[str, int], list[str]]:
    """Merge catalogs.

    Parameters
    ----------
    catalogs : sequence of CatalogReader
        They are read twice.
    output : binary file
    extensions, planes : str
        What a line without ``ext`` or ``plane`` means, as for the job.

    Returns
    -------
    totals : dict of str to int
        As in the header: ``images``, ``failed``, and rows under their name.
    unkept : list of str
        A line for each catalog that promised images which may be in none.

    Raises
    ------
    CommandError, UnfitCatalog
        When they do not belong together, or have measured an image differently.
    """
    for catalog in catalogs:
        for _ in catalog:
            pass
    header = common_header(catalogs)
    totals = dict.fromkeys(sum_of([one.header.totals for one in catalogs if one.header]), 0)
    rows = list(totals)[-1]
    gone: list[tuple[int, int]] = []
    superseded, promised = Superseded(extensions, planes), Promised(catalogs)
    with tempfile.TemporaryFile(prefix="mr_extract-") as body:
        place = 0
        for one in told(catalogs):
            gone.extend(superseded.take(one, place))
            promised.take(one)
            totals[_total_of(one.account)] += 1
            totals[rows] += one.account.rows
            body.write(one.block)
            place += len(one.block)
        gone.extend(superseded.rest())
        totals["failed"] -= len(gone)
        if not totals.get(SKIPPED, 1):
            del totals[SKIPPED]
        output.write(replace(header, totals=totals).text().encode())
        body.seek(0)
        for start, size in sorted(gone):
            _copy(body, output, start - body.tell())
            body.seek(size, 1)
        shutil.copyfileobj(body, output, 1 << 20)
    return totals, promised.unkept()


def _total_of(account):
    return account.kind if account.kind == SKIPPED else "failed" if account.kind else "images"


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    while size:
        piece = source.read(min(size, 1 << 20))
        target.write(piece)
        size -= len(piece)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``merge``."""
    parser.epilog = EXAMPLE
    parser.add_argument("catalogs", nargs="+", metavar="CATALOG",
                        help="in the order of the runs, plain or gzip")
    add_extensions(parser)
    add_output(parser, "catalog to write")


def run(args: argparse.Namespace) -> int:
    """Merge, and say on stderr what the catalog holds and what it cannot hold."""
    if "-" in args.catalogs:
        raise CommandError("catalogs are read twice, so they are files, not standard input")
    catalogs = [CatalogReader(source) for source in args.catalogs]
    with opened_output(args.output) as file:
        totals, unkept = merge_catalogs(catalogs, file, args.extensions, args.plane)
    for catalog in catalogs:
        if catalog.damage:
            _say(f"{catalog.source}: {catalog.damage}")
    print(f"{totals['images']} images measured, {totals['failed']} failed, "
          f"{list(totals.values())[-1]} {list(totals)[-1]} -> "
          f"{'stdout' if args.output == '-' else args.output}", file=sys.stderr)
    for line in unkept:
        _say(line)
    return 1 if unkept else 0


def _say(text: str) -> None:
    print(f"python -m preprocess merge: {shown_within(text)}", file=sys.stderr)
