"""Files that a configuration names: lists of parameters and detection filters."""

import os
import re

from mr_extract.sextractor.asked_parameters import parameter
from mr_extract.sextractor.refused import Placed, refuse_all


def read_parameters(path: str) -> tuple[Placed, ...]:
    """Read which columns a catalogue shall have.

    Parameters
    ----------
    path : str
        A ``.param`` file: a parameter a line, a vector with its size as in
        ``FLUX_APER(3)``; what follows a ``#`` is a comment.

    Returns
    -------
    tuple of str
        Parameters in their order, a vector with its size unless it is 1, a cut-out as it
        stands. One that stands twice has its first place and its last size, as in SExtractor.
        They are `Placed`, for what is found wrong with them later.

    Raises
    ------
    ValueError
        When it cannot be read.
    Refused
        When parameters cannot be had; each reason names file, line and parameter.
    """
    sizes, reasons = {}, []
    for number, line in enumerate(_lines(path), 1):
        text = line.split("#")[0].strip()
        if not text:
            continue
        # SExtractor reads one parameter a line and passes over the rest.
        text = _first(text)
        place = f"{path}, line {number}"
        try:
            found, size = parameter(text)
        except ValueError as error:
            reasons.append(f"{place}: {error}; remove the line, or --columns")
            continue
        if size > 1 and not found.vector:
            size = 1  # as SExtractor, which passes over it
        sizes[found.name] = size, place, text if found.pixels else found.name
    refuse_all(reasons)
    if not sizes:
        raise ValueError(f"{path} names no parameter")
    return tuple(Placed(name if size == 1 else f"{name}({size})", place)
                 for size, place, name in sizes.values())


def _first(text):
    return re.match(r"[^\s({\[]+(\s*[({\[][^)}\]]*[)}\]]?)?", text)[0]


def read_kernel(path: str) -> tuple[tuple[float, ...], ...]:
    """Read a filter in SExtractor's .conv format.

    Parameters
    ----------
    path : str
        Its first line is ``CONV NORM`` or ``CONV NONORM``, the others hold the
        weights; what follows a ``#`` is a comment.

    Returns
    -------
    tuple of tuple of float
        The weights, which sep normalises.

    Raises
    ------
    ValueError
        When it is no such file.
    """
    lines = [line.split("#")[0].split() for line in _lines(path)]
    lines = [words for words in lines if words]
    if not lines or lines[0][0] != "CONV":
        raise ValueError(f"{str(path)!r} does not begin with CONV")
    try:
        rows = tuple(tuple(map(float, words)) for words in lines[1:])
    except ValueError as error:
        raise ValueError(f"{str(path)!r}: {error}") from None
    if not rows:
        raise ValueError(f"{str(path)!r} holds no weights")
    if "NONORM" in lines[0] and abs(sum(abs(w) for row in rows for w in row) - 1) > 1e-6:
        raise ValueError(f"{str(path)!r} is not to be normalised, but sep does so: take CONV NORM, "
                         "and a threshold to match")
    return rows


def found_beside(name: str, configuration: str) -> str:
    """Return the path of a file that a configuration names.

    It is relative to the working directory, as in SExtractor; if it is not there
    it may be beside the configuration.
    """
    if not os.path.exists(name):
        beside = os.path.join(os.path.dirname(configuration), name)
        if os.path.exists(beside):
            return beside
    return name


def _lines(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().split("\n")
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
