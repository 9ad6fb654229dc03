"""Records of numbers as words of text, on their way between tasks."""

import base64

import numpy as np


def as_word(records):
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


def from_word(word, dtype):
    """Return the records of a word.

    Parameters
    ----------
    word : bytes
    dtype : numpy.dtype
    """
    return np.frombuffer(base64.b64decode(word, validate=True), dtype)
