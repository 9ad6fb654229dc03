"""Which columns a catalog gets, and the bits of its flags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from mr_extract.columns.column import Column
from mr_extract.columns.table import COLUMNS
from mr_extract.remarks import REMARKS

if TYPE_CHECKING:
    from mr_extract.settings.config import Config
    from mr_extract.settings.measuring import Association, Measurement

DEFAULT_GROUPS = ("position", "sky", "shape", "iso", "aper", "auto", "flag")
# What there is at given positions, and what comes only with a list to match with.
FORCED_GROUPS = ("position", "sky", "aper", "flag", "forced")
FORCED_FURTHER = ("forced_gauss", "forced_ellipse")
MATCHED_GROUP = "assoc"
UNIQUE_GROUP = "unique"  # of what is made of detections, not of an image
NAMED_GROUPS = {"vignet", "psf"}  # asked for by name alone

CHECK_IMAGES = ("background", "rms", "segmentation", "apertures", "-background", "objects",
                "-objects")

GROUPS = tuple(dict.fromkeys(column.group for column in COLUMNS if column.group != "key"))

FLAGS = {
    0x0001: "the source was deblended from another",
    0x0002: "the source touches the border of the image",
    0x0004: "deblending overflowed",
    0x0008: "the position is a rounding: the pixels are in a line",
    0x0010: "an aperture reaches over the border",
    0x0020: "an aperture holds masked pixels",
    0x0040: "an aperture holds only masked pixels",
    0x0080: "the Kron radius could not be measured (flux not positive)",
    0x0100: "a pixel is saturated",
    0x0200: "a measurement failed for this source; its values are nan",
    0x0400: "neighbours, unless taken as they are, or bad pixels cover more than a tenth of the "
            "Kron search ellipse",
    0x0800: "where a Kron, Petrosian or light radius was searched, or the Gaussian window, "
            "leaves the image",
    0x1000: "the border of a tile cuts the source: the tiles should overlap more",
    0x2000: "the ring of the local sky holds fewer than 20 good pixels: fluxes are nan",
}
APERTURE_CUT, APERTURE_BAD, APERTURE_ONLY_BAD, NO_LOCAL_SKY = 0x0010, 0x0020, 0x0040, 0x2000
TRUNCATED, SATURATED, FAILED, CROWDED, SEARCH_CUT, CUT_BY_TILE = (
    0x0002, 0x0100, 0x0200, 0x0400, 0x0800, 0x1000)


def choose_for(
    config: Config, names: Iterable[str], columns: Iterable[str] = ()
) -> dict[str, Column]:
    """Return the columns of these names, as `choose` does, for a configuration."""
    association = config.association if config.association.assoc else None
    return choose(names, config.measurement, bool(config.targets.forced), association, columns)


def choose(
    names: Iterable[str],
    measurement: Measurement,
    forced: bool = False,
    association: Association | None = None,
    columns: Iterable[str] = (),
) -> dict[str, Column]:
    """Return the columns that were asked for, in the order of the table.

    Parameters
    ----------
    names : sequence of str
        Names of columns (a vector's by its stem) and of groups, among them
        ``default`` and ``all``.
    measurement : mr_extract.settings.measuring.Measurement
        Its settings say how long the vectors are.
    forced : bool
        At given positions: ``default`` and ``all`` are then what can be had there.
    association : mr_extract.settings.measuring.Association, optional
        Where sources are matched with a list: what comes of it is among the default.
    columns : sequence of str
        Further names, of columns alone: some groups are called as a column is.

    Returns
    -------
    dict of str to Column
        Name in the catalog to its column; ``image`` and ``number`` are first.

    Raises
    ------
    ValueError
        For a name that is neither column nor group, or is not to be had.
    """
    wanted = {"image", "number", *columns}
    had, usual = _groups(forced, association)
    for name in names:
        if name == "all":
            # What needs more than a position is asked by name.
            every = usual if forced else had - NAMED_GROUPS
            wanted.update(c.name for c in COLUMNS if c.group in every)
        elif name == "default":
            wanted.update(c.name for c in COLUMNS if c.group in usual)
        elif name in GROUPS:
            wanted.update(c.name for c in COLUMNS if c.group == name)
        elif any(column.name == name for column in COLUMNS):
            wanted.add(name)
        else:
            raise ValueError(f"columns: {name!r} is neither a column nor a group; {_hint(name)}")
    for column in COLUMNS:
        if column.name in wanted and column.group not in had:
            raise ValueError(f"columns: {column.name} " + (
                "is not measured at given positions" if forced
                else "comes with --reduce unique" if column.group == UNIQUE_GROUP
                else "needs a list of positions (forced)" if column.group.startswith("forced")
                else "needs a list to match with (assoc)"))
    chosen = {}
    for column in COLUMNS:
        if column.name not in wanted:
            continue
        if column.vector:
            section = association if column.group == MATCHED_GROUP else measurement
            for k in range(len(getattr(section, column.vector))):
                chosen[f"{column.name}_{k + 1}"] = column
        else:
            chosen[column.name] = column
    return chosen


def _groups(forced, association):
    """Return the groups that can be had, and those that are meant by default."""
    if forced:
        return {"key", *FORCED_GROUPS, *FORCED_FURTHER}, set(FORCED_GROUPS)
    apart = {"forced", *FORCED_FURTHER, UNIQUE_GROUP}
    if not association:
        apart.add(MATCHED_GROUP)
    usual = {*DEFAULT_GROUPS, MATCHED_GROUP} - apart
    return {"key", *GROUPS} - apart, usual


def _hint(name):
    ours = [column.name for column in COLUMNS if column.sextractor == name.upper()]
    if ours:
        return f"SExtractor's {name.upper()} is {ours[0]} here"
    near = get_close_matches(name, [*GROUPS, "default", *(c.name for c in COLUMNS)], 1)
    if near:
        return f"is {near[0]} meant?"
    return f"the groups are default, all, {', '.join(GROUPS)}"


def describe(columns: Mapping[str, Column], bits: Mapping[int, str]) -> str:
    """Return the text of ``--print-schema``.

    Parameters
    ----------
    columns : dict of str to Column
        By the names that they have in the catalog.
    bits : dict of int to str
        Of the column ``flag``.
    """
    rows = [("name", "dtype", "unit", "group", "SExtractor", "what it is")]
    for name, column in columns.items():
        rows.append((name, column.dtype, column.unit or "-", column.group,
                     column.sextractor or "-", column.description))
    widths = [max(len(row[k]) for row in rows) for k in range(5)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[5]])
        for row in rows
    ]
    if bits:
        lines += ["", "bits of flag:"]
        lines += [f"{bit:6d}  {meaning}" for bit, meaning in bits.items()]
    width = max(map(len, REMARKS))
    lines += ["", "remarks on the line of an image:"]
    lines += [f"  {kind.ljust(width)}  {meaning}" for kind, meaning in REMARKS.items()]
    return "\n".join(lines) + "\n"
