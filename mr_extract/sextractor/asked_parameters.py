"""What a line of a ``.param`` file asks for: a catalogue parameter, and its size."""

import re
from difflib import get_close_matches

from mr_extract.sextractor.absent import REASONS
from mr_extract.sextractor.parameters import CUTOUT, OWN, PARAMETERS, Parameter

_VECTOR = re.compile(r"([^\s({\[]+)\s*(?:[({\[]\s*(.*?)\s*[)}\]]?)?")


def is_parameter(text: str) -> bool:
    """Say whether a name, perhaps with a size, is one of SExtractor's or in its style."""
    name = split(text)[0]
    return name in PARAMETERS or name in OWN or name in REASONS


def split(text: str) -> tuple[str, int]:
    """Return the name and the size, 1 where none is given, of ``FLUX_APER(3)``.

    Raises
    ------
    ValueError
        When the size is none.
    """
    match = _VECTOR.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is no name")
    name, size = match.groups()
    if size is None or name == CUTOUT:
        return name, 1
    # Other vectors of several axes are matrices, which are refused anyway.
    first = re.split(r"[\s,;.]+", size)[0]
    if not first.isdecimal() or int(first) < 1:
        raise ValueError(f"{text}: {size!r} is not a number of elements")
    return name, int(first)


def cutout_size(text: str) -> tuple[float, float] | None:
    """Return width and height of ``VIGNET(25,25)``, None for another parameter.

    Raises
    ------
    ValueError
        When it has not two sizes.
    """
    match = _VECTOR.fullmatch(text.strip())
    if not match or match[1] != CUTOUT:
        return None
    sizes = re.split(r"\s*[\s,;]\s*", match[2] or "")
    if len(sizes) != 2 or not all(size.isdecimal() and 1 <= int(size) <= 1000 for size in sizes):
        raise ValueError(f"{text}: a cut-out has a width and a height from 1 to 1000, as in "
                         f"{CUTOUT}(25,25)")
    return float(sizes[0]), float(sizes[1])


def parameter(text: str) -> tuple[Parameter, int]:
    """Return the `Parameter` of a name and its size.

    Raises
    ------
    ValueError
        For a parameter that is not here, with the reason, and for a name that is none.
    """
    name, size = split(text)
    cutout_size(text)
    found = PARAMETERS.get(name) or OWN.get(name)
    if found is None:
        if name in REASONS:
            raise ValueError(f"{name}: {REASONS[name]}")
        near = get_close_matches(name.upper(), [*PARAMETERS, *OWN], 1)
        hint = f"; is {near[0]} meant?" if near else ""
        raise ValueError(f"{name} is no parameter of SExtractor{hint}")
    return found, size
