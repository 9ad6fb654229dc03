"""The lines of a catalog that account for its images, and its header.

``#image`` stands before the rows of an image that was measured, ``#error`` for
one that was not: for each id of the manifest there is exactly one of the two.
"""

import json
from dataclasses import dataclass, field

from mr_extract import __version__
from mr_extract.failures import KINDS
from mr_extract.text.manifest import escaped


@dataclass
class Account:
    """What a catalog says of one image.

    Parameters
    ----------
    id : str
        The image.
    kind : str
        Kind of failure, empty for a measured image.
    message : str
        Of the failure.
    values : dict of str to str
        The ``key=value`` cells of a measured image.
    """

    id: str
    kind: str = ""
    message: str = ""
    values: dict = field(default_factory=dict)

    @property
    def sources(self):
        """Number of rows that follow."""
        return int(self.values.get("sources", 0))


def image_line(image_id, values, carried=()):
    """Return the accounting line of a measured image.

    Parameters
    ----------
    image_id : str
    values : dict of str to str or number
        Begins with ``sources``.
    carried : sequence of (str, str)
        Fields of the manifest that travel along, behind the others.
    """
    cells = [f"{name}={value}" for name, value in values.items()]
    cells += [f"{name}={value}" for name, value in carried]
    return "\t".join(["#image", image_id, *cells]) + "\n"


def error_line(image_id, kind, message):
    """Return the accounting line of an image that was not measured."""
    if kind not in KINDS:
        raise ValueError(f"unknown failure kind {kind!r}")
    return "\t".join(["#error", image_id, kind, escaped(message)]) + "\n"


def parse_account(line):
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
    if word == "#image":
        pairs = [cell.split("=", 1) for cell in cells]
        if all(len(pair) == 2 for pair in pairs):
            return Account(image_id, values=dict(pairs))
    raise ValueError(f"not an accounting line: {text[:80]!r}")


def header(config, columns, measured, failed, sources, versions):
    """Return the lines that stand before all others.

    Parameters
    ----------
    config : mr_extract.config.Config
    columns : iterable of str
        Names of the columns.
    measured, failed, sources : int
        Totals of the catalog.
    versions : dict of str to str
        Of the programs whose version changes the numbers.
    """
    facts = {**versions, "config": config.hash(),
             "images": measured, "failed": failed, "sources": sources}
    return (
        "\t".join([f"#mr_extract {__version__}", *(f"{k}={v}" for k, v in facts.items())]) + "\n"
        + f"#config\t{config.as_json()}\n"
        + "\t".join(columns) + "\n"
    )


def config_of(lines):
    """Return the configuration that a catalog's header gives, as dictionaries."""
    for line in lines:
        if line.startswith("#config\t"):
            return json.loads(line.split("\t", 1)[1])
    raise ValueError("the catalog has no #config line")
