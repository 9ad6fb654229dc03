"""Catalogs of several runs to one, image by image in the order of ids."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from mr_extract.jobs.skeleton.expansion import FIRST
from mr_extract.text.accounting import Account
from mr_extract.text.block_stream import whole
from mr_extract.text.sorting import SortedRecords
from mr_extract.text.stored_catalog import CatalogReader
from preprocess.accounts.expanded_ids import name_of_several, names_of
from preprocess.errors import CommandError

#: Catalogs that are read side by side: each is an open file.
SIDE_BY_SIDE = 64

_INDEX = 4  # bytes of the number of a catalog in a record


@dataclass(frozen=True)
class Told:
    """What catalogs say of one image.

    Attributes
    ----------
    account : mr_extract.text.accounting.Account
    block : bytes
        What stands of it in the merged catalog.
    catalogs : frozenset of int
        Numbers of the catalogs that tell of it.
    """

    account: Account
    block: bytes
    catalogs: frozenset


def told(catalogs: Sequence[CatalogReader]) -> Iterator[Told]:
    """Merge catalogs that have been read once.

    Parameters
    ----------
    catalogs : sequence of CatalogReader
        In the order of the runs. Those whose images are not in order are sorted in temporary
        files.

    Yields
    ------
    told : Told
        Of each image once, in the bytewise order of ids. A success stands before a failure, a
        failure before ``lost``, and among failures that of the last catalog.

    Raises
    ------
    CommandError
        When two catalogs have measured an image differently.
    """
    streams: list[Iterator[tuple]] = []
    others = SortedRecords()
    for number, catalog in enumerate(catalogs):
        if catalog.ordered and len(streams) < SIDE_BY_SIDE:
            streams.append(_stream(catalog, number))
        else:
            for account, block in catalog:
                key = account.id.encode() + b"\0" + number.to_bytes(_INDEX)
                others.add(key + block)
    merged = heapq.merge(*streams, _parsed(others), key=lambda one: one[:2])
    for _, group in groupby(merged, key=lambda one: one[0]):
        yield _standing(list(group), catalogs)


def _stream(catalog: CatalogReader, number: int) -> Iterator[tuple]:
    for account, block in catalog:
        yield account.id.encode(), number, account, block


def _parsed(records: Iterable[bytes]) -> Iterator[tuple]:
    for record in records:
        image_id, rest = record.split(b"\0", 1)
        block = rest[_INDEX:]
        yield image_id, int.from_bytes(rest[:_INDEX]), whole(block), block


def _standing(group: list[tuple], catalogs: Sequence[CatalogReader]) -> Told:
    _, first, account, block = group[0]
    for _, number, other, text in group[1:]:
        if other.standing == account.standing == 2 and text != block:
            raise CommandError(
                f"{account.id!r} was measured differently for {catalogs[first].source!r} and "
                f"{catalogs[number].source!r}: the image changed, or two lines of the manifests "
                "have this id; leave one out"
            )
        if other.standing >= account.standing:
            first, account, block = number, other, text
    return Told(account, block, frozenset(number for _, number, _, _ in group))


@dataclass
class _Waiting:
    """A failure that stands for all images of a file, until it is known whether it stays."""

    file: str
    place: int
    told: Told
    since: frozenset = frozenset()

    @property
    def is_over(self) -> bool:
        """Tell whether another run has told of the images themselves."""
        return bool(self.since) and not self.since & self.told.catalogs


class Superseded:
    """Finds the failures of files whose images another run has expanded and measured.

    A file that cannot be read is one failure under the id of its line, ``mosaic.fits``,
    ``mosaic.fits[*]`` or ``cube.fits[plane=all]``. When a later run can read it, its images
    have ids of their own, and the failure must go: one run of all would not have it.

    Parameters
    ----------
    extensions, planes : str
        What a line without ``ext`` or ``plane`` means, as for the job.
    """

    def __init__(self, extensions: str = FIRST, planes: str | None = None) -> None:
        self._expands = extensions != FIRST or bool(planes)
        self._images: dict[str, frozenset] = {}
        self._waiting: list[_Waiting] = []

    def take(self, one: Told, place: int) -> Iterator[tuple[int, int]]:
        """Take what catalogs say of the next image, in the order of ids.

        Parameters
        ----------
        one : Told
        place : int
            Where its block begins.

        Yields
        ------
        place, size : int
            Of the block of a failure that must go.
        """
        image_id = one.account.id
        # All that begins with `file[` comes before `file\`, but others may come before it.
        yield from self._over(image_id)
        names = names_of(image_id)
        for name in names:
            # Before `cube.fits[plane=all]` comes `cube.fits[plane=1]`.
            self._images[name] = self._images.get(name, frozenset()) | one.catalogs
            for waiting in self._waiting:
                if waiting.file == name:
                    waiting.since |= one.catalogs
        if one.account.kind and (file := name_of_several(image_id, self._expands and not names)):
            waiting = _Waiting(file, place, one)
            waiting.since |= self._images.get(file, frozenset())
            self._waiting.append(waiting)

    def rest(self) -> Iterator[tuple[int, int]]:
        """Give those of the end."""
        yield from self._over(None)

    def _over(self, image_id: str | None) -> Iterator[tuple[int, int]]:
        def is_past(name):
            return image_id is None or image_id >= name.partition("[")[0] + "\\"

        self._images = {name: told for name, told in self._images.items() if not is_past(name)}
        past = [one for one in self._waiting if is_past(one.file)]
        if past:
            self._waiting = [one for one in self._waiting if one not in past]
            yield from ((one.place, len(one.told.block)) for one in past if one.is_over)
