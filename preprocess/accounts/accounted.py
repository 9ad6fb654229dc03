"""What catalogs say of the lines of a manifest, in some fifteen bytes an image.

Kept is a digest of each id, 96 bits of it: among ten million images and as many lines the
chance that two are taken for one is below 1 in 10^14.
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import groupby

import numpy as np

from mr_extract.text.accounting import Account
from mr_extract.text.stored_catalog import CatalogReader
from preprocess.accounts.expanded_ids import names_of

_DIGEST = 12
_RECORD = _DIGEST + 3  # and what stands: two bytes, and whether it is asked for
_ASKED, _OTHER = 2, 1
_SUCCESS = 0xFFFF


class Accounted:
    """The accounts of images by id.

    Parameters
    ----------
    asked : callable
        Takes a kind of failure, empty for a success; tells whether it is asked for.
    """

    def __init__(self, asked: Callable[[str], bool]) -> None:
        self._asked = asked
        self._records = bytearray()
        self._catalogs = 0
        self._sorted = np.zeros(0, f"S{_RECORD}")

    def add(self, catalog: CatalogReader) -> None:
        """Take in the accounts of a catalog; of failures the one of the last catalog stands.

        Of an image that was expanded (``file[2]``, ``file[2][plane=3]``) also the file is kept,
        with the worst that is said of its images: but not where the catalog breaks off and
        further ones may follow.
        """
        files, begin = bytearray(), 0
        for _, accounts in groupby((account for account, _ in catalog), _base_of):
            found: dict[str, tuple[bytes, bytes]] = {}
            for account in accounts:
                standing = self._standing(account)
                self._records += _digest(account.id) + standing
                for name in names_of(account.id):
                    rank, asked = found.get(name, (b"\xff\xff", b"\0"))
                    found[name] = min(rank, standing[:2]), max(asked, standing[2:])
            if found:
                begin = len(files)
                for name, (rank, asked) in found.items():
                    files += _digest(name, b"file") + rank + asked
        if catalog.damage:
            del files[begin if catalog.ordered else 0 :]
        self._records += _worst(files)
        self._catalogs += 1

    def complete(self) -> None:
        """Make ready for questions, when all catalogs are there."""
        if self._records:
            self._sorted = np.frombuffer(self._records, f"S{_RECORD}")
            self._sorted.sort()

    def of_images(self, ids: Sequence[str]) -> list[bytes]:
        """Give what stands for images; empty for those that no catalog accounts for.

        The greater of two answers is the one that stands; `is_asked` reads it.
        """
        return self._find([_digest(image_id) for image_id in ids])

    def of_files(self, ids: Sequence[str]) -> list[bytes]:
        """Give what stands for all images of files together."""
        return self._find([_digest(image_id, b"file") for image_id in ids])

    def _find(self, digests: list[bytes]) -> list[bytes]:
        if not digests or not len(self._sorted):
            return [b""] * len(digests)
        # Of equal digests the last stands: no record is above one of these.
        above = np.array([digest + b"\xff\xff\xff" for digest in digests], f"S{_RECORD}")
        places = np.searchsorted(self._sorted, above, "right") - 1
        found = []
        for digest, place in zip(digests, places.tolist()):
            record = self._sorted[place] if place >= 0 else b""
            found.append(bytes(record[_DIGEST:]) if record[:_DIGEST] == digest else b"")
        return found

    def _standing(self, account: Account) -> bytes:
        rank = (0, min(1 + self._catalogs, _SUCCESS - 1), _SUCCESS)[account.standing]
        return rank.to_bytes(2) + bytes([_ASKED if self._asked(account.kind) else _OTHER])


def is_asked(standing: bytes) -> bool:
    """Tell whether what stands is asked for."""
    return standing[-1:] == bytes([_ASKED])


def _base_of(account: Account) -> str:
    names = names_of(account.id)
    return names[-1].partition("[")[0] if names else ""


def _digest(text: str, person: bytes = b"") -> bytes:
    return blake2b(text.encode(), digest_size=_DIGEST, person=person).digest()


def _worst(records: bytearray) -> bytes:
    """Give one record for each digest, with the lowest rank; asked for if one of them is."""
    if not records:
        return b""
    ordered = np.frombuffer(records, f"S{_RECORD}")
    ordered.sort()
    table = ordered.view(np.uint8).reshape(-1, _RECORD)
    new = np.concatenate([[True], (table[1:, :_DIGEST] != table[:-1, :_DIGEST]).any(axis=1)])
    begins = np.flatnonzero(new)
    worst = table[begins]  # the lowest rank is the first of them
    worst[:, -1] = np.maximum.reduceat(table[:, -1], begins)
    return worst.tobytes()
