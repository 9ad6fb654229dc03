"""What the flag image and the weight map say of the pixels of each object."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mr_extract.detection.segments import Segments

LOW_IN_ISOPHOTE, LOW_NEAR = 1, 2


def image_flags(
    flags: np.ndarray | None, segments: Segments, how: str
) -> tuple[np.ndarray, np.ndarray]:
    """Combine a flag image over the pixels of each object.

    Parameters
    ----------
    flags : ndarray of int32, shape (height, width), or None
        The flag image.
    segments : mr_extract.detection.segments.Segments
        The pixels of n objects.
    how : str
        ``or``, ``and``, ``min``, ``max`` or ``most`` (SExtractor's FLAG_TYPE). Pixels
        with 0 do not enter. Bit 31 counts as the highest, not as a sign.

    Returns
    -------
    imaflags_iso : ndarray of int32, shape (n,)
        0 where no pixel has a flag.
    nimaflags_iso : ndarray of int32, shape (n,)
        Number of pixels with a flag; for ``min``, ``max`` and ``most`` with this flag.

    Notes
    -----
    SExtractor's AND begins with 0 and so always gives it; here it begins with all bits.
    Of equally frequent values ``most`` takes the least, SExtractor that which it meets
    first.
    """
    count = segments.count
    combined, number = np.zeros(count, np.uint32), np.zeros(count, np.int32)
    if flags is None or count == 0:
        return combined.view(np.int32), number
    values = flags.ravel()[segments.pixels].view(np.uint32)
    marked = values != 0
    values, owner = values[marked], segments.owner[marked]
    if len(values) == 0:
        return combined.view(np.int32), number
    number[:] = np.bincount(owner, minlength=count)
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    whose = owner[starts]
    functions = {"or": np.bitwise_or, "and": np.bitwise_and, "min": np.minimum,
                 "max": np.maximum}
    if how in functions:
        combined[whose] = functions[how].reduceat(values, starts)
    else:
        order = np.lexsort((values, owner))
        values, owner = values[order], owner[order]
        first = np.flatnonzero((np.diff(owner, prepend=-1) != 0)
                               | (np.diff(values.astype(np.int64), prepend=-1) != 0))
        times = np.diff(np.append(first, len(values)))
        best = np.lexsort((first, -times, owner[first]))
        best = best[np.flatnonzero(np.diff(owner[first][best], prepend=-1))]
        combined[whose] = values[first[best]]
    if how in ("min", "max", "most"):
        number[:] = np.bincount(owner[values == combined[owner]], minlength=count)
    return combined.view(np.int32), number


def weight_flags(
    measured: np.ndarray | None, detected: np.ndarray | None, segments: Segments,
    reach: tuple[int, int],
) -> np.ndarray:
    """Say of each object whether pixels without weight are in it or near it.

    Parameters
    ----------
    measured, detected : ndarray of bool, shape (height, width), or None
        True where a pixel has no weight in the image that is measured, and in the one in
        which the objects were found; one and the same but in two-image mode.
    segments : mr_extract.detection.segments.Segments
        The pixels of n objects.
    reach : (int, int)
        Rows and columns to each side that entered the detection of a pixel: those of
        half the filter, and one more.

    Returns
    -------
    ndarray of int32, shape (n,)
        1 for a pixel without weight in the isophote, where it is measured, 2 for one in
        reach of it, where it was found, or both (SExtractor's FLAGS_WEIGHT).
    """
    result = np.zeros(segments.count, np.int32)
    if segments.count == 0:
        return result
    for bit, mask, steps in ((LOW_IN_ISOPHOTE, measured, (0, 0)), (LOW_NEAR, detected, reach)):
        if mask is not None and mask.any():
            bad = _grown(mask, steps).ravel()[segments.pixels]
            result[segments.sums(bad) > 0] |= bit
    return result


def _grown(mask, reach):
    """Return where a masked pixel is within so many rows and columns."""
    grown = mask.copy()
    for axis, steps in enumerate(reach):
        source = grown.copy()
        for step in range(1, steps + 1):
            here = [slice(None)] * 2
            there = [slice(None)] * 2
            here[axis], there[axis] = slice(step, None), slice(None, -step)
            grown[tuple(here)] |= source[tuple(there)]
            grown[tuple(there)] |= source[tuple(here)]
    return grown
