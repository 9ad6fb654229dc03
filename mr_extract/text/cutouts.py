"""Cut-outs of pixels as cells of a catalog: base64 of float32, the highest byte first.

A cut-out is then one cell of some kilobytes, and comes back to the bit.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable

import numpy as np


def as_texts(cutouts: np.ndarray) -> list[bytes]:
    """Return a cell for each cut-out.

    Parameters
    ----------
    cutouts : ndarray of float32, shape (n, height, width)
    """
    return [b64encode(one.tobytes()) for one in np.ascontiguousarray(cutouts, ">f4")]


def from_texts(texts: Iterable[str], height: int, width: int) -> np.ndarray:
    """Return cut-outs from their cells, float32 with the highest byte first, (n, height, width).

    Raises
    ------
    ValueError
        For a cell that is none of this size.
    """
    pieces = [b64decode(text, validate=True) for text in texts]
    if any(len(piece) != 4 * height * width for piece in pieces):
        raise ValueError(f"a cell is no cut-out of {width} x {height} pixels")
    return np.frombuffer(b"".join(pieces), ">f4").reshape(len(pieces), height, width)
