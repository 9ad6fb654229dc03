"""Texts that a sub-command reads: paths, URIs, pipes or standard input, packed or not."""

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from mr_extract.failures import ImageFailure
from mr_extract.storage.streaming import opened_text
from preprocess.errors import CommandError


@contextmanager
def opened_source(source: str) -> Iterator[io.BufferedReader]:
    """Open one text for reading; ``-`` is standard input.

    Raises
    ------
    CommandError
        When it cannot be opened. What goes wrong while it is read is an ImageFailure.
    """
    stdin = None
    if source == "-":
        if sys.stdin is None or sys.stdin.isatty():
            raise CommandError("- is standard input, and nothing comes from there")
        stdin = sys.stdin.buffer
    with ExitStack() as stack:
        try:
            file = stack.enter_context(opened_text(source, stdin))
        except ImageFailure as failure:
            raise CommandError(f"cannot read {source!r}: {failure.message}") from None
        yield file


def lines_of(sources: Sequence[str]) -> Iterator[bytes]:
    """Give the lines of several texts, one after the other.

    Raises
    ------
    CommandError
        When one cannot be read to its end.
    """
    for source in sources:
        with opened_source(source) as file:
            try:
                yield from file
            except ImageFailure as failure:
                raise CommandError(f"cannot read {source!r}: {failure.message}") from None
