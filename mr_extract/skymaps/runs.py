"""Sets of pixels as runs of consecutive numbers."""

import numpy as np


def merged(starts: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return runs in ascending order, those that touch or overlap made one.

    Parameters
    ----------
    starts, stops : ndarray of int64, shape (n,)
        First pixel of each run and the one behind its last.
    """
    if not len(starts):
        return starts, stops
    order = np.argsort(starts, kind="stable")
    starts, stops = starts[order], np.maximum.accumulate(stops[order])
    new = np.concatenate([[True], starts[1:] > stops[:-1]])
    last = np.concatenate([new[1:], [True]])
    return starts[new], stops[last]


def expanded(starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Return the pixels of runs (int64), run after run."""
    lengths = stops - starts
    before = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + np.repeat(starts - before, lengths)


def runs_of(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the runs of ascending pixels, each of which is there once."""
    if not len(pixels):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    breaks = np.flatnonzero(np.diff(pixels) != 1)
    return (pixels[np.concatenate([[0], breaks + 1])],
            pixels[np.concatenate([breaks, [len(pixels) - 1]])] + 1)
