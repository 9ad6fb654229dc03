"""What a job over catalogs is: its settings, what its tasks do, and what it makes of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from mr_extract.settings.options import settings_from

if TYPE_CHECKING:
    from mr_extract.jobs.sky.sky_job import SkyJob
    from mr_extract.settings.tree import Settings


class SkyWork(ABC):
    """A job over catalogs, but for what `mr_extract.jobs.sky.sky_job.SkyJob` has for all of them.

    Attributes
    ----------
    name : str
        The module in which it stands as ``WORK``.
    settings : type
        Of `mr_extract.settings.tree.Settings`.
    """

    name: str
    settings: type[Settings]

    def config_from(self, options: Namespace) -> Any:
        """Return the settings that parsed options describe; ValueError names a wrong one."""
        return settings_from(options, self.settings)

    def add_options(self, add_argument: Callable[..., object]) -> None:
        """Declare what the job takes besides its settings."""
        return None

    def functions(self, config: Any) -> list[str]:
        """Return what of the user's tasks call, as ``module:function``: it travels with the job."""
        return []

    @abstractmethod
    def keyed(self, line: bytes, config: Any,
              told: dict[str, Any]) -> Iterator[tuple[bytes, bytes]]:
        """Yield what a mapper makes of a line: cells, and what lies in them."""

    @abstractmethod
    def reduced(self, key: bytes, values: Iterable[bytes], config: Any,
                told: dict[str, Any]) -> Iterator[bytes]:
        """Yield the lines that a reducer makes of what lies in a cell."""

    @abstractmethod
    def make(self, job: SkyJob, scratch: str) -> tuple[Counter, list[str]]:
        """Make the catalog and put it in its place.

        Parameters
        ----------
        job : mr_extract.jobs.sky.sky_job.SkyJob
        scratch : str
            A folder for temporary files.

        Returns
        -------
        totals : collections.Counter
            Of the summary.
        told : list of str
            Lines for standard error.

        Raises
        ------
        ValueError, mr_extract.text.stored_catalog.UnfitCatalog
            For what a user can mend.
        mrjob.step.StepFailedException, mr_extract.jobs.sky.decisions.Miscounted
            When the job failed.
        """


def work_of(name: str) -> SkyWork:
    """Return what stands as ``WORK`` in a module of `mr_extract.jobs`.

    Raises
    ------
    ValueError
        When it is no job over catalogs.
    """
    from importlib import import_module

    found = getattr(import_module(f"mr_extract.jobs.{name}"), "WORK", None)
    if not isinstance(found, SkyWork):
        raise ValueError(f"mr_extract.jobs.{name} is no job over catalogs")
    return found
