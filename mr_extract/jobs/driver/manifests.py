"""Manifests to a plan, with every line known before a task starts."""

import os
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import BinaryIO

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.driver.plan import Plan, absolute_entry
from mr_extract.jobs.skeleton.expansion import FIRST, expanded
from mr_extract.storage.streaming import opened_text
from mr_extract.text.entry import Entry
from mr_extract.text.manifest import checked, format_line, is_image_name, parse_line
from mr_extract.text.plain_lines import plain_line

_HEADERS_AT_ONCE = 16
_LINES_AT_ONCE = 1024


def read_plan(sources: Sequence[str], stdin: BinaryIO | None, extensions: str = FIRST,
              planes: str | None = None) -> Plan:
    """Read manifests, and the headers of files of which several images are meant.

    Parameters
    ----------
    sources : sequence of str
        Paths or URIs of manifests (plain or gzip), ``-`` for standard input, or
        FITS files, which stand for themselves.
    stdin : binary file
    extensions : str
        What a line without ``ext`` means: ``first``, ``all`` or ``/pattern/``.
    planes : str, optional
        What one without ``plane`` means, as `mr_extract.images.cubes` has it; by default the
        only plane.

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        When a manifest cannot be read; the message names it.
    """
    plan = Plan()

    def add(entries: Iterable[Entry]) -> None:
        for entry in expanded(entries, extensions, _HEADERS_AT_ONCE, planes):
            plan.add(entry)

    if extensions != FIRST or planes:  # headers tell what any line means
        add(_entries(_read(sources, stdin)))
        return plan
    for batch in _batches(_read(sources, stdin)):
        plain = [found for line in batch
                 if not isinstance(line, Entry) and (found := plain_line(line)) is not None]
        if len(plain) < len(batch):
            add(_entries(batch))
        else:
            for line in plain:
                plan.add_plain(line)
    return plan


def _batches(lines):
    while batch := list(islice(lines, _LINES_AT_ONCE)):
        yield batch


def _entries(lines):
    for line in lines:
        entry = line if isinstance(line, Entry) else parse_line(line)
        if entry is not None:
            yield entry


def _read(sources, stdin):
    """Yield the lines of manifests, and the entries of images that are named themselves."""
    for source in sources:
        if source != "-" and _means_image(source):
            yield _named(source)
            continue
        try:
            with opened_text(source, stdin) as text:
                if source != "-" and text.peek(9)[:9] == b"SIMPLE  =":
                    yield _named(source)
                else:
                    yield from text
        except ImageFailure as failure:
            raise ValueError(f"cannot read the manifest {source}: {failure.message}") from failure


def _means_image(source):
    entry = checked(source)
    # A manifest has no regions, whatever it is called.
    return is_image_name(entry.uri) or entry.get("region") is not None


def _named(source):
    """Return the entry of an image named on the command line."""
    try:
        entry = checked(source)
        line = format_line(absolute_entry(entry)).encode()
        if b"\n" not in line and parse_line(line).uri == storage.absolute(entry.uri):
            return entry
    except UnicodeEncodeError:
        pass  # a file name that is not UTF-8: its line says so
    name = os.fsencode(source).decode("utf-8", "backslashreplace")
    return Entry(f"malformed:{name}", problem="no line of a manifest can hold this name")


def standard_input() -> BinaryIO:
    """Return standard input, unless it is a terminal: nobody types manifests."""
    if sys.stdin is None or sys.stdin.isatty():
        raise ValueError("no manifest given: name one, or - for standard input")
    return sys.stdin.buffer
