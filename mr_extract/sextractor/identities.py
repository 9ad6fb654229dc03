"""Ids of targets and list entries as the readers of SExtractor's catalogues take them.

What is replaced becomes %XX of its UTF-8 bytes, as in our own catalog.
"""

import re

import numpy as np

_BLANK = re.compile(r"\s")
_NO_ASCII = re.compile(r"[^\x20-\x7e]")
EMPTY = "-"


def in_text(ids: np.ndarray) -> list[str]:
    """Return ids as cells between blanks: none has a blank or is empty.

    Parameters
    ----------
    ids : ndarray of str, shape (n,)

    Returns
    -------
    list of str
        An empty one is ``-``, and a ``-`` is ``%2D``. Readers of ASCII_HEAD know no quotes.
    """
    return [EMPTY if not text else "%2D" if text == EMPTY else _BLANK.sub(_percent, text)
            for text in ids.tolist()]


def in_fits(ids: np.ndarray) -> np.ndarray:
    """Return ids as FITS has text: printable ASCII.

    Parameters
    ----------
    ids : ndarray of str, shape (n,)

    Returns
    -------
    ndarray of bytes, shape (n,)
    """
    return np.array([_NO_ASCII.sub(_percent, text).encode() for text in ids.tolist()], dtype="S")


def _percent(match):
    return "".join(f"%{byte:02X}" for byte in match.group().encode())
