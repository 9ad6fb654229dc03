"""The catalogs of a job over detections, brought together: each image once, in the order of ids."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from mr_extract.addresses import shown
from mr_extract.jobs.sky.mapping import packed_piece
from mr_extract.text.accounting import SKIPPED, parse_account
from mr_extract.text.stored_catalog import CatalogReader, UnfitCatalog, common_header

if TYPE_CHECKING:
    import numpy as np

    from mr_extract.text.accounting import Account

_LINE = 1 << 20  # bytes of rows on one line of a shard


class Detections:
    """What catalogs say, image by image.

    Parameters
    ----------
    sources : sequence of str
        Paths or URIs of catalogs, ``-`` for standard input.
    text : binary file
        Empty, for reading and writing: the images are kept there.
    stdin : binary file, optional

    Attributes
    ----------
    header : mr_extract.text.accounting.Header
        Which all of them have, but for its totals.
    count : int
        Rows of all images.
    twice : int
        Images that stand in several catalogs, in the same words.

    Raises
    ------
    UnfitCatalog
        When one is no catalog, breaks off, or does not go with the others.
    """

    def __init__(self, sources: Sequence[str], text: BinaryIO,
                 stdin: BinaryIO | None = None) -> None:
        self._text, self.twice = text, 0
        self._places: dict[str, tuple] = {}
        self._skipped: set[str] = set()
        self._starts: tuple[np.ndarray, np.ndarray] | None = None
        readers = [CatalogReader(source, stdin) for source in sources]
        for reader in readers:
            for account, block in reader:
                self._take(reader, account, block)
            if reader.damage:
                raise UnfitCatalog(f"{reader.source!r}: {reader.damage}; measure what "
                                   "`python -m preprocess remaining` lists, and `merge`")
        self.header = common_header(readers)
        self._ids = sorted(self._places)  # of text as of its bytes
        self.count, self.failed = 0, -len(self._skipped)
        for image_id in self._ids:
            place = self._places[image_id]
            self.failed += not place[-2]
            self._places[image_id] = (self.count, *place)
            self.count += place[-1]

    def _take(self, reader, account, block):
        known = self._places.get(account.id)
        digest = hashlib.sha256(block).digest()[:8]
        standing = account.standing == 2
        if known is not None:
            if known[3] and standing and known[2] != digest:
                raise UnfitCatalog(f"{shown(account.id)!r} was measured differently for "
                                   f"{reader.source!r} and a catalog before it: leave one out")
            self.twice += 1
            if known[3] or not standing:
                return
        (self._skipped.add if account.kind == SKIPPED else self._skipped.discard)(account.id)
        self._places[account.id] = (self._text.tell(), len(block), digest, standing, account.rows)
        self._text.write(block)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def totals(self) -> dict[str, int]:
        """Numbers of images as in a header."""
        skipped = {SKIPPED: len(self._skipped)} if self._skipped else {}
        measured = len(self) - self.failed - len(self._skipped)
        return {"images": measured, "failed": self.failed, **skipped}

    def __iter__(self) -> Iterator[tuple[int, Account, bytes, bytes]]:
        """Give of each image: place of its first row, account, its line and its rows (bytes)."""
        for image_id in self._ids:
            place, start, size, *_ = self._places[image_id]
            self._text.seek(start)
            block = self._text.read(size)
            end = block.index(b"\n") + 1
            yield place, parse_account(block[:end]), block[:end], block[end:]

    def accounts(self) -> Iterator[Account]:
        """Give the account of each image."""
        for _, account, _, _ in self:
            yield account

    def images_at(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the images and the numbers of the rows, from 1, at places among all rows.

        Parameters
        ----------
        places : ndarray of int, shape (n,)

        Returns
        -------
        images : ndarray of str, shape (n,)
        numbers : ndarray of int32, shape (n,)
        """
        import numpy as np

        if self._starts is None:
            with_rows = [i for i in self._ids if self._places[i][-1]]
            self._starts = (np.array([self._places[i][0] for i in with_rows]),
                            np.array(with_rows, object))
        starts, ids = self._starts
        at = np.searchsorted(starts, places, side="right") - 1
        return ids[at].astype(str), (places - starts[at] + 1).astype(np.int32)

    def columns_for(self, needs: Mapping[str, str], takes: Sequence[str] = ()) -> dict[str, int]:
        """Return the number of each column that is needed or taken.

        Parameters
        ----------
        needs : dict of str to str
            Columns, and what for.
        takes : sequence of str
            Columns that need not be there.

        Raises
        ------
        UnfitCatalog
            When the catalogs have not all of them.
        """
        names = self.header.columns.split("\t")
        for name, why in needs.items():
            if name not in names:
                raise UnfitCatalog(f"the catalogs have no column {name}, which {why} needs")
        taken = [name for name in takes if name in names]
        return {name: names.index(name) for name in (*needs, *taken)}


def write_shards(detections: Detections, facts: Iterable[dict[str, Any] | None], number: int,
                 folder: str) -> list[str]:
    """Write the rows of all images as lines that stand for themselves.

    Parameters
    ----------
    detections : Detections
    facts : iterable of (dict or None)
        What tasks must know of each image; of one with None they get nothing.
    number : int
        Files, of about equal size.
    folder : str
        Of which they become members.

    Returns
    -------
    list of str
        Their paths; at least one.
    """
    import os

    os.makedirs(folder, mode=0o700)
    paths = [os.path.join(folder, f"shard-{k:05d}.txt") for k in range(number)]
    files = [open(path, "wb") for path in paths]
    try:
        for (place, _, _, rows), known in zip(detections, facts):
            if known is not None and "footprint" in known:
                files[0].write(packed_piece(place, known, b""))
                known = {k: v for k, v in known.items() if k != "footprint"}
            start = 0
            while start < len(rows) and known is not None:
                stop = rows.find(b"\n", min(start + _LINE, len(rows) - 1)) + 1
                piece = rows[start:stop]
                least = min(files, key=lambda file: file.tell())
                least.write(packed_piece(place, known, piece))
                place, start = place + piece.count(b"\n"), stop
    finally:
        for file in files:
            file.close()
    return paths
