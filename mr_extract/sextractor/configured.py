"""The columns that a configuration asks for, whichever names it has them under."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from mr_extract.columns.choice import choose_for
from mr_extract.columns.column import Column
from mr_extract.settings.declaring import Section
from mr_extract.sextractor import names
from mr_extract.sextractor.asked_parameters import cutout_size
from mr_extract.sextractor.parameters import Parameter

if TYPE_CHECKING:
    from mr_extract.settings.config import Config, Output
    from mr_extract.settings.measuring import Measurement


# Images of a job have one configuration, and to choose for each would show on small ones.
_latest: tuple[Config, dict[str, Column]] | None = None


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
    global _latest
    latest = _latest  # another thread may have another
    if latest is None or latest[0] is not config:
        if config.output.names == "sextractor":
            columns = choose_for(config, (), names.our_columns(config))
        else:
            columns = choose_for(config, config.output.columns)
        latest = _latest = config, columns
    return dict(latest[1])


def with_cutouts(measurement: Measurement, output: Output) -> dict[str, Section]:
    """Return the sections of settings that ``VIGNET(25,25)`` among the columns changes.

    Its size is that of `vignet_size`, and under our names it is the column vignet.

    Raises
    ------
    ValueError
        Where it stands twice with different sizes, or `vignet_size` is another.
    """
    named = [name for name in output.columns if cutout_size(name)]
    if not named:
        return {}
    sizes = {cutout_size(name) or () for name in named} | {measurement.vignet_size} - {(0.0, 0.0)}
    if len(sizes) > 1:
        raise ValueError(f"columns: {named[0]} has another size than --vignet-size, or stands "
                         "there twice")
    changed: dict[str, Section] = {
        "measurement": replace(measurement, vignet_size=sizes.pop())}
    if output.names == "ours":
        changed["output"] = replace(output, columns=tuple(dict.fromkeys(
            "vignet" if name in named else name for name in output.columns)))
    return changed


def catalog_columns(config: Config) -> dict[str, Column]:
    """Return the columns of the catalog, under the names that it has: name to `Column`."""
    if config.output.names == "sextractor":
        return names.catalog_columns(config)
    return columns_of(config)


def check_cutouts(columns: Iterable[Column | Parameter], kind: str) -> None:
    """Raise ValueError where a type of catalog cannot hold the cut-outs among its columns."""
    for one in columns:
        if one.pixels and not kind.startswith("fits"):
            raise ValueError(f"{one.name} has no place in a catalog of type {kind}: "
                             "--catalog-type fits_1.0 and fits_ldac hold it")
