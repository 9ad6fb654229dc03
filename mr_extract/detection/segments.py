"""The pixels of each object, from a segmentation map."""

from functools import cached_property

import numpy as np

from mr_extract.compiled import kernels
from mr_extract.detection.within_boxes import by_owner


class Segments:
    """Which pixels belong to which object.

    Parameters
    ----------
    labels : ndarray of int32, shape (height, width)
        0 where there is no object, k + 1 where object k is.
    count : int
        Number of objects.
    absorbed, absorbed_by : ndarray of int64, shape (k,), optional
        Further pixels and whose they are: cleaning gives them to an object
        without hiding them from others, so `labels` has 0 there.
    fragments : ndarray of int64, shape (k,), optional
        Pixels over the threshold that belong to no object, ascending: there were
        too few of them together, or too many. They disturb others all the same.

    Attributes
    ----------
    pixels : ndarray of int64, shape (m,)
        Flat indices of the pixels of objects, those of object 0 first, each
        object's in the order of rows.
    starts : ndarray of int64, shape (count + 1,)
        Object k has ``pixels[starts[k]:starts[k + 1]]``.
    owner : ndarray of int64, shape (m,)
        Object of each of `pixels`.
    """

    def __init__(
        self, labels: np.ndarray, count: int, absorbed: np.ndarray | None = None,
        absorbed_by: np.ndarray | None = None, fragments: np.ndarray | None = None,
    ) -> None:
        self.labels, self.count = labels, count
        self.absorbed = np.zeros(0, np.int64) if absorbed is None else absorbed
        self.absorbed_by = np.zeros(0, np.int64) if absorbed_by is None else absorbed_by
        self.fragments = np.zeros(0, np.int64) if fragments is None else fragments

    @cached_property
    def by_row(self) -> np.ndarray:
        """Flat indices of the pixels with a label, ascending."""
        flat = self.labels.ravel()
        if flat.size % 2:
            return np.flatnonzero(flat)
        # Two labels at a time: most pixels are nobody's.
        pairs = 2 * np.flatnonzero(flat.view(np.int64))
        both = np.stack([pairs, pairs + 1], 1).ravel()
        return both[flat[both] != 0]

    @cached_property
    def _sorted(self):
        pixels = self.by_row
        owner = self.labels.ravel()[pixels].astype(np.int64) - 1
        if not len(self.absorbed):
            order = by_owner(owner, self.count)
        else:
            pixels = np.concatenate([pixels, self.absorbed])
            owner = np.concatenate([owner, self.absorbed_by])
            ascending = np.argsort(pixels, kind="stable")
            order = ascending[by_owner(owner[ascending], self.count)]
        return pixels[order], owner[order], order

    @property
    def pixels(self) -> np.ndarray:
        """Flat indices, object by object."""
        return self._sorted[0]

    @property
    def owner(self) -> np.ndarray:
        """Object of each of `pixels`."""
        return self._sorted[1]

    @property
    def order(self) -> np.ndarray:
        """Where each of `pixels` stands among those by row, absorbed ones behind."""
        return self._sorted[2]

    @cached_property
    def starts(self) -> np.ndarray:
        """First of each object's `pixels`, and their end."""
        return np.searchsorted(self.owner, np.arange(self.count + 1))

    @cached_property
    def own(self) -> "Segments":
        """The same objects with the pixels that were detected as theirs alone."""
        if not len(self.absorbed):
            return self
        own = Segments(self.labels, self.count, fragments=self.fragments)
        own.by_row = self.by_row
        return own

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Add values up by object.

        Parameters
        ----------
        values : ndarray, shape (m,)
            One for each of `pixels`.

        Returns
        -------
        ndarray of float64, shape (count,)
        """
        return np.bincount(self.owner, values, self.count)

    def count_over(self, values: np.ndarray, limits: np.ndarray) -> np.ndarray:
        """Count the pixels whose values are over limits, by object.

        Parameters
        ----------
        values : ndarray of float32, shape (m,)
            One for each of `pixels`.
        limits : ndarray of float64, shape (count,) or (k, count)
            Of each object.

        Returns
        -------
        ndarray of int64, of the shape of `limits`
        """
        if kernels and values.dtype == np.float32:
            over = np.empty(limits.shape, np.int64)
            kernels.count_over(np.ascontiguousarray(values), self.starts,
                               np.ascontiguousarray(limits, np.float64), over)
            return over
        rows = [self.sums(values > limit[self.owner]) for limit in np.atleast_2d(limits)]
        return np.reshape(rows, limits.shape).astype(np.int64)

    def highest(self, values: np.ndarray) -> np.ndarray:
        """Return the entry of `pixels` at which values are highest, by object.

        Parameters
        ----------
        values : ndarray, shape (m,)
            One for each of `pixels`; every object has at least one.

        Returns
        -------
        ndarray of int64, shape (count,)
            Indices into `pixels`; of equals the first.
        """
        order = np.lexsort((-np.arange(len(values)), values, self.owner))
        return order[self.starts[1:] - 1]

    def keep(self, chosen: np.ndarray) -> "Segments":
        """Return the segments of the chosen objects alone, numbered anew.

        Parameters
        ----------
        chosen : ndarray of bool, shape (count,)
        """
        number = np.zeros(self.count + 1, np.int32)
        number[1:][chosen] = np.arange(1, np.count_nonzero(chosen) + 1)
        kept = chosen[self.absorbed_by]
        return Segments(number[self.labels], int(np.count_nonzero(chosen)), self.absorbed[kept],
                        number[self.absorbed_by[kept] + 1] - 1, self.fragments)
