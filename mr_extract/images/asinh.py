"""Pixels that hold asinh of the flux, as those of Pan-STARRS stacks, made linear.

With a = 2.5 log10(e) a pixel is v = a asinh((f - BOFFSET) / (2 BSOFTEN)) [1]_.

References
----------
.. [1] Pan-STARRS1 archive at STScI, "PS1 Stack images", on the scaling of their pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import e, log10
from typing import TYPE_CHECKING

import numpy as np

from mr_extract.images.card_numbers import usable
from mr_extract.images.image import plane
from mr_extract.portable.exponential import hyperbolic_sine
from mr_extract.remarks import say

if TYPE_CHECKING:
    from mr_extract.images.image import Image

OFFSET, SOFTENING = "BOFFSET", "BSOFTEN"
_A = 2.5 * log10(e)
_AT_ONCE = 1 << 20  # pixels


def is_asinh(cards: Mapping) -> bool:
    """Say whether a header has both cards of the scaling."""
    return cards.get(OFFSET) is not None and cards.get(SOFTENING) is not None


def say_of_one(cards: Mapping) -> None:
    """Say where a header has one card of the scaling alone: its pixels stay as they are."""
    there = [name for name in (OFFSET, SOFTENING) if cards.get(name) is not None]
    if len(there) == 1:
        (other,) = {OFFSET, SOFTENING} - set(there)
        if usable(cards, other)[1]:
            return  # it is there without a value, which has been said
        say("not-used", f"card {there[0]} without {other}: pixels stay as they are")


def make_linear(image: Image, how: str = "linear") -> None:
    """Make the pixels of an image linear, where its header says that they are asinh.

    Parameters
    ----------
    image : mr_extract.images.Image
    how : str
        As for `linear`.
    """
    if not is_asinh(image.header):
        say_of_one(image.header)
        return
    data, mask = linear(image.pixels(), image.mask, image.header, how)
    image.data, bad, image.exponent = plane(data)
    image.mask = bad if mask is None else mask if bad is None else mask | bad


def linear(
    data: np.ndarray, mask: np.ndarray | None, cards: Mapping, how: str = "linear"
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return pixels as they were before asinh was taken.

    Parameters
    ----------
    data : ndarray of float32 or float64, shape (height, width)
        In the units of the file. It is written to; a read-only one is copied.
    mask : ndarray of bool, shape (height, width), or None
        True where there is no value; these pixels stay 0.
    cards : mapping
        The header. Without both cards nothing is changed.
    how : str
        ``linear``, or ``asinh`` to leave the pixels as they are.

    Returns
    -------
    data, mask
        The mask has besides what is not finite.
    """
    if not is_asinh(cards):
        return data, mask
    if how != "linear":
        say("asinh-pixels", f"left as they are, with {OFFSET} and {SOFTENING} in the header")
        return data, mask
    offset, softening = usable(cards, OFFSET)[0], usable(cards, SOFTENING, positive=True)[0]
    if offset is None or softening is None:
        return data, mask
    say("asinh-pixels", f"made linear, {OFFSET} {offset:.9g}, {SOFTENING} {softening:.9g}")
    if not data.flags.writeable:
        data = data.copy()
    bad = np.zeros(data.shape, bool) if mask is None else mask.copy()
    rows = max(1, _AT_ONCE // max(1, data.shape[1]))
    for first in range(0, len(data), rows):
        part = slice(first, first + rows)
        with np.errstate(over="ignore", invalid="ignore"):
            values = offset + 2.0 * softening * hyperbolic_sine(data[part] / np.float64(_A))
        bad[part] |= ~np.isfinite(values)
        values[bad[part]] = 0.0
        data[part] = values
    return data, (bad if bad.any() else mask)
