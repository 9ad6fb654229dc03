"""What became of every row, in a file: that of ten million rows takes 60 MB."""

import numpy as np

from mr_extract.jobs.sky.aggregation import UNKNOWN


class Miscounted(RuntimeError):
    """A row is not accounted for, or twice: a defect, or output of tasks that is damaged."""


_ROW = np.dtype([("state", "u1"), ("ambiguous", "u1"), ("detections", "<i4")])


class Decisions:
    """What became of rows.

    Parameters
    ----------
    path : str
        Of a file that is made.
    count : int
        Rows of all images.
    """

    def __init__(self, path: str, count: int) -> None:
        self._rows = np.zeros(0, _ROW)
        if count:
            self._rows = np.memmap(path, _ROW, "w+", shape=(count,))

    def take(self, decisions: np.ndarray) -> None:
        """Take decisions (of `mr_extract.jobs.sky.aggregation.DECISION`)."""
        places = decisions["place"]
        ordered = np.sort(places)
        if (self._rows["state"][places] != UNKNOWN).any() or (ordered[1:] == ordered[:-1]).any():
            raise Miscounted("tasks have told of a row twice")
        for name in ("state", "ambiguous", "detections"):
            self._rows[name][places] = decisions[name]

    def leave_out(self, place: int, rows: int, state: int) -> None:
        """Say of the rows of an image that they take no part."""
        self._rows["state"][place:place + rows] = state

    def of(self, place: int, rows: int) -> np.ndarray:
        """Return what became of the rows of an image."""
        return self._rows[place:place + rows]

    def unknown(self) -> int | None:
        """Return the place of the first row of which nothing is known, None if there is none."""
        step = 1 << 22
        for start in range(0, len(self._rows), step):
            lost = np.flatnonzero(self._rows["state"][start:start + step] == UNKNOWN)
            if len(lost):
                return start + int(lost[0])
        return None


