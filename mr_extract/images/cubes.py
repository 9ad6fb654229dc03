"""Which plane of an image with more than two axes is meant, and how that is written.

Planes count from 1, as the sections of FITS do, and a number stands for each axis from the
third on: ``3``, or ``3,1`` where there is a fourth. Several planes are ``2:5``, both ends
among them, or ``all``; needs no numpy.
"""

import re
from collections.abc import Sequence
from itertools import product

from mr_extract.failures import ImageFailure

ALL = "all"
_ONE = r"(?:[1-9]\d{0,8}(?::[1-9]\d{0,8})?|all)"
_TEXT = re.compile(rf"{_ONE}(?:,{_ONE})*")
HOW = "plane= or --plane chooses: a number for each axis from the third on, or all"


def parse_planes(text: str) -> tuple[tuple[int, int] | None, ...]:
    """Read which planes are meant.

    Parameters
    ----------
    text : str

    Returns
    -------
    tuple
        For each axis from the third on (first, last), or None for all of it.

    Raises
    ------
    ValueError
        When it is written otherwise; the message says so.

    Examples
    --------
    >>> parse_planes("2:5,1")
    ((2, 5), (1, 1))
    """
    if not _TEXT.fullmatch(text):
        raise ValueError(f"{text!r} is not of the form N, A:B or all (from 1), or several of "
                         "these with commas for the axes from the third on")
    axes = []
    for part in text.split(","):
        first, _, last = part.partition(":")
        axes.append(None if part == ALL else (int(first), int(last or first)))
        if axes[-1] and axes[-1][0] > axes[-1][1]:
            raise ValueError(f"{part} ends before it begins")
    return tuple(axes)


def check_planes(text: str) -> str:
    """Return what ``--plane`` was given; ValueError as `parse_planes`."""
    parse_planes(text)
    return text


def single_plane(text: str) -> tuple[int, ...] | None:
    """Return the numbers of a text that means one plane, whatever the image; else None."""
    axes = parse_planes(text)
    single = tuple(one[0] for one in axes if one is not None and one[0] == one[1])
    return single if len(single) == len(axes) else None


def written(plane: Sequence[int], between: str = ",") -> str:
    """Return the numbers of a plane as text."""
    return between.join(map(str, plane))


def further_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the lengths of the axes from the third on, in the order of FITS.

    Parameters
    ----------
    shape : tuple of int
        As numpy counts axes.
    """
    return tuple(reversed(shape[:-2]))


def planes_of(shape: tuple[int, ...], text: str) -> list[tuple[int, ...]]:
    """Return the planes of an image that are meant.

    Parameters
    ----------
    shape : tuple of int
        Of the image, as numpy counts axes.
    text : str

    Returns
    -------
    list of tuple of int
        In the order in which they stand in the file. Each has as many numbers as the text;
        with ``all`` alone as many as there are axes up to the last that is longer than 1.
        The only plane of two axes is an empty tuple.

    Raises
    ------
    ImageFailure
        ``no-plane`` where one of them is not there, or an axis is not spoken of.
    """
    lengths, axes = further_axes(shape), parse_planes(text)
    if 0 in shape:
        raise ImageFailure("not-two-dimensional", "the image has an axis of length 0")
    if axes == (None,):
        count = max((k for k, n in enumerate(lengths, 1) if n != 1), default=min(1, len(lengths)))
        axes = (None,) * count
    known = (*lengths, *[1] * (len(axes) - len(lengths)))
    spans = [(1, n) if one is None else one for one, n in zip(axes, known)]
    found = [plane[::-1] for plane in
             product(*(range(first, last + 1) for first, last in reversed(spans)))
             ] if all(last <= n for (_, last), n in zip(spans, known)) else []
    plane_index(shape, found[0] if found else tuple(last for _, last in spans))
    return found


def plane_index(shape: tuple[int, ...], plane: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return the place of a plane in an array: an index for each axis but the last two.

    Parameters
    ----------
    shape : tuple of int
        As numpy counts axes.
    plane : tuple of int or None
        None where none is named, and the further axes must have length 1.

    Raises
    ------
    ImageFailure
        ``no-plane`` where it is not there, ``not-two-dimensional`` where there are several
        and none is named.
    """
    lengths = further_axes(shape)
    text = " x ".join(str(n) for n in reversed(shape))
    if plane is None:
        if any(n != 1 for n in lengths):
            raise ImageFailure("not-two-dimensional",
                               f"the image has several planes: {text}; {HOW}")
        return (0,) * len(lengths)
    for k in range(max(len(lengths), len(plane))):
        length = lengths[k] if k < len(lengths) else 1
        if k >= len(plane) and length != 1:
            raise ImageFailure("no-plane", f"plane {written(plane)} of an image of {text} does "
                                           f"not say which along NAXIS{k + 3}; {HOW}")
        if k < len(plane) and not plane[k] <= length:
            raise ImageFailure("no-plane", f"there is no plane {written(plane)} in an image of "
                                           f"{text}")
    numbers = (*plane, *[1] * len(lengths))[: len(lengths)]
    return tuple(n - 1 for n in reversed(numbers))


def number_of(shape: tuple[int, ...], index: Sequence[int]) -> int:
    """Return how many planes of an image stand in its file before that of a `plane_index`."""
    number = 0
    for one, length in zip(index, shape[:-2]):
        number = number * length + one
    return number


def index_beside(
    shape: tuple[int, ...], plane: tuple[int, ...] | None, cube: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the place of the plane of a companion that belongs to one of an image.

    Parameters
    ----------
    shape : tuple of int
        Of the companion, as numpy counts axes.
    plane : tuple of int or None
        Of the image.
    cube : tuple of int
        The further axes of the image, as from `further_axes`.

    Returns
    -------
    tuple of int
        Of a companion with one plane that one, which serves all.

    Raises
    ------
    ImageFailure
        ``companion-mismatch`` where it has other planes than the image.
    """
    lengths = further_axes(shape)
    if all(n == 1 for n in lengths):
        return (0,) * len(lengths)
    count = max(len(lengths), len(cube))
    own, others = ((*one, *[1] * count)[:count] for one in (lengths, cube))
    if plane is None or own != others:
        raise ImageFailure("companion-mismatch",
                           f"it has {' x '.join(map(str, lengths))} planes, the image "
                           f"{' x '.join(map(str, cube)) or 1}")
    return plane_index(shape, plane)
