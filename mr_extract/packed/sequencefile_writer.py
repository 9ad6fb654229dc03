"""Writing the SequenceFiles that `mr_extract.packed.sequencefile` reads."""

import hashlib
from collections.abc import Sequence
from typing import BinaryIO

from mr_extract.packed.hadoop_text import NUMBER, text
from mr_extract.packed.sequencefile import BYTES, ESCAPE, MAGIC, MOST, SYNC_SIZE, TEXT, VERSION


class Writer:
    """Write a SequenceFile; the same calls give the same bytes.

    Parameters
    ----------
    file : binary file
    seed : bytes
        What the sync marker is made of, where Hadoop takes a random number. It should
        differ from file to file.
    metadata : dict of str to str, optional
    """

    def __init__(self, file: BinaryIO, seed: bytes, metadata: dict[str, str] | None = None) -> None:
        self._file = file
        self._sync = hashlib.sha256(b"sync marker" + seed).digest()[:SYNC_SIZE]
        pairs = sorted((metadata or {}).items())
        header = b"".join([
            MAGIC, bytes([VERSION]), text(TEXT.encode()), text(BYTES.encode()), b"\0\0",
            NUMBER.pack(len(pairs)), *(text(word.encode()) for pair in pairs for word in pair),
            self._sync,
        ])
        self._file.write(header)
        self.size = len(header)

    def add(self, key: bytes, value: Sequence[bytes]) -> tuple[int, int]:
        """Write a record.

        Parameters
        ----------
        key : bytes
            Valid UTF-8, as Text is.
        value : sequence of bytes-like
            Written one after the other.

        Returns
        -------
        offset, size : int
            Where it is in the file, without the sync marker before it.

        Raises
        ------
        ValueError
            When the record is larger than Hadoop can read.
        """
        name = text(key)
        length = sum(map(len, value))
        total = len(name) + NUMBER.size + length
        if total > MOST:
            raise ValueError(f"a record of {total:,} bytes; Hadoop reads no more than {MOST:,}")
        self._file.write(ESCAPE + self._sync)
        offset = self.size + len(ESCAPE) + SYNC_SIZE
        self._file.write(NUMBER.pack(total) + NUMBER.pack(len(name)) + name
                         + NUMBER.pack(length))
        for piece in value:
            self._file.write(piece)
        size = 2 * NUMBER.size + total
        self.size = offset + size
        return offset, size
