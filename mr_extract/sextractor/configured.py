"""The columns that a configuration asks for, whichever names it has them under."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mr_extract.columns.choice import choose_for
from mr_extract.columns.table import Column
from mr_extract.sextractor import names

if TYPE_CHECKING:
    from mr_extract.settings.config import Config


def columns_of(config: Config) -> dict[str, Column]:
    """Return our columns that a configuration asks to be measured.

    Parameters
    ----------
    config : mr_extract.settings.config.Config

    Returns
    -------
    dict of str to Column
        As `mr_extract.columns.choice.choose`.

    Raises
    ------
    ValueError
        As `mr_extract.columns.choice.choose`.
    """
    if config.output.names == "sextractor":
        return choose_for(config, (), names.our_columns(config))
    return choose_for(config, config.output.columns)


def catalog_columns(config: Config) -> dict[str, Column]:
    """Return the columns of the catalog, under the names that it has: name to `Column`."""
    if config.output.names == "sextractor":
        return names.catalog_columns(config)
    return columns_of(config)
