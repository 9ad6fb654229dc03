"""Manifests to balanced shards, with every line known before a task starts."""

import os
import re
import sys
from dataclasses import dataclass, field
from heapq import heapify, heapreplace
from math import ceil
from pathlib import Path

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.companions import anywhere
from mr_extract.jobs.expansion import FIRST, expanded
from mr_extract.text.blocks import DUPLICATE
from mr_extract.text.manifest import (
    COMPANIONS,
    Entry,
    checked,
    format_line,
    is_fits_name,
    parse_line,
    read_entries,
)
from mr_extract.unpacking import unpack

_HEADERS_AT_ONCE = 16


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
        bad = {i: (e.kind, e.problem) for i, e in self.lines.items() if e.problem}
        return bad | {i: ("duplicate-id", DUPLICATE) for i in self.clashes}

    def shards(self, number):
        """Return the entries in at most `number` lists of about equal bytes.

        The largest first, each to the list that is least full, so that the
        last images to be measured are small ones. Without sizes all count the
        same. Images of one file stay together, so that it is fetched once, and
        so do those found on one detection image, unless they are more than a
        list should hold.
        """
        shards = [[] for _ in range(max(1, min(number, len(self.entries))))]
        heap = [(0.0, k) for k in range(len(shards))]
        heapify(heap)
        for load, entries in sorted(self._parcels(len(shards)), key=lambda parcel: -parcel[0]):
            loaded, shard = heap[0]
            shards[shard].extend(entries)
            heapreplace(heap, (loaded + load, shard))
        return shards

    def _parcels(self, number):
        """Return (load, entries) of what should be done by the same task.

        That are the images of one file, and those that name one detection image.
        """
        files = {}
        for image_id, entry in self.entries.items():
            alone = entry.get("ext") is None
            key = entry.get("detect") or (entry.uri, image_id if alone else None)
            files.setdefault(key, []).append(entry)
        loads = [_load(entries) for entries in files.values()]
        share = sum(loads) / number
        parcels = []
        for load, entries in zip(loads, files.values()):
            parts = min(len(entries), ceil(load / share))
            for k in range(parts):
                part = entries[k * len(entries) // parts : (k + 1) * len(entries) // parts]
                parcels.append((load * len(part) / len(entries), part))
        return parcels


def _load(entries):
    """Return the bytes of the files of which these are images, or their number."""
    sizes = {}
    for entry in entries:
        sizes[entry.uri] = max(int(entry.get("bytes") or 0), sizes.get(entry.uri, 0))
    return sum(sizes.values()) or len(entries)


def read_plan(sources, stdin, extensions=FIRST):
    """Read manifests, and the headers of files of which several images are meant.

    Parameters
    ----------
    sources : sequence of str
        Paths or URIs of manifests (plain or gzip), ``-`` for standard input, or
        FITS files, which stand for themselves.
    stdin : binary file
    extensions : str
        What a line without ``ext`` means: ``first``, ``all`` or ``/pattern/``.

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        When a manifest cannot be read; the message names it.
    """
    plan = Plan()
    for entry in expanded(_entries(sources, stdin), extensions, _HEADERS_AT_ONCE):
        plan.add(entry)
    return plan


def _entries(sources, stdin):
    for source in sources:
        if source == "-":
            yield from read_entries(stdin)
            continue
        if is_fits_name(checked(source).uri):
            yield _named(source)
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
            yield _named(source)
            continue
        yield from read_entries(text.split(b"\n"))


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
    fields = tuple((k, anywhere(v) if k in COMPANIONS else v) for k, v in entry.fields)
    if uri != entry.uri and entry.get("id") is None:
        fields = (("id", entry.id), *fields)
    return Entry(uri, fields)


def standard_input():
    """Return standard input, unless it is a terminal: nobody types manifests."""
    if sys.stdin is None or sys.stdin.isatty():
        raise ValueError("no manifest given: name one, or - for standard input")
    return sys.stdin.buffer
