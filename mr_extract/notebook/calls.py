"""What a call in a notebook asks for: its settings, and the lists that they name."""

import os
from collections.abc import Mapping
from typing import Any

from mr_extract.lists.columns import Table
from mr_extract.lists.reading import read_table
from mr_extract.settings.config import Config
from mr_extract.settings.declaring import parts_of
from mr_extract.settings.options import settled, with_files
from mr_extract.sextractor.hints import keyword_hint
from mr_extract.unpacking import unpack

_LISTS = ("forced", "assoc")
_RULES = {"mask": "mask_image", "weight": "weight_image", "flags": "flag_image",
          "psf": "psf_image"}


def configured(
    config: Config | str | os.PathLike | None, given: Mapping[str, Any], **companions: Any
) -> Config:
    """Return the configuration that a call means.

    Parameters
    ----------
    config : mr_extract.Config, path or None
        A path is that of a ``.sex`` file; names are ours all the same.
    given : dict of str to object
        Settings that stand above it; columns may be ``.param`` files.
    **companions
        What is given of them stands above the rule that a ``.sex`` file has for it.

    Returns
    -------
    mr_extract.settings.config.Config

    Raises
    ------
    ValueError
        For what makes no sense; a keyword of SExtractor is told by its name here.
    """
    names = {one.name for _, one in Config.declared()}
    for name in given:
        if name not in names:
            raise ValueError(keyword_hint(name) or f"there is no setting {name!r}")
    given = dict(given)
    if isinstance(given.get("columns"), (str, os.PathLike)):
        given["columns"] = parts_of(os.fspath(given["columns"]))
    if not isinstance(config, (str, os.PathLike)):
        config = config or Config()
        if "columns" in given:
            ours = given.get("names", config.output.names) == "ours"
            given["columns"] = with_files(given["columns"], ours)
        return config.updated(**given)
    for name, rule in _RULES.items():
        if companions.get(name) is not None:
            given.setdefault(rule, "")
    return settled(given, os.fspath(config))


def tables_of(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Table]]:
    """Take the tables out of settings that name lists.

    Returns
    -------
    given : dict of str to object
        With text for every list.
    tables : dict of str to mr_extract.lists.reading.Table

    Raises
    ------
    ValueError
        For a list that is neither path nor table, or a table that is no list.
    """
    given, tables = dict(given), {}
    for name in _LISTS:
        value = given.get(name, "")
        if isinstance(value, os.PathLike):
            given[name] = os.fspath(value)
        elif hasattr(value, "colnames"):
            from mr_extract.lists.astropy_tables import table_of

            tables[name], given[name] = table_of(value), "a table"
        elif not isinstance(value, str):
            raise ValueError(f"{name} takes a path, or an astropy table with columns ra and dec "
                             "(angles) or a SkyCoord, x and y (from 0), or X_IMAGE and Y_IMAGE "
                             f"(from 1), not an object of type {type(value).__name__}")
    return given, tables


def list_of(path: str) -> Table:
    """Return a list from its file."""
    with open(path, "rb") as file:
        return read_table(unpack(file.read()))
