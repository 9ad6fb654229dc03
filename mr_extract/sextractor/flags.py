"""The bits of SExtractor's FLAGS, and which of ours they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

BITS = {
    1: ("neighbours, unless MASK_TYPE is NONE, or bad pixels cover more than a tenth of the "
        "aperture", 0x0400),
    2: ("blended with another source", 0x0001),
    4: ("a pixel is saturated", 0x0100),
    8: ("cut off by the border of the image, or of a tile of it", 0x0002 | 0x1000),
    16: ("an aperture or window, or where a radius was searched, is incomplete: it reaches over "
         "the border or holds nothing but bad pixels, as does the ring of a local sky",
         0x0010 | 0x0040 | 0x0800 | 0x2000),
    32: ("the isophote is incomplete: its pixels did not fit into the detection buffer", 0),
    64: ("deblending ran out of memory", 0x0004),
    128: ("detection ran out of memory", 0),
}

NEVER = "never set: here a buffer that is full is grown"


def to_sextractor(flag: int | np.ndarray) -> int | np.ndarray:
    """Return SExtractor's FLAGS for ours.

    Parameters
    ----------
    flag : int or ndarray of int

    Returns
    -------
    int or ndarray of int
    """
    result = flag & 0
    for theirs, (_, ours) in BITS.items():
        if ours:
            result = result | theirs * ((flag & ours) != 0)
    return result
