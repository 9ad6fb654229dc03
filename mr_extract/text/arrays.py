"""Records of numbers as words of text, on their way between tasks."""

import base64

import numpy as np


def as_word(records: np.ndarray) -> bytes:
    """Return records as one word, without white space.

    Parameters
    ----------
    records : ndarray, shape (n,)
        Of a structured type without objects.

    Returns
    -------
    bytes
    """
    return base64.b64encode(np.ascontiguousarray(records).tobytes())


def lines_as_word(lines: list[bytes]) -> bytes:
    """Return a list of bytes as one word."""
    sizes = np.array([len(line) for line in lines], "<i8")
    return base64.b64encode(len(lines).to_bytes(8, "little") + sizes.tobytes() + b"".join(lines))


def lines_from_word(word: bytes) -> list[bytes]:
    """Return the list of bytes of a word."""
    data = base64.b64decode(word, validate=True)
    count = int.from_bytes(data[:8], "little")
    ends = np.cumsum(np.frombuffer(data, "<i8", count, 8)) + 8 * (count + 1)
    return [data[start:stop] for start, stop in zip([8 * (count + 1), *ends[:-1]], ends)]


def from_word(word: bytes, dtype: np.dtype) -> np.ndarray:
    """Return the records of a word.

    Parameters
    ----------
    word : bytes
    dtype : numpy.dtype
    """
    return np.frombuffer(base64.b64decode(word, validate=True), dtype)
