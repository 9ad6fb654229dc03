"""What a job over detections is: what it takes of a row, and what it makes of an object."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from mr_extract.settings.options import settings_from

#: What became of a row: nothing known yet; it is part of an object; it stands for it; it has
#: no position; its image has no epoch.
UNKNOWN, MEMBER, KEPT, UNPLACED, NO_EPOCH = range(5)

#: The word before decisions in what a reducer writes.
DECIDED = b"d"

#: What is said of a row: its place among all rows of the catalogs.
DECISION = np.dtype([("place", "<i8"), ("state", "u1"), ("ambiguous", "u1"),
                     ("detections", "<i4")])


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

    def __len__(self):
        return len(self.columns["ra"])


class Aggregation(ABC):
    """A job over detections, but for all that every such job has.

    Attributes
    ----------
    name : str
        The module in which it stands as ``AGGREGATION``.
    settings : type
        Of `mr_extract.settings.tree.Settings`, with a section `linking`.
    dtype : numpy.dtype
        Of a detection on its way to a reducer: ``place``, ``image``, ``ra``, ``dec``, ``error``
        and what else is needed.
    """

    name: str
    settings: type
    dtype: np.dtype

    def config_from(self, options):
        """Return the settings that parsed options describe; ValueError names a wrong one."""
        return settings_from(options, self.settings)

    @abstractmethod
    def needs(self, config):
        """Return the columns that are needed, name to why, besides ``ra`` and ``dec``."""

    def add_options(self, add_argument):
        """Declare what the job takes besides its settings."""
        return None

    def takes(self, config):
        """Return further columns, which are used where they are there."""
        return ()

    @abstractmethod
    def survey(self, detections, config, options):
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

    def left_out(self, account):
        """Return the state of the rows of an image that takes no part."""
        raise AssertionError(f"{account.id} takes no part")

    @abstractmethod
    def records(self, piece, config):
        """Return the detections (of `dtype`) of a piece, row by row."""

    def output(self, config, told):
        """Return the types of what `settled` returns, by word; None for lists of bytes."""
        return {DECIDED: DECISION}

    @abstractmethod
    def settled(self, records, founder, ambiguous, config, told, footprints):
        """Return what is made of some objects, all of whose detections are there.

        Parameters
        ----------
        records : ndarray
            Of `dtype`.
        founder, ambiguous : ndarray, shape (n,)
            As of `mr_extract.objects.association.associate`.
        config : Settings
        told : dict
        footprints : dict of int to (int, list of float)
            By number of an image its filter and corners; of all that may hold an object.

        Returns
        -------
        dict of bytes to (ndarray or list of bytes)
            Under `DECIDED` decisions on every detection; records under other words are sorted
            by their bytes.
        """

    @abstractmethod
    def write(self, made, catalog):
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
    def as_text(self, totals):
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
    detections: object
    decisions: object
    sorted: dict
    counts: dict
    config: object
    told: dict
    options: object


def record_errors(columns, config, count):
    """Return the errors of positions in arcseconds, 0 for what is not known and not needed."""
    error = 3600 * columns["erra_world"] if "erra_world" in columns else np.zeros(count)
    return error if config.linking.link_sigma else np.where(np.isfinite(error), error, 0.0)


def aggregation_of(name):
    """Return the aggregation that stands in a module of `mr_extract.jobs`."""
    from importlib import import_module

    found = getattr(import_module(f"mr_extract.jobs.{name}"), "AGGREGATION", None)
    if not isinstance(found, Aggregation):
        raise ValueError(f"mr_extract.jobs.{name} is no job over detections")
    return found
