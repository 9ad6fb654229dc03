"""What a job is: its settings, its columns, and what is done with one line.

A job states these three in a module of its own, as a subclass of `Work` whose instance is
there as ``WORK``. All else is the skeleton's, once for every job:
`mr_extract.jobs.skeleton.image_job`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mr_extract.settings.options import settings_from

if TYPE_CHECKING:
    from pathlib import Path

    from mr_extract.columns.column import Column
    from mr_extract.jobs.driver.ahead import Ahead
    from mr_extract.jobs.task.line import Line
    from mr_extract.settings.tree import Settings

MAIN = "mr_extract.jobs.extract"  # the job where none is named
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


@dataclass(frozen=True)
class Rows:
    """What was made of one line.

    Parameters
    ----------
    columns : dict of str to ndarray, shape (n,)
        The columns of the catalog without ``image``, in their order and types; at least one.
    facts : dict of str to (str or number)
        What the image's line says first, behind the number of rows.
    further : dict of str to (str or number)
        What it says last.
    failed : int
        Rows of which a measurement failed.
    """

    columns: dict
    facts: dict = field(default_factory=dict)
    further: dict = field(default_factory=dict)
    failed: int = 0

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


class Work(ABC):
    """A job, but for all that every job has.

    Attributes
    ----------
    name : str
        The module in which it stands: a task imports it there.
    settings : type
        Of `mr_extract.settings.tree.Settings`.
    rows : str
        What a row of the catalog is, in the plural: its word in counts.
    bits : dict of int to str
        The bits of a column ``flag``.
    versions : tuple of str
        Distributions whose version changes the numbers.
    """

    name: str
    settings: type[Settings]
    rows = "rows"
    bits: dict = {}
    versions: tuple[str, ...] = ("sep",)

    @abstractmethod
    def columns(self, config: Any) -> dict[str, Column]:
        """Return the columns of the catalog, name to `mr_extract.columns.column.Column`, in order.

        ``image`` is the first. A driver asks for them, and must not load what measures.
        """

    @abstractmethod
    def measure(self, line: Line) -> Rows:
        """Return the `Rows` of one line.

        It is called in the process that may die, and imports what it needs when it needs it.

        Parameters
        ----------
        line : mr_extract.jobs.task.line.Line

        Raises
        ------
        ImageFailure
            When the image has none; `kind` names the reason.
        """

    def add_options(self, add_argument: Callable[..., object]) -> None:
        """Declare what the job takes besides its settings."""
        return None

    def config_from(self, options: Namespace) -> Any:
        """Return the settings that parsed options describe.

        Raises
        ------
        ValueError
            For a value out of range; the message names the option.
        """
        return settings_from(options, self.settings)

    def more_from(self, options: Namespace, config: Any) -> dict[str, Any]:
        """Return what tasks get besides the settings: names to what JSON can hold.

        Raises
        ------
        ValueError
            As `config_from`.
        """
        return {}

    def arguments(self, more: dict[str, Any]) -> list[str]:
        """Return the options by which a task has what `more_from` returned."""
        return []

    def carried(self, config: Any, folder: str) -> dict[str, str]:
        """Write what all lines share, and return the files by the options that name them.

        They travel with the job, once to each node.

        Parameters
        ----------
        config
            As `check` has it before.
        folder : str
        """
        return {}

    def folders(self, more: dict[str, Any]) -> dict[str, str]:
        """Return folders that tasks read, by the options that name them.

        They travel with the job, once to each node.
        """
        return {}

    def functions(self, config: Any) -> list[str]:
        """Return what of the user's tasks call, as ``module:function``: it travels with the job."""
        return []

    def modules(self, config: Any, more: dict[str, Any]) -> dict[str, Path]:
        """Return the files of the user's that tasks import, by their names there."""
        from mr_extract.jobs.beside.user_functions import travelling

        return travelling(self.functions(config))

    def settled(self, config: Any, more: dict[str, Any], ahead: Ahead
                ) -> tuple[Any, dict[str, Any]]:
        """Return settings, and what tasks get besides, with what is found out before they start.

        Parameters
        ----------
        config, more
            As the command line says.
        ahead : mr_extract.jobs.driver.ahead.Ahead
            The lines of the job.

        Raises
        ------
        ValueError
            As `config_from`.
        """
        return config, more

    def check(self, config: Any) -> None:
        """Raise ValueError where something that all images share cannot be used."""
        return None


def work_of(name: str) -> Work:
    """Return the work that stands in a module.

    Raises
    ------
    ValueError
        When there is none.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a module")
    try:
        work = getattr(import_module(name), "WORK", None)
    except ModuleNotFoundError as error:
        raise ValueError(f"there is no job {name}: {error}") from error
    if not isinstance(work, Work):
        raise ValueError(f"{name} states no job")
    return work
