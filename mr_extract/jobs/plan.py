"""Manifests to balanced shards, with every line known before a task starts."""

import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from mr_extract import storage
from mr_extract.blocks import DUPLICATE
from mr_extract.failures import ImageFailure
from mr_extract.manifest import (
    Entry,
    checked,
    format_line,
    is_fits_name,
    parse_line,
    read_entries,
)
from mr_extract.unpacking import unpack


@dataclass
class Plan:
    """What is to be done.

    Parameters
    ----------
    lines : dict of str to Entry
        The first line of each id, in the order of the manifests.
    clashes : set of str
        The ids of lines that mean different things.
    """

    lines: dict = field(default_factory=dict)
    clashes: set = field(default_factory=set)

    def __len__(self):
        return len(self.lines)

    def add(self, entry):
        """Take in an entry; one that stands twice is taken once."""
        image_id = entry.id
        known = self.lines.setdefault(image_id, entry)
        if known is not entry and known.meaning != entry.meaning:
            self.clashes.add(image_id)

    @property
    def entries(self):
        """The images to measure by id, in the order of the manifests."""
        return {i: e for i, e in self.lines.items() if not e.problem and i not in self.clashes}

    @property
    def refused(self):
        """The lines that cannot be tried: id to (kind, message)."""
        bad = {i: ("malformed-line", e.problem) for i, e in self.lines.items() if e.problem}
        return bad | {i: ("duplicate-id", DUPLICATE) for i in self.clashes}

    def shards(self, number):
        """Return the entries in at most `number` lists of about equal bytes.

        The largest first, each to the list that is least full, so that the
        last images to be measured are small ones. Without sizes all count the
        same.
        """
        entries = list(self.entries.values())
        sized = [(int(e.get("bytes") or 1), k) for k, e in enumerate(entries)]
        shards = [[] for _ in range(max(1, min(number, len(entries))))]
        from heapq import heapify, heapreplace

        heap = [(0, k) for k in range(len(shards))]
        heapify(heap)
        for size, k in sorted(sized, key=lambda pair: (-pair[0], pair[1])):
            load, shard = heap[0]
            shards[shard].append(entries[k])
            heapreplace(heap, (load + size, shard))
        return shards


def read_plan(sources, stdin):
    """Read manifests.

    Parameters
    ----------
    sources : sequence of str
        Paths or URIs of manifests (plain or gzip), ``-`` for standard input, or
        FITS files, which stand for themselves.
    stdin : binary file

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        When a manifest cannot be read; the message names it.
    """
    plan = Plan()
    for source in sources:
        if source == "-":
            for entry in read_entries(stdin):
                plan.add(entry)
            continue
        if is_fits_name(checked(source).uri):
            plan.add(_named(source))
            continue
        try:
            text = _read(source)
        except ImageFailure as failure:
            raise ValueError(f"cannot read the manifest {source}: {failure.message}") from failure
        try:
            text = unpack(text) if text else text
        except ImageFailure as failure:
            raise ValueError(f"the manifest {source}: {failure.message}") from failure
        if text[:9] == b"SIMPLE  =":
            plan.add(_named(source))
            continue
        for entry in read_entries(text.split(b"\n")):
            plan.add(entry)
    return plan


def _read(source):
    """Return the text of a manifest, which may be a pipe, as in ``<(find ...)``."""
    if storage.is_local(source) and os.path.exists(source) and not os.path.isdir(source):
        if not os.path.isfile(source):
            with open(source, "rb") as file:
                return file.read()
    return storage.read(source)


def _named(source):
    """Return the entry of an image named on the command line."""
    try:
        entry = checked(source)
        line = format_line(_anywhere(entry)).encode()
        if b"\n" not in line and parse_line(line).uri == storage.absolute(entry.uri):
            return entry
    except UnicodeEncodeError:
        pass  # a file name that is not UTF-8: its line says so
    name = os.fsencode(source).decode("utf-8", "backslashreplace")
    return Entry(f"malformed:{name}", problem="no line of a manifest can hold this name")


def check_directory():
    """Raise ValueError where relative paths cannot be made absolute ones in a manifest."""
    try:
        here = os.getcwd().encode()
    except UnicodeEncodeError:
        here = b"\n"
    if re.search(rb"[\x00-\x1f\x7f]", here):
        raise ValueError("the name of the working directory holds characters that no manifest can")


def write_shards(plan, number, directory):
    """Write the shards of a plan as manifests.

    Paths become absolute, as tasks have working directories of their own; the
    ids stay what they were.

    Returns
    -------
    list of str
        Their paths.
    """
    os.makedirs(directory, exist_ok=True)
    paths = []
    for k, entries in enumerate(plan.shards(number)):
        path = Path(directory, f"shard-{k:05d}.txt")
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            for entry in entries:
                file.write(format_line(_anywhere(entry)) + "\n")
        paths.append(str(path))
    return paths


def _anywhere(entry):
    uri = storage.absolute(entry.uri)
    if uri == entry.uri:
        return entry
    fields = entry.fields
    if entry.get("id") is None:
        fields = (("id", entry.id), *fields)
    return Entry(uri, fields)


def standard_input():
    """Return standard input, unless it is a terminal: nobody types manifests."""
    if sys.stdin is None or sys.stdin.isatty():
        raise ValueError("no manifest given: name one, or - for standard input")
    return sys.stdin.buffer
