"""Small images of yes and no as a word of text."""

import base64
import zlib

import numpy as np

_MOST = 1 << 24  # of the cells of one


def bitmap_word(cells: np.ndarray) -> str:
    """Return an image of bool as ``HEIGHTxWIDTH:`` and base64 of deflated bits, row by row."""
    height, width = cells.shape
    packed = zlib.compress(np.packbits(cells).tobytes(), 9)
    return f"{height}x{width}:{base64.b64encode(packed).decode()}"


def bitmap_of(word: str) -> np.ndarray:
    """Return what `bitmap_word` was given.

    Raises
    ------
    ValueError
        When the word is none of its.
    """
    size, _, text = word.partition(":")
    height, width = map(int, size.split("x"))
    if not 0 < height * width <= _MOST:
        raise ValueError(f"a bitmap of {height} x {width}")
    unpacking = zlib.decompressobj()
    try:
        bits = unpacking.decompress(base64.b64decode(text, validate=True),
                                    -(-height * width // 8))
    except zlib.error as error:
        raise ValueError(f"a bitmap that cannot be unpacked: {error}") from error
    if len(bits) != -(-height * width // 8) or unpacking.unconsumed_tail:
        raise ValueError("a bitmap of another size than it says")
    cells = np.unpackbits(np.frombuffer(bits, np.uint8), count=height * width)
    return cells.reshape(height, width).astype(bool)
