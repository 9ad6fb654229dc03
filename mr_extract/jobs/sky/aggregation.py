"""What a job over detections is: what it takes of a row, and what it makes of an object."""

from __future__ import annotations

from abc import abstractmethod
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeAlias

import numpy as np

from mr_extract.jobs.sky.work import SkyWork

if TYPE_CHECKING:
    from mr_extract.jobs.sky.catalogs import Detections
    from mr_extract.jobs.sky.decisions import Decisions
    from mr_extract.jobs.sky.sky_job import SkyJob
    from mr_extract.text.accounting import Account

#: What became of a row: nothing known yet; it is part of an object; it stands for it; it has
#: no position; its image has no epoch.
UNKNOWN, MEMBER, KEPT, UNPLACED, NO_EPOCH = range(5)

#: The word before decisions in what a reducer writes.
DECIDED = b"d"

#: What is said of a row: its place among all rows of the catalogs.
DECISION = np.dtype([("place", "<i8"), ("state", "u1"), ("ambiguous", "u1"),
                     ("detections", "<i4")])

#: What is said of each image, and of all: see `Aggregation.survey`.
Survey: TypeAlias = tuple[list[dict[str, Any] | None], dict[str, Any]]


class Footprint(NamedTuple):
    """Where an image was taken.

    Attributes
    ----------
    filter : int
    corners : list of 8 float
        Degrees, ra and dec in turn, as `mr_extract.objects.coverage.covered` takes them.
    holes : list or None
        Height and width of the image, and `mr_extract.text.bitmaps.bitmap_word` of its
        `mr_extract.objects.holes.holes_of`.
    """

    filter: int
    corners: list[float]
    holes: list | None = None


#: By number of an image.
Footprints: TypeAlias = dict[int, Footprint]


@dataclass(frozen=True)
class Piece:
    """Rows of one image, as a mapper has them.

    Parameters
    ----------
    place : int
        Of the first row among all rows of the catalogs.
    facts : dict of str to object
        What `Aggregation.survey` said of the image.
    columns : dict of str to ndarray of float64, shape (n,)
        Those that `Aggregation.needs` names.
    """

    place: int
    facts: dict
    columns: dict

    def __len__(self) -> int:
        return len(self.columns["ra"])


class Aggregation(SkyWork):
    """A job over detections, but for all that every such job has.

    Attributes
    ----------
    settings : type
        With a section `linking`.
    dtype : numpy.dtype
        Of a detection on its way to a reducer: ``place``, ``image``, ``ra``, ``dec``, ``error``
        and what else is needed.
    """

    dtype: np.dtype

    def keyed(self, line: bytes, config: Any,
              told: dict[str, Any]) -> Iterator[tuple[bytes, bytes]]:
        """Yield the detections of a line by cell."""
        from mr_extract.jobs.sky.mapping import keyed

        yield from keyed(line, self, config, told)

    def reduced(self, key: bytes, values: Iterable[bytes], config: Any,
                told: dict[str, Any]) -> Iterator[bytes]:
        """Yield what is settled in a cell, and what is left open."""
        from mr_extract.jobs.sky.reducing import reduced

        yield from reduced(key, values, self, config, told)

    def make(self, job: SkyJob, scratch: str) -> tuple[Counter, list[str]]:
        """Make the catalog."""
        from mr_extract.jobs.sky.aggregating import make

        return make(job, self, scratch)

    @abstractmethod
    def needs(self, config: Any) -> dict[str, str]:
        """Return the columns that are needed, name to why, besides ``ra`` and ``dec``."""

    def takes(self, config: Any) -> tuple[str, ...]:
        """Return further columns, which are used where they are there."""
        return ()

    @abstractmethod
    def survey(self, detections: Detections, config: Any, options: Namespace) -> Survey:
        """Look at all images.

        Parameters
        ----------
        detections : mr_extract.jobs.sky.catalogs.Detections
        config : Settings
        options : argparse.Namespace

        Returns
        -------
        facts : list of (dict or None)
            What mappers must know of each image: ``image``, its place in the order in which
            images are taken, and ``footprint`` where reducers want it; None for one that takes
            no part.
        told : dict
            What all tasks must know besides the settings.

        Raises
        ------
        UnfitCatalog
            When they are of no use.
        """

    def left_out(self, account: Account) -> int | None:
        """Return the state of the rows of an image that takes no part."""
        raise AssertionError(f"{account.id} takes no part")

    @abstractmethod
    def records(self, piece: Piece, config: Any) -> np.ndarray:
        """Return the detections (of `dtype`) of a piece, row by row."""

    def output(self, config: Any, told: dict[str, Any]) -> dict[bytes, np.dtype | None]:
        """Return the types of what `settled` returns, by word; None for lists of bytes."""
        return {DECIDED: DECISION}

    @abstractmethod
    def settled(self, records: np.ndarray, founder: np.ndarray, ambiguous: np.ndarray, config: Any,
                told: dict[str, Any],
                footprints: Footprints) -> dict[bytes, np.ndarray | list[bytes]]:
        """Return what is made of some objects, all of whose detections are there.

        Parameters
        ----------
        records : ndarray
            Of `dtype`.
        founder, ambiguous : ndarray, shape (n,)
            As of `mr_extract.objects.association.associate`.
        config : Settings
        told : dict
        footprints : dict of int to Footprint
            By number of an image; of all that may hold an object.

        Returns
        -------
        dict of bytes to (ndarray or list of bytes)
            Under `DECIDED` decisions on every detection; records under other words are sorted
            by their bytes.
        """

    @abstractmethod
    def write(self, made: Made, catalog: BinaryIO) -> Counter:
        """Write what was made to a binary file, and return counts.

        Parameters
        ----------
        made : Made
        catalog : binary file

        Returns
        -------
        Counter
        """

    @abstractmethod
    def as_text(self, totals: Any) -> str:
        """Return the counts as words for a person."""


@dataclass(frozen=True)
class Made:
    """What a job has made when all tasks are done.

    Parameters
    ----------
    name : str
        Of the aggregation.
    detections : mr_extract.jobs.sky.catalogs.Detections
    decisions : mr_extract.jobs.sky.decisions.Decisions
    sorted : dict of bytes to mr_extract.text.sorting.SortedRecords
        What else `Aggregation.settled` returned, by word.
    counts : dict of str to int
        How many records these are.
    config : mr_extract.settings.tree.Settings
    told : dict
    options : argparse.Namespace
    """

    name: str
    detections: Detections
    decisions: Decisions
    sorted: dict
    counts: dict
    config: Any
    told: dict
    options: Namespace


def record_errors(columns: Mapping[str, np.ndarray], config: Any, count: int) -> np.ndarray:
    """Return the errors of positions in arcseconds, 0 for what is not known and not needed."""
    error = 3600 * columns["erra_world"] if "erra_world" in columns else np.zeros(count)
    return error if config.linking.link_sigma else np.where(np.isfinite(error), error, 0.0)
