"""Packed files as they are written: one after the other, and an index of all."""

import tempfile
from io import BytesIO
from typing import BinaryIO

from mr_extract import storage
from mr_extract.packed.index import EXTENSIONS, INDEX, METADATA, VERSION, write_index
from mr_extract.packed.records import Contents, key_of
from mr_extract.packed.sequencefile_writer import Writer
from preprocess.listing.found_images import size_for_people


class Output:
    """The packed files of a folder, each written when it is full, and their index at the end.

    Parameters
    ----------
    folder : str
        URI of one that is empty or not there.
    most : int
        Bytes of a packed file.
    extensions : str
        What a line without ``ext=`` means.

    Attributes
    ----------
    images, failures : int
        Lines that were written, and those of them without an image.
    before, after : int
        Bytes of the files, and of what they became.
    """

    def __init__(self, folder: str, most: int, extensions: str) -> None:
        self._folder, self._most, self._extensions = folder, most, extensions
        self._file: BinaryIO | None = None
        self._writer: Writer | None = None
        self._rows: list[tuple[str, int, int, bytes]] = []
        self._files = 0
        self.images = self.failures = self.before = self.after = 0

    def add(self, contents: Contents, bodies: list[bytes]) -> None:
        """Write a record."""
        key = key_of(contents)
        if self._writer and self._writer.size + len(key) + sum(map(len, bodies)) > self._most:
            self._put()
        if self._writer is None:
            self._file = tempfile.TemporaryFile()
            # The key has the checksum of a file: no two packed files share their marker.
            self._writer = Writer(self._file, key, {METADATA: VERSION,
                                                    EXTENSIONS: self._extensions})
        offset, size = self._writer.add(key, bodies)
        self._rows.append((self._name(), offset, size, key))
        self.images += len(contents.entries)
        self.before += sum(part.size for part in contents.parts)
        image = contents.parts[0].failure if contents.parts else True
        for entry in contents.entries:
            if entry.problem or image:
                self.failures += 1

    def close(self) -> None:
        """Write what is left, and the index, which says that all is there."""
        if self._writer is not None:
            self._put()
        storage.write(f"{self._folder}/{INDEX}",
                      BytesIO(write_index(self._rows, self._extensions)))

    def summary(self) -> str:
        """Return the line that says what was done."""
        text = (f"{self.images} image{'s' * (self.images != 1)}, {size_for_people(self.before)} "
                f"-> {size_for_people(self.after)} in {self._files} "
                f"file{'s' * (self._files != 1)} of {self._folder}")
        return text + (f"; {self.failures} packed as failures" if self.failures else "")

    def _name(self):
        return f"packed-{self._files:05d}.seq"

    def _put(self):
        self._file.flush()
        self._file.seek(0)
        storage.write(f"{self._folder}/{self._name()}", self._file)
        self.after += self._writer.size
        self._file.close()
        self._files += 1
        self._file = self._writer = None
