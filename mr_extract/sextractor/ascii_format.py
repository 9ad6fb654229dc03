"""SExtractor's text catalogues: ASCII and ASCII_HEAD."""

from collections.abc import Mapping, Sequence

import numpy as np

from mr_extract.sextractor.identities import in_text
from mr_extract.sextractor.names import Output
from mr_extract.text.rows import beyond_single

_WIDTH = 58  # of SExtractor's column of comments
_LOOSE = {"a", "and", "at", "for", "from", "in", "of", "or", "than", "the", "to", "where"}


def header(outputs: Sequence[Output]) -> str:
    """Return the header of an ASCII_HEAD catalogue.

    Parameters
    ----------
    outputs : sequence of mr_extract.sextractor.names.Output

    Returns
    -------
    str
        A line a parameter: number of its first value, name, what it is, unit.
    """
    lines, number = [], 1
    for one in outputs:
        parameter = one.parameter
        unit = f" [{parameter.unit}]" if parameter.unit else ""
        lines.append(f"# {number:3d} {parameter.name:<22.22s} "
                     f"{cut(parameter.description, _WIDTH):<{_WIDTH}s}{unit}\n")
        number += one.size
    return "".join(lines)


def cut(text: str, width: int) -> str:
    """Return a text that is not wider than so many characters, cut between words."""
    if len(text) <= width:
        return text
    words = text[: width + 1].split(" ")[:-1]
    while words[-1] in _LOOSE:
        words.pop()
    return " ".join(words).rstrip(",;:")


def rows(columns: Mapping[str, np.ndarray], outputs: Sequence[Output]) -> str:
    """Return the sources of an image as lines.

    Parameters
    ----------
    columns : dict of str to ndarray, shape (n,)
        As from `mr_extract.sextractor.convert.converted`.
    outputs : sequence of mr_extract.sextractor.names.Output

    Returns
    -------
    str
        n lines, with SExtractor's widths and decimals; ids as `in_text` has them.
    """
    formats, values = [], []
    for one in outputs:
        for cell in one.cells:
            formats.append(one.parameter.format)
            if one.parameter.dtype == "str":
                values.append(in_text(columns[cell]))
            else:
                values.append(in_type(columns[cell], one.parameter.dtype).tolist())
    line = " ".join(formats) + "\n"
    return "".join([line % row for row in zip(*values)])


def in_type(values: np.ndarray, dtype: str) -> np.ndarray:
    """Return values in the type in which SExtractor has them.

    Integers beyond it are at its end; real numbers that float32 does not reach stay float64.
    """
    if values.dtype == dtype:
        return values
    if dtype[0] == "i":
        limits = np.iinfo(dtype)
        values = np.clip(values, limits.min, limits.max)
        return values.astype(dtype)
    return values if dtype == "f4" and beyond_single(values) else values.astype(dtype)
