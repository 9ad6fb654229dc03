"""Frame masks (fpM) of SDSS: which pixels its pipeline found to be what.

References
----------
.. [1] https://classic.sdss.org/dr7/dm/flatFiles/fpM.php and
   http://www.sdss.org/dr7/products/images/read_mask.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.images.cards import read_cards
from mr_extract.images.sdss.rows import units_of

if TYPE_CHECKING:
    from mr_extract.images.section import Section

# Names of the planes, in the order of their bits.
PLANES = ("INTERP", "SATUR", "NOTCHECKED", "OBJECT", "BRIGHTOBJECT", "BINOBJECT", "CATOBJECT",
          "SUBTRACTED", "GHOST", "CR", "EDGE")
BITS = {name: 1 << bit for bit, name in enumerate(PLANES)}
# Pixels whose counts say nothing of the sky. INTERP is left out: the counts were put in
# from the neighbours and the shape of a star, and are better than the hole that a mask
# would cut, with the columns of a CCD, through every star on them. SATUR is, too: a hole
# in its middle would make two sources of a bright star; it is flagged instead. NOTCHECKED
# pixels, at the border for the most part, were not searched by the survey and are good.
BAD_PLANES = ("GHOST", "CR")
_ROW = np.dtype([("head", ">i4", 9), ("size", ">i4"), ("offset", ">i4")])


def is_object_mask(buffer: bytes | memoryview | Section) -> bool:
    """Tell whether a file is an SDSS frame mask (fpM).

    Parameters
    ----------
    buffer : bytes-like or mr_extract.images.section.Section
        The whole file, unpacked, or a region of it.
    """
    try:
        cards = buffer.primary() if hasattr(buffer, "primary") else read_cards(buffer, 0)[0]
    except EOFError:
        return False
    return all(name in cards for name in ("MASKROWS", "MASKCOLS", "NPLANE"))


def read_object_mask(
    buffer: bytes | memoryview, shape: tuple[int, int] | None = None
) -> np.ndarray:
    """Read an SDSS frame mask.

    Parameters
    ----------
    buffer : bytes-like
        The whole file, unpacked.
    shape : tuple of int, optional
        Height and width that the mask must have.

    Returns
    -------
    ndarray of int32, shape (height, width)
        The sum of ``BITS[name]`` over the planes that a pixel belongs to.

    Raises
    ------
    ImageFailure
        ``companion-mismatch`` for another shape, ``corrupt`` or ``truncated`` when it
        cannot be read.

    Notes
    -----
    A plane is a table of objects, an object a list of spans in the heap behind: row,
    first and last column, each an unsigned 16-bit integer [1]_.
    """
    cards, _ = read_cards(buffer, 0)
    rows, columns = cards.get("MASKROWS"), cards.get("MASKCOLS")
    if (type(rows) is not int or not 0 < rows <= 65536
            or type(columns) is not int or not 0 < columns <= 65536):
        raise ImageFailure("corrupt", f"the mask has {rows!r} rows of {columns!r} pixels")
    size = rows, columns
    if shape is not None and tuple(shape) != size:
        raise ImageFailure(
            "companion-mismatch",
            f"the mask has {size[1]} x {size[0]} pixels, the image {shape[1]} x {shape[0]}")
    units = units_of(buffer)
    planes = cards.get("NPLANE")
    if type(planes) is not int or not 0 <= planes <= len(PLANES):
        raise ImageFailure("corrupt", f"the mask has {planes!r} planes")
    if len(units) <= planes:
        raise ImageFailure("truncated", f"{len(units) - 1} of {planes} planes are there")
    mask = np.zeros(size, np.int32)
    for bit, unit in enumerate(units[1 : planes + 1]):
        if unit.cut:
            raise ImageFailure("truncated", f"the file ends inside the plane {PLANES[bit]}")
        spans = _spans(buffer, unit)
        if len(spans):
            mask |= _filled(spans, size) << np.int32(bit)
    return mask


def bad_pixels(mask: np.ndarray, planes: Sequence[str] = BAD_PLANES) -> np.ndarray:
    """Return where a frame mask has any of some planes.

    Parameters
    ----------
    mask : ndarray of int32, shape (height, width)
        From `read_object_mask`.
    planes : sequence of str
        Names out of `PLANES`.

    Returns
    -------
    ndarray of bool, shape (height, width)
    """
    return mask & np.int32(sum(BITS[name] for name in set(planes))) != 0


def _spans(buffer, unit):
    """Return row, first and last column of the spans of a plane, shape (n, 3)."""
    cards, start = read_cards(buffer, unit.start)
    rows, width = cards.get("NAXIS2"), cards.get("NAXIS1")
    if width != _ROW.itemsize or cards.get("TTYPE10", "").strip() != "s":
        raise ImageFailure("corrupt", f"unit {unit.number} is no plane of a frame mask")
    heap = start + cards.get("THEAP", rows * width)
    table = np.frombuffer(buffer, _ROW, rows, start)
    first, size = table["offset"].astype(np.int64), table["size"].astype(np.int64)
    if rows and (size.min() < 0 or first.min() < 0 or heap + (first + size).max() > unit.end):
        raise ImageFailure("corrupt", f"spans of unit {unit.number} lie outside of it")
    pieces = [np.frombuffer(buffer, ">u2", n // 2, heap + at) for at, n in zip(first, size)]
    values = np.concatenate([np.empty(0, ">u2"), *pieces]).astype(np.int64)
    return values[: len(values) // 3 * 3].reshape(-1, 3)


def _filled(spans, shape):
    """Return 1 where a span is, else 0."""
    row, first, last = spans.T
    if row.max() >= shape[0] or last.max() >= shape[1] or (first > last).any():
        raise ImageFailure("corrupt", "a span of the mask lies outside of the frame")
    steps = np.zeros((shape[0], shape[1] + 1), np.int32)
    np.add.at(steps, (row, first), 1)
    np.add.at(steps, (row, last + 1), -1)
    return (steps.cumsum(1)[:, :-1] > 0).astype(np.int32)
