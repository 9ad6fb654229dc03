"""The lines of a plan, in a temporary file: memory holds where each begins."""

import json
import os
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from io import FileIO

from mr_extract.text.entry import Entry
from mr_extract.text.manifest import format_line

_HELD = 1 << 20  # bytes that are in memory before they are written


class KeptLines:
    """Entries by number, from 0, in eight bytes each.

    They hold addresses as they were given: the file has no name, and nobody else can open it.
    """

    def __init__(self) -> None:
        self._starts, self._end = array("Q"), 0
        self._held, self._held_from = bytearray(), 0
        self._file: FileIO | None = None  # while there are few

    def append(self, entry: Entry) -> None:
        """Keep an entry under the next number."""
        if entry.problem:  # whatever its text may be
            told = (entry.uri, entry.fields, entry.problem, entry.kind)
            text = b"\0" + json.dumps(told).encode()
        else:
            text = format_line(entry).encode()
        self.append_text(text)

    def append_text(self, text: bytes) -> None:
        """Keep the line of a good entry, as `text` returns it."""
        self._starts.append(self._end)
        self._end += len(text)
        self._held += text
        if len(self._held) > _HELD:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="mr_extract-", buffering=0)
            self._file.write(self._held)
            self._held, self._held_from = bytearray(), self._end

    def text(self, number: int) -> bytes:
        """Return the line of a good entry, without a line end; of others what is kept of them."""
        start, after = self._starts[number], number + 1
        stop = self._starts[after] if after < len(self._starts) else self._end
        if self._file is None or start >= self._held_from:
            return bytes(self._held[start - self._held_from : stop - self._held_from])
        return os.pread(self._file.fileno(), stop - start, start)

    def texts(self, numbers: Sequence[int]) -> Iterator[bytes]:
        """Yield the lines of good entries in the order of their numbers, which ascend."""
        if self._file is None or not numbers:
            yield from map(self.text, numbers)
            return
        # Those between them are read along, as few are left out, mostly.
        begin, after = self._starts[numbers[0]], numbers[-1] + 1
        stop = self._starts[after] if after < len(self._starts) else self._end
        if stop > self._held_from or stop - begin > _HELD:
            yield from map(self.text, numbers)
            return
        block = os.pread(self._file.fileno(), stop - begin, begin)
        starts = [start - begin for start in self._starts[numbers[0] : after + 1]]
        if len(starts) <= after - numbers[0]:
            starts.append(self._end - begin)
        first = numbers[0]
        for number in numbers:
            yield block[starts[number - first] : starts[number - first + 1]]

    def __getitem__(self, number: int) -> Entry:
        return kept_entry(self.text(number))


def kept_entry(text: bytes) -> Entry:
    """Return the entry that was kept as a text."""
    if text.startswith(b"\0"):
        uri, pairs, problem, kind = json.loads(text[1:])
        return Entry(uri, tuple((name, value) for name, value in pairs), problem, kind)
    uri, *parts = text.decode().split("\t")
    fields = (part.partition("=") for part in parts)
    return Entry(uri, tuple((name, value) for name, _, value in fields))
