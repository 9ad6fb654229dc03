"""What a job is to do: every line that was asked for, by number."""

import os
import re
from array import array
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from mr_extract import storage
from mr_extract.jobs.beside.named_companions import anywhere
from mr_extract.jobs.driver.kept_lines import KeptLines, kept_entry
from mr_extract.jobs.driver.numbered import Numbered
from mr_extract.text.accounting import FALSE, UNKNOWN, error_line, skipped_line
from mr_extract.text.balance import companions_of, size_of
from mr_extract.text.blocks import DUPLICATE
from mr_extract.text.entry import Entry
from mr_extract.text.fields import COMPANIONS
from mr_extract.text.manifest import parse_line
from mr_extract.text.plain_lines import PlainLine
from mr_extract.text.sorting import SortedRecords

_ASKED, _PROBLEM, _CLASH, _FALSE, _UNKNOWN = range(5)
_NONE = -1


class Plan:
    """What is to be done, in some fifty bytes of memory a line.

    Attributes
    ----------
    lines : mr_extract.jobs.driver.kept_lines.KeptLines
        All lines by number, in the order of the manifests; one that stands twice is one.
    parcels : array of int
        By number which parcel of `mr_extract.text.balance` an image belongs to, -1 where it is
        one of its own.
    """

    def __init__(self) -> None:
        self.lines = KeptLines()
        self.parcels = array("i")
        self._ids = Numbered(lambda number: self.lines[number].id)
        self._states = bytearray()
        self._sizes = array("q")
        self._shared = Numbered(lambda number: companions_of(self.lines[self._first[number]]) or "")
        self._first = array("I")  # the first image of each parcel
        self._last, self._in_order = "", True

    def __len__(self) -> int:
        return len(self._states)

    def add(self, entry: Entry) -> None:
        """Take in an entry; one that stands twice is taken once."""
        image_id = entry.id
        number, is_new = self._ids.add(image_id)
        if not is_new:
            # What is said of the lines themselves may differ, and then nobody knows which is meant.
            if self._states[number] != _CLASH and self.lines[number].meaning != entry.meaning:
                self._states[number] = _CLASH
            return
        self.lines.append(entry)
        shared, parcel = companions_of(entry), _NONE
        if shared is not None and not entry.problem:
            parcel, is_first = self._shared.add(shared)
            if is_first:
                self._first.append(number)
        self._took(image_id, _PROBLEM if entry.problem else _ASKED, size_of(entry), parcel)

    def add_plain(self, line: PlainLine) -> None:
        """Take in a line as `add` does the entry that it means."""
        if self._ids.add(line.id)[1]:
            self.lines.append_text(line.text)
            self._took(line.id, _ASKED, line.size, _NONE)
        elif entry := parse_line(line.text):
            self.add(entry)  # which says what becomes of a second line

    def _took(self, image_id, state, size, parcel):
        self._states.append(state)
        self._sizes.append(_NONE if size is None else size)
        self.parcels.append(parcel)
        self._in_order = self._in_order and self._last < image_id
        self._last = image_id

    def find(self, image_id: str) -> int:
        """Return the number of the image with an id, -1 for none that is to be measured."""
        number = self._ids.find(image_id)
        return number if number >= 0 and self._states[number] == _ASKED else _NONE

    def skip(self, number: int, is_unknown: bool) -> None:
        """Leave a line out: what was asked of it is false, or cannot be told."""
        self._states[number] = _UNKNOWN if is_unknown else _FALSE

    @property
    def skipped(self) -> int:
        """How many lines are left out."""
        return self._states.count(_FALSE) + self._states.count(_UNKNOWN)

    def own_line(self, number: int) -> str | None:
        """Return what a catalog says of a line that no task was given; None for one that was."""
        state = self._states[number]
        if state in (_FALSE, _UNKNOWN):
            return skipped_line(self.lines[number].id, FALSE if state == _FALSE else UNKNOWN)
        told = self.refusal(number)
        return error_line(self.lines[number].id, *told) if told else None

    def asked(self) -> Iterator[int]:
        """Yield the numbers of the images to measure."""
        return (number for number, state in enumerate(self._states) if state == _ASKED)

    @property
    def entries(self) -> "Asked":
        """The images to measure."""
        return Asked(self)

    def size(self, number: int) -> int | None:
        """Return the bytes of an image as its line says, as `mr_extract.text.balance.size_of`."""
        size = self._sizes[number]
        return None if size == _NONE else size

    def in_order(self) -> Iterator[int]:
        """Yield the numbers of all lines in the order of their ids."""
        if self._in_order:
            return iter(range(len(self)))
        records = SortedRecords()
        for number in range(len(self)):
            # No id holds a control character: one that begins another stands before it.
            records.add(b"%s\0%d" % (self.lines[number].id.encode(), number))
        return (int(record.rpartition(b"\0")[2]) for record in records)

    def refusal(self, number: int) -> tuple[str, str] | None:
        """Return why a line cannot be tried, as (kind, message); None where it can."""
        if self._states[number] == _CLASH:
            return "duplicate-id", DUPLICATE
        entry = self.lines[number] if self._states[number] == _PROBLEM else None
        return (entry.kind, entry.problem) if entry else None

    def write(self, file: BinaryIO) -> None:
        """Write all lines to a file from which `read` makes the plan again."""
        file.writelines(b"%d%b\n" % (state, self.lines.text(number))
                        for number, state in enumerate(self._states))

    @classmethod
    def read(cls, lines: Iterable[bytes]) -> "Plan":
        """Return the plan that `write` wrote."""
        plan = cls()
        for line in lines:
            plan.add(kept_entry(line[1:].removesuffix(b"\n")))
            plan._states[-1] = int(line[:1])
        return plan

    @property
    def refused(self) -> dict[str, tuple[str, str]]:
        """The lines that cannot be tried: id to (kind, message)."""
        return {self.lines[number].id: told for number, state in enumerate(self._states)
                if state != _ASKED and (told := self.refusal(number))}

    def own_lines(self) -> Iterator[str]:
        """Yield `own_line` of all lines that no task was given, in the order of their ids."""
        return (line for number in self.in_order()
                if self._states[number] != _ASKED and (line := self.own_line(number)))


class Asked:
    """The images to measure of a plan, in the order of the manifests.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def __len__(self) -> int:
        return sum(1 for _ in self._plan.asked())

    def __iter__(self) -> Iterator[str]:
        return (entry.id for entry in self.values())

    def values(self) -> Iterator[Entry]:
        """Yield the entries."""
        return (self._plan.lines[number] for number in self._plan.asked())

    def items(self) -> Iterator[tuple[str, Entry]]:
        """Yield ids and entries."""
        return ((entry.id, entry) for entry in self.values())


def check_directory() -> None:
    """Raise ValueError where relative paths cannot be made absolute ones in a manifest."""
    try:
        here = os.getcwd().encode()
    except UnicodeEncodeError:
        here = b"\n"
    if re.search(rb"[\x00-\x1f\x7f]", here):
        raise ValueError("the name of the working directory holds characters that no manifest can")


def absolute_entry(entry: Entry) -> Entry:
    """Return an entry that means the same from every directory, under the id that it has."""
    uri = storage.absolute(entry.uri)
    fields = tuple((k, anywhere(v) if k in COMPANIONS else v) for k, v in entry.fields)
    if uri != entry.uri and entry.get("id") is None:
        fields = (("id", entry.id), *fields)
    return Entry(uri, fields)
