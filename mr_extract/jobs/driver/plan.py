"""Manifests to balanced shards, with every line known before a task starts."""

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.beside.companion_files import anywhere
from mr_extract.jobs.skeleton.expansion import FIRST, expanded
from mr_extract.storage.streaming import opened_text
from mr_extract.text.balance import LeastFull, Sizes, companions_of, parts, sizes_of
from mr_extract.text.blocks import DUPLICATE
from mr_extract.text.entry import Entry
from mr_extract.text.fields import COMPANIONS
from mr_extract.text.manifest import checked, format_line, is_image_name, parse_line, read_entries

_HEADERS_AT_ONCE = 16


@dataclass
class Plan:
    """What is to be done.

    Parameters
    ----------
    entries : dict of str to Entry
        The images to measure by id, in the order of the manifests.
    problems : dict of str to Entry
        The lines that cannot be tried.
    clashes : dict of str to None
        The ids of lines that mean different things.
    """

    entries: dict = field(default_factory=dict)
    problems: dict = field(default_factory=dict)
    clashes: dict = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.entries) + len(self.problems) + len(self.clashes)

    def add(self, entry: Entry) -> None:
        """Take in an entry; one that stands twice is taken once."""
        image_id = entry.id
        if image_id in self.clashes:
            return
        kept = self.problems if image_id in self.problems or (
            entry.problem and image_id not in self.entries) else self.entries
        known = kept.setdefault(image_id, entry)
        if known is not entry and known.meaning != entry.meaning:
            del kept[image_id]
            self.clashes[image_id] = None

    @property
    def refused(self) -> dict[str, tuple[str, str]]:
        """The lines that cannot be tried: id to (kind, message)."""
        bad = {i: (e.kind, e.problem) for i, e in self.problems.items()}
        return bad | {i: ("duplicate-id", DUPLICATE) for i in self.clashes}

    def shards(self, number: int) -> list[list[Entry]]:
        """Return the entries in at most `number` lists of about equal bytes.

        The largest first, each to the list that is least full, so that the
        last images to be measured are small ones. Files without a size count as
        the mean of the others. Images of one file stay together, so that it is
        fetched once, and so do those found on one detection image, unless they
        are more than a list should hold.
        """
        shards: list[list[Entry]] = [[] for _ in range(max(1, min(number, len(self.entries))))]
        least_full = LeastFull(len(shards))
        for load, entries in sorted(self._parcels(len(shards)), key=lambda parcel: -parcel[0]):
            shards[least_full.shard_for(load)].extend(entries)
        return shards

    def _parcels(self, number):
        """Return (load, entries) of what should be done by the same task."""
        alone, together, sizes = [], {}, Sizes()
        for entry in self.entries.values():
            shared = companions_of(entry)
            if shared is None:
                alone.append((entry,))
            else:
                together.setdefault(shared, []).append(entry)
        for entries in chain(alone, together.values()):
            for size in sizes_of(entries):
                sizes.add(size)
        parcels = []
        for entries in chain(alone, together.values()):
            load = sizes.load_of(sizes_of(entries))
            for start, stop, part in parts(len(entries), load, sizes.load / number):
                parcels.append((part, entries[start:stop]))
        return parcels


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
    for entry in expanded(_entries(sources, stdin), extensions, _HEADERS_AT_ONCE,
                          planes):
        plan.add(entry)
    return plan


def _entries(sources, stdin):
    for source in sources:
        if source != "-" and _means_image(source):
            yield _named(source)
            continue
        try:
            with opened_text(source, stdin) as text:
                if source != "-" and text.peek(9)[:9] == b"SIMPLE  =":
                    yield _named(source)
                else:
                    yield from read_entries(text)
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


def check_directory() -> None:
    """Raise ValueError where relative paths cannot be made absolute ones in a manifest."""
    try:
        here = os.getcwd().encode()
    except UnicodeEncodeError:
        here = b"\n"
    if re.search(rb"[\x00-\x1f\x7f]", here):
        raise ValueError("the name of the working directory holds characters that no manifest can")


def write_shards(plan: Plan, number: int, directory: str) -> list[str]:
    """Write the shards of a plan as manifests.

    Paths become absolute, as tasks have working directories of their own; the
    ids stay what they were. Nobody else may read them.

    Returns
    -------
    list of str
        Their paths.
    """
    os.makedirs(directory, mode=0o700, exist_ok=True)
    paths = []
    for k, entries in enumerate(plan.shards(number)):
        path = Path(directory, f"shard-{k:05d}.txt")
        with open(path, "w", encoding="utf-8", newline="\n", opener=_private) as file:
            for entry in entries:
                file.write(format_line(absolute_entry(entry)) + "\n")
        paths.append(str(path))
    return paths


def _private(path, flags):
    return os.open(path, flags, 0o600)  # an address may hold a password


def absolute_entry(entry: Entry) -> Entry:
    """Return an entry that means the same from every directory, under the id that it has."""
    uri = storage.absolute(entry.uri)
    fields = tuple((k, anywhere(v) if k in COMPANIONS else v) for k, v in entry.fields)
    if uri != entry.uri and entry.get("id") is None:
        fields = (("id", entry.id), *fields)
    return Entry(uri, fields)


def standard_input() -> BinaryIO:
    """Return standard input, unless it is a terminal: nobody types manifests."""
    if sys.stdin is None or sys.stdin.isatty():
        raise ValueError("no manifest given: name one, or - for standard input")
    return sys.stdin.buffer
