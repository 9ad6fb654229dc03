"""Text lists: CSV, TSV, a catalog of ours, SExtractor's ASCII_HEAD, numbers in columns."""

import re

from mr_extract.lists.cells import MISSING, is_in_parts
from mr_extract.lists.columns import Table
from mr_extract.remarks import say

_HEAD = re.compile(r"#\s*(\d+)\s+([A-Za-z]\w*)(?:.*\[([^\[\]]+)\])?")
# Others in brackets are words.
_UNITS = re.compile(r"(deg|arcmin|arcsec|mas|rad|radian|hourangle|h|hr|hours?|pix|pixels?|mm|"
                    r"[hd]:m:s|mas/yr|yr)$")


def read_text(text: str) -> Table:
    """Read a text list.

    Parameters
    ----------
    text : str

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        When it is no list; the message says why.
    """
    rows, comments = _lines(text)
    head = _head([line for _, line in comments])
    if not rows:
        names, units = _named_by(head, len(head))
        return Table(names, [[]] * len(names), units, commented=True)
    begin, first = rows[0]
    separator = next((s for s in ("\t", ",") if s in first), None)
    first = cells_of(first, separator)
    width, units, named = len(first), {}, _is_head(first)
    if named:
        names, rows = first, rows[1:]
        comments = [one for one in comments if one[0] > begin]
    else:
        names, units = _named_by(head, width)
    cells = [cells_of(line, separator) for _, line in rows]
    if named:
        units, cells = _as_vizier(cells)
    for k, row in enumerate(cells, 1):
        if len(row) != width:
            raise ValueError(f"its row {k} has {len(row)} cells, not {width}")
    table = Table(names, list(zip(*cells)) if cells else [[]] * width, units,
                  commented=not named)
    _check_comments(table, comments, cells[:1], separator, width)
    return table


def check_comments(table: Table, text: str) -> None:
    """Have no row of a table behind # vanish without a word.

    Parameters
    ----------
    table : Table
        What a reader has made of the text, for which lines that begin with # are comments.
    text : str
        With a row of names.

    Raises
    ------
    ValueError
        Where the first column is that of ids and a comment looks like a row.
    """
    rows, comments = _lines(text)
    if not rows:
        return
    separator = next((s for s in ("\t", ",") if s in rows[0][1]), None)
    names, *sample = (cells_of(line, separator) for _, line in rows[:2])
    comments = [one for one in comments if one[0] > rows[0][0]]
    _check_comments(table, comments, sample, separator, len(names))


def _lines(text):
    """Return rows and comments with the numbers of their lines."""
    lines = list(enumerate(text.splitlines(), 1))
    return ([one for one in lines if one[1].strip() and not one[1].startswith("#")],
            [one for one in lines if one[1].startswith("#")])


def _check_comments(table, comments, sample, separator, width):
    alike = [number for number, line in comments
             if _looks_like_row(line, separator, width, sample)]
    if not alike:
        return
    if not table.commented and table.find("id") == 0:
        raise ValueError(f"its line {alike[0]} begins with # and looks like a row: put quotes "
                         "around an id that begins with #, delete the line if it is none")
    say("rows-passed-over", f"comments that look like rows: {len(alike)}, the first is line "
                            f"{alike[0]}")


def cells_of(line: str, separator: str | None) -> list[str]:
    """Return the cells of a row; no separator is white space."""
    if '"' in line:
        import csv

        line = line if separator else line.strip()
        row = next(csv.reader([line], delimiter=separator or " ", skipinitialspace=True))
        return [cell.strip() for cell in row]
    return [cell.strip() for cell in line.split(separator)]


def _as_vizier(rows):
    """Return the units of a TSV of VizieR, whose names end in a row of dashes, and its rows."""
    for k, row in enumerate(rows[:2]):
        if all(cell and not cell.strip("-") for cell in row):
            units = enumerate(rows[0] if k else ())
            return {n: unit for n, unit in units if _UNITS.match(unit)}, rows[k + 1 :]
    return {}, rows


def _head(comments):
    """Return the columns that ASCII_HEAD names, by number from 0 on: names and units."""
    head = {}
    for line in comments:
        match = _HEAD.match(line)
        if match:
            number, name, unit = match.groups()
            if number == "1":
                head = {}
            unit = unit or ""
            head.setdefault(int(number) - 1, (name, unit if _UNITS.match(unit) else ""))
    return dict(sorted(head.items()))


def _named_by(head, width):
    """Return names and units that comments give so many columns; none where they are none."""
    head = {k: one for k, one in head.items() if k < width}
    names = [head[k][0] if k in head else f"column{k + 1}" for k in range(width)]
    # Else they are words about the list, such as "57 stars".
    if not head or (len(head) < max(2, width) and not Table(names, [[]] * width).has_positions()):
        return [], {}
    return names, {k: unit for k, (_, unit) in head.items() if unit}


def _is_head(cells):
    """Tell whether a first row is names: it holds no value, or the names of positions."""
    if not any(_is_value(cell) for cell in cells):
        return not all(cell.lower() in MISSING for cell in cells)
    return Table(cells, [[]] * len(cells)).has_positions()


def _looks_like_row(line, separator, width, sample):
    """Tell whether a comment has the cells of a row, and numbers where the first row has them."""
    if separator and line.count(separator) != width - 1 and '"' not in line:
        return False
    cells = cells_of(line, separator)
    if len(cells) != width:
        return False
    places = [k for k in range(1, width) if not sample or _is_value(sample[0][k])]
    told = [_is_value(cells[k]) or (bool(sample) and cells[k].lower() in MISSING)
            for k in places]
    return any(told) and (all(told) or not sample)


def _is_value(text):
    try:
        return float(text) == float(text)
    except ValueError:
        return is_in_parts(text)
