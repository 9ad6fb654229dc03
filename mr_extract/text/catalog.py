"""Read a catalog back: its accounting and its columns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mr_extract.columns.choice import COLUMNS
from mr_extract.columns.column import Column
from mr_extract.columns.objects import object_column
from mr_extract.sextractor.names import as_column
from mr_extract.sextractor.parameters import OWN, PARAMETERS
from mr_extract.text.accounting import ACCOUNTS, config_of, parse_account
from mr_extract.text.rows import parse_rows


@dataclass
class Catalog:
    """What a catalog holds.

    Parameters
    ----------
    accounts : dict of str to mr_extract.text.accounting.Account
        By image id.
    columns : dict of str to ndarray, shape (n,)
        All rows, in the types of the schema.
    config : dict
        The configuration it was made with, as nested dictionaries.
    """

    accounts: dict
    columns: dict
    config: dict


def read_catalog(path: str) -> Catalog:
    """Read a catalog file into memory.

    Parameters
    ----------
    path : str

    Returns
    -------
    Catalog

    Raises
    ------
    ValueError
        When it is no catalog, or a row does not fit.
    """
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")
    comments = [line.decode() for line in lines if line.startswith(b"#")]
    rows = [line for line in lines if line and not line.startswith(b"#")]
    if not rows or not comments or not comments[0].startswith("#mr_extract "):
        raise ValueError(f"{path} is not a catalog of mr_extract")
    accounts = (parse_account(c) for c in comments if c.startswith(ACCOUNTS))
    config, names = config_of(comments), rows[0].decode().split("\t")
    schema = told_columns(config, names) or schema_of(names)
    return Catalog(
        {account.id: account for account in accounts}, parse_rows(rows[1:], schema), config)


def told_columns(config: Mapping[str, Any], names: Iterable[str]) -> dict[str, Column]:
    """Return columns of which the configuration in a catalog's header says what they are.

    Those of other programs, or of a function of the user's; empty where they are in the schema.
    """
    told = config.get("columns")
    if not isinstance(told, dict):
        return {}
    return {name: Column(name, told[name][0], told[name][1], "told", "", "", "") for name in names}


def schema_of(names: Iterable[str]) -> dict[str, Column]:
    """Return name to `Column` for the names in a catalog's header, ours or SExtractor's.

    Raises
    ------
    ValueError
        For a name that is none.
    """
    known = {column.name: column for column in COLUMNS}
    known |= {one.name: as_column(one) for one in (*PARAMETERS.values(), *OWN.values())}
    schema = {}
    for name in names:
        stem, _, number = name.rpartition("_")
        column = known.get(name) or (known.get(stem) if number.isdecimal() else None)
        column = column or object_column(name)
        if column is None:
            raise ValueError(f"there is no column {name!r} in the schema")
        schema[name] = column
    return schema
