"""Which columns a catalog gets, and the bits of its flags."""

from difflib import get_close_matches

from mr_extract.schema import COLUMNS

DEFAULT_GROUPS = ("position", "sky", "shape", "iso", "aper", "auto", "flag")

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
    0x0400: "neighbours or bad pixels cover more than a tenth of the Kron search ellipse",
    0x0800: "masked or bad pixels lie in the isophote or touch it",
}
SATURATED, FAILED, CROWDED, ISOPHOTE_MASKED = 0x0100, 0x0200, 0x0400, 0x0800


def choose(names, measurement):
    """Return the columns that were asked for, in the order of the table.

    Parameters
    ----------
    names : sequence of str
        Names of columns (a vector's by its stem) and of groups, among them
        ``default`` and ``all``.
    measurement : mr_extract.config.Measurement
        Its settings say how long the vectors are.

    Returns
    -------
    dict of str to Column
        Name in the catalog to its column; ``image`` and ``number`` are first.

    Raises
    ------
    ValueError
        For a name that is neither column nor group.
    """
    wanted = {"image", "number"}
    for name in names:
        if name == "all":
            wanted.update(column.name for column in COLUMNS)
        elif name == "default":
            wanted.update(c.name for c in COLUMNS if c.group in DEFAULT_GROUPS)
        elif name in GROUPS:
            wanted.update(c.name for c in COLUMNS if c.group == name)
        elif any(column.name == name for column in COLUMNS):
            wanted.add(name)
        else:
            raise ValueError(f"columns: {name!r} is neither a column nor a group; {_hint(name)}")
    chosen = {}
    for column in COLUMNS:
        if column.name not in wanted:
            continue
        if column.vector:
            for k in range(len(getattr(measurement, column.vector))):
                chosen[f"{column.name}_{k + 1}"] = column
        else:
            chosen[column.name] = column
    return chosen


def _hint(name):
    ours = [column.name for column in COLUMNS if column.sextractor == name.upper()]
    if ours:
        return f"SExtractor's {name.upper()} is {ours[0]} here"
    near = get_close_matches(name, [*GROUPS, "default", *(c.name for c in COLUMNS)], 1)
    if near:
        return f"is {near[0]} meant?"
    return f"the groups are default, all, {', '.join(GROUPS)}"


def describe(names, measurement):
    """Return the text of ``--print-schema`` for the chosen columns."""
    rows = [("name", "dtype", "unit", "group", "SExtractor", "what it is")]
    for name, column in choose(names, measurement).items():
        rows.append((name, column.dtype, column.unit or "-", column.group,
                     column.sextractor or "-", column.description))
    widths = [max(len(row[k]) for row in rows) for k in range(5)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[5]])
        for row in rows
    ]
    lines += ["", "bits of flag:"]
    lines += [f"{bit:6d}  {meaning}" for bit, meaning in FLAGS.items()]
    return "\n".join(lines) + "\n"
