"""Sub-command ``check``: what a job would stumble over, line by line, before it is started."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import groupby, islice

from mr_extract.addresses import shown_within
from mr_extract.text.blocks import DUPLICATE
from mr_extract.text.entry import Entry, escaped
from preprocess.digests import DigestSet, digest_of
from preprocess.image_check import ImageCheck, Problem
from preprocess.listing.text_lists import entries_of, number_of_lines, readable_again
from preprocess.options import add_access_options, configure_access
from preprocess.threads import in_order

EXAMPLE = """\
example:
  python -m preprocess check list.txt --headers

For each line: is it understood, is its file there and readable, does it begin as FITS or packed,
has it the size that bytes= says, are the companions there that its fields name; with --headers:
has it the image that is meant. Each problem is a line of standard output: id, kind of failure,
message, with tabs between. Lines with one id that mean different things are one, too; a line
that is repeated is counted, as a job takes it once.

Lines are checked as they are read; of each id a digest of 8 bytes is kept, in a table that takes
12 to 24 bytes a line (134 MB for 10 million, and 201 while it grows).

Exit status: 0 when there is no problem, 1 when there is, 2 when a manifest cannot be read.
"""

_TOGETHER = 1000  # lines of one file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``check``."""
    parser.epilog = EXAMPLE
    parser.add_argument("manifests", nargs="+", metavar="MANIFEST",
                        help="list of images: a path or URI, - for standard input")
    parser.add_argument("--headers", action="store_true",
                        help="read the headers up to the image that is meant, and no data")
    add_access_options(parser)


def run(args: argparse.Namespace) -> int:
    """Check manifests, print the problems, and say on stderr what they came to."""
    configure_access(args)
    kinds: Counter[str] = Counter()
    ids, repeated = DigestSet(), DigestSet()
    check = ImageCheck(args.headers)
    repeats = 0
    with ExitStack() as stack:
        manifests = stack.enter_context(readable_again(args.manifests))
        printer = stack.enter_context(_printer(manifests, kinds))
        lines = _remembered(entries_of(manifests), ids, repeated)
        for group, problems in in_order(
            lambda group: (group, check.problems(group)), _by_file(lines), args.jobs
        ):
            printer.done(len(group))
            for problem in problems:
                printer.problem(problem)
        if len(repeated):
            for duplicate in _duplicates(entries_of(manifests), repeated):
                if duplicate is None:
                    repeats += 1
                else:
                    printer.problem(duplicate)
    print(_summary(printer.lines, kinds, repeats), file=sys.stderr)
    return 1 if kinds else 0


def _remembered(
    lines: Iterable[Entry], ids: DigestSet, repeated: DigestSet
) -> Iterator[Entry]:
    """Pass entries on, and note the ids that stand twice."""
    for entry in lines:
        digest = digest_of(entry.id)
        if not ids.add(digest):
            repeated.add(digest)
        yield entry


def _by_file(lines: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Give the entries of one file that follow each other together."""
    for _, group in groupby(lines, lambda entry: (entry.uri, entry.problem)):
        while part := list(islice(group, _TOGETHER)):
            yield part


def _duplicates(lines: Iterable[Entry], repeated: DigestSet) -> Iterator[Problem | None]:
    """Give a problem for each id that means different things, and None for a repeated line."""
    met, meanings, told = DigestSet(), DigestSet(), DigestSet()
    for entry in lines:
        digest = digest_of(entry.id)
        if digest not in repeated:
            continue
        same = not meanings.add(digest_of(repr((entry.id, entry.meaning))))
        if same:
            yield None
        elif not met.add(digest) and told.add(digest):
            yield entry.id, "duplicate-id", DUPLICATE


class _Printer:
    """Print and count problems, and show progress where a bar is given."""

    def __init__(self, bar, kinds: Counter[str]) -> None:
        self.lines = 0
        self._kinds = kinds
        self._bar = bar

    def done(self, lines: int) -> None:
        self.lines += lines
        if self._bar is not None:
            self._bar.update(lines)

    def problem(self, problem: Problem) -> None:
        image_id, kind, message = problem
        self._kinds[kind] += 1
        line = f"{image_id}\t{kind}\t{escaped(shown_within(message))}"
        if self._bar is not None:
            self._bar.write(line, file=sys.stdout)
        else:
            print(line)


@contextmanager
def _printer(manifests: list[str], kinds: Counter[str]) -> Iterator[_Printer]:
    if not sys.stderr.isatty():
        yield _Printer(None, kinds)
        return
    from tqdm import tqdm

    # Some terminals do not know their size; tqdm then writes nothing.
    columns, rows = os.get_terminal_size(sys.stderr.fileno())
    with tqdm(total=number_of_lines(manifests), unit="line", file=sys.stderr,
              ncols=columns or 100, nrows=rows or 24) as bar:
        yield _Printer(bar, kinds)


def _summary(lines: int, kinds: Counter[str], repeats: int) -> str:
    """Write the one line that says what was found."""
    found = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    problems = sum(kinds.values())
    parts = [f"{lines} line{'s' * (lines != 1)}",
             f"{problems} problem{'s' * (problems != 1)}" + (f" ({found})" if found else "")]
    if repeats:
        parts.append(f"{repeats} repeated, taken once")
    return "; ".join(parts)
