"""What a function of the user's wants, by the names of its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

#: What every image has: names of parameters, and what they get.
GIVEN = {
    "path": "path of a local copy of the file, without gzip or bzip2 around it (str)",
    "file": "the file, open for reading in binary mode",
    "hdul": "its units (astropy.io.fits.HDUList)",
    "data": "the pixels that the line means (ndarray, as astropy reads them)",
    "header": "their header (astropy.io.fits.Header)",
    "wcs": "their coordinates (astropy.wcs.WCS)",
    "image": "pixels, mask, weight and what else lies beside (mr_extract.images.Image)",
    "id": "the id of the image (str)",
    "uri": "where it is (str)",
    "fields": "the fields of its line (dict of str to str)",
}
_NUMBERS = {float: float, int: int, "float": float, "int": int}


@dataclass(frozen=True)
class Signature:
    """The parameters of a function.

    Parameters
    ----------
    names : tuple of str
    optional : frozenset of str
        Those that have a default.
    numbers : dict of str to type
        Those that are annotated as ``float`` or ``int``: fields are texts, and made that.
    takes_others : bool
        It takes any other keyword too.
    """

    names: tuple[str, ...]
    optional: frozenset[str]
    numbers: dict[str, type]
    takes_others: bool = False


def signature_of(function: Callable[..., Any]) -> Signature:
    """Return the parameters of a function.

    Raises
    ------
    ValueError
        When they cannot be told, or are not to be given by name.
    """
    try:
        every = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise ValueError("its parameters cannot be told: write a function in Python around it"
                         ) from None
    for one in every:
        if one.kind is one.POSITIONAL_ONLY and one.default is one.empty:
            raise ValueError(f"its parameter {one.name} cannot be given by name")
    named = [one for one in every if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    return Signature(
        tuple(one.name for one in named),
        frozenset(one.name for one in named if one.default is not one.empty),
        {one.name: _NUMBERS[one.annotation] for one in named
         if isinstance(one.annotation, (str, type)) and one.annotation in _NUMBERS},
        any(one.kind is one.VAR_KEYWORD for one in every))


def check_given(wanted: Signature, values: Iterable[str], side: Iterable[str],
                is_field: Callable[[str], bool]) -> None:
    """Raise ValueError where a parameter gets nothing, or something that is given goes nowhere.

    Parameters
    ----------
    wanted : Signature
    values, side : iterable of str
        Names of ``--param`` and ``--files``.
    is_field : callable
        Takes a name and tells whether any line of the manifest has such a field.
    """
    values, side = list(values), list(side)
    for option, names in (("--param", values), ("--files", side)):
        for name in names:
            if name in GIVEN:
                raise ValueError(f"{option} {name}: an image's own {name} has that name")
            if name not in wanted.names and not wanted.takes_others:
                raise ValueError(f"{option} {name}: the function has no parameter {name}")
    for name in values:
        if name in side:
            raise ValueError(f"--param and --files both give {name}")
    lacking = [name for name in wanted.names if name not in wanted.optional
               and name not in GIVEN and name not in values and name not in side
               and not is_field(name)]
    if lacking:
        raise ValueError(
            f"the function wants {', '.join(lacking)}, which nobody gives: it is none of "
            f"{', '.join(GIVEN)}, no field of any line, and not given by --param or --files")
