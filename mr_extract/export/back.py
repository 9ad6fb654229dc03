"""An exported catalog back to the text that it was."""

from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from mr_extract.text.accounting import parse_account
from mr_extract.text.rows import format_table

_ROWS_LAST = ("objects", "points", "pairs")  # of catalogs whose rows are not those of an image


def write_text(
    lines: list[bytes], tables: Iterable[dict[str, np.ndarray]], file: BinaryIO
) -> None:
    """Write the text of a catalog.

    Parameters
    ----------
    lines : list of bytes
        Two of the header, and one for each image.
    tables : iterable of dict of str to ndarray
    file : binary file
    """
    tables = iter(tables)
    first = next(tables, None)
    names = b"" if first is None else "\t".join(first).encode()
    file.write(b"\n".join([*lines[:2], names]) + b"\n")
    rows = _lines_of(first, tables)
    last = lines[0].rpartition(b"\t")[2].partition(b"=")[0].decode() in _ROWS_LAST
    for line in lines[2:]:
        file.write(line + b"\n")
        if not last:
            for _ in range(parse_account(line).rows):
                file.write(next(rows))
    file.writelines(rows)


def _lines_of(first, tables):
    if first is None:
        return
    yield from format_table(first).splitlines(keepends=True)
    for table in tables:
        yield from format_table(table).splitlines(keepends=True)
