"""What a job over detections is: what it takes of a row, and what it makes of an object."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from mr_extract.settings.options import settings_from

#: What became of a row: nothing known yet; it is part of an object; it stands for it; it has
#: no position.
UNKNOWN, MEMBER, KEPT, UNPLACED = range(4)

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
        What `Aggregation.facts_of` said of the image.
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

    @abstractmethod
    def facts_of(self, number, account, config):
        """Return what mappers must know of an image, as JSON can hold it.

        Parameters
        ----------
        number : int
            Place of the image in the order in which images are taken.
        account : mr_extract.text.accounting.Account
        config : Settings
        """

    @abstractmethod
    def records(self, piece, config):
        """Return the detections (of `dtype`) of a piece, row by row."""

    @abstractmethod
    def settled(self, records, founder, ambiguous, config):
        """Return the decisions (of `DECISION`) on all detections of some objects."""


def record_errors(columns, config, count):
    """Return the errors of positions in arcseconds, zeros where nothing depends on them."""
    if not config.linking.link_sigma:
        return np.zeros(count)
    return 3600 * columns["erra_world"]


def aggregation_of(name):
    """Return the aggregation that stands in a module of `mr_extract.jobs`."""
    from importlib import import_module

    found = getattr(import_module(f"mr_extract.jobs.{name}"), "AGGREGATION", None)
    if not isinstance(found, Aggregation):
        raise ValueError(f"mr_extract.jobs.{name} is no job over detections")
    return found
