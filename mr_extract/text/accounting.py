"""The lines of a catalog that account for its images, and its header.

``#image`` stands before the rows of an image that was measured, ``#error`` for one that was
not, ``#skipped`` for one that was left out: for each id of the manifest there is exactly one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mr_extract import __version__
from mr_extract.addresses import shown_within
from mr_extract.failures import KINDS
from mr_extract.text.entry import escaped

if TYPE_CHECKING:
    from mr_extract.settings.tree import Settings

LOST = "lost"
SKIPPED = "skipped"
FALSE, UNKNOWN = "false", "unknown"  # what was asked of a line that is left out
ACCOUNTS = ("#image\t", "#error\t", "#skipped\t")  # with which such lines begin
_TOTALS = ("images", "failed", "rows")


@dataclass
class Account:
    """What a catalog says of one image.

    Parameters
    ----------
    id : str
        The image.
    kind : str
        Kind of failure, empty for a measured image, `SKIPPED` for one that was left out.
    message : str
        Of the failure; `FALSE` or `UNKNOWN` is what was asked of an image that was left out.
    values : dict of str to str
        The ``key=value`` cells of a measured image.
    """

    id: str
    kind: str = ""
    message: str = ""
    values: dict = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of rows that follow: the first that is said of a measured image."""
        return int(next(iter(self.values.values()), 0))

    @property
    def failed_rows(self) -> int:
        """How many of them have a failed measurement."""
        return int(self.values.get(f"failed_{next(iter(self.values), '')}", 0))

    @property
    def standing(self) -> int:
        """Of several accounts of one image the one with the highest stands.

        A success is 2, a failure 1, and 0 that no task reported.
        """
        return 2 if not self.kind else 0 if self.kind == LOST else 1


def image_line(
    image_id: str, values: Mapping[str, str | float], carried: Sequence[tuple[str, str]] = ()
) -> str:
    """Return the accounting line of a measured image.

    Parameters
    ----------
    image_id : str
    values : dict of str to str or number
        Begins with the number of rows, under the name of what they are: ``sources``.
    carried : sequence of (str, str)
        Fields of the manifest that travel along, behind the others.
    """
    cells = [shown_within(f"{name}={value}") for name, value in values.items()]
    cells += [f"{name}={value}" for name, value in carried]
    return "\t".join(["#image", image_id, *cells]) + "\n"


def error_line(image_id: str, kind: str, message: str) -> str:
    """Return the accounting line of an image that was not measured."""
    if kind not in KINDS:
        raise ValueError(f"unknown failure kind {kind!r}")
    return "\t".join(["#error", image_id, kind, escaped(shown_within(message))]) + "\n"


def skipped_line(image_id: str, why: str) -> str:
    """Return the accounting line of an image that was left out: `FALSE` or `UNKNOWN` is why."""
    return f"#skipped\t{image_id}\t{why}\n"


def parse_account(line: bytes | str) -> Account:
    """Read an accounting line.

    Parameters
    ----------
    line : bytes or str

    Returns
    -------
    Account

    Raises
    ------
    ValueError
        When the line is none.
    """
    text = line if isinstance(line, str) else line.decode()
    word, image_id, *cells = text.rstrip("\n").split("\t")
    if word == "#error" and len(cells) == 2:
        return Account(image_id, cells[0], cells[1])
    if word == "#skipped" and cells in ([FALSE], [UNKNOWN]):
        return Account(image_id, SKIPPED, cells[0])
    if word == "#image":
        try:
            return Account(image_id, values=dict([cell.split("=", 1) for cell in cells]))
        except ValueError:
            pass  # a cell without =
    raise ValueError(f"not an accounting line: {text[:80]!r}")


@dataclass(frozen=True)
class Header:
    """What a catalog says before all else.

    Parameters
    ----------
    version : str
        Of mr_extract.
    made_with : tuple of (str, str)
        Versions of other programs that change the numbers, and the hash of the
        configuration.
    config : str
        The configuration as JSON.
    columns : str
        Their names, tab-separated.
    totals : dict of str to int
        ``images``, ``failed``, ``skipped`` where there are any, and rows under the name of
        what they are: ``sources``.
    """

    version: str
    made_with: tuple
    config: str
    columns: str
    totals: dict

    @property
    def accounts(self) -> int:
        """Number of images of which the catalog has a line."""
        return sum(list(self.totals.values())[:-1])

    def text(self) -> str:
        """Return its lines."""
        facts = (*self.made_with, *self.totals.items())
        cells = [f"#mr_extract {self.version}", *(f"{k}={v}" for k, v in facts)]
        return "\t".join(cells) + f"\n#config\t{self.config}\n{self.columns}\n"


def sum_of(totals: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Return the sums of totals as headers have them, in their order.

    Parameters
    ----------
    totals : sequence of dict of str to int
        Of the same rows.
    """
    *names, rows = max(totals, key=len)
    return {name: sum(one.get(name, 0) for one in totals) for name in (*names, rows)}


def header(
    config: Settings, columns: Iterable[str], made_with: Mapping[str, str], totals: dict[str, int]
) -> str:
    """Return the lines that stand before all others.

    Parameters
    ----------
    config : mr_extract.settings.tree.Settings
    columns : iterable of str
        Names of the columns.
    made_with : dict of str to str
        Versions of the programs that change the numbers.
    totals : dict of str to int
        As of `Header`.
    """
    programs = (*made_with.items(), ("config", config.hash()))
    return Header(__version__, programs, config.as_json(), "\t".join(columns), totals).text()


def parse_header(text: bytes) -> Header:
    """Read the header of a catalog.

    Parameters
    ----------
    text : bytes
        Its three lines.

    Returns
    -------
    Header

    Raises
    ------
    ValueError
        When it is none.
    """
    try:
        first, second, columns, _ = text.decode().split("\n")
        word, *cells = first.split("\t")
        program, version = word.split(" ")
        mark, config = second.split("\t", 1)
        facts = dict(cell.split("=", 1) for cell in cells)
        count = len(_TOTALS) + (SKIPPED in facts)
        totals = {name: int(facts.pop(name)) for name in list(facts)[-count:]}
        if tuple(totals)[:2] != _TOTALS[:2]:
            raise ValueError("its totals are others")
    except (ValueError, KeyError) as error:
        raise ValueError("it does not begin with the header of a catalog") from error
    if (program, mark) != ("#mr_extract", "#config"):
        raise ValueError("it does not begin with the header of a catalog")
    return Header(version, tuple(facts.items()), config, columns, totals)


def config_of(lines: Iterable[str]) -> dict[str, Any]:
    """Return the configuration that a catalog's header gives, as dictionaries."""
    for line in lines:
        if line.startswith("#config\t"):
            return json.loads(line.split("\t", 1)[1])
    raise ValueError("the catalog has no #config line")
