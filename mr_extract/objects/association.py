"""Which detections are of one object.

The rule
--------
Images are taken in a given order. A detection is linked with an object when it is not farther
from it than the radius, and than `sigma` times the error of their distance, where that is
given. Of an image and the objects that there are, linked pairs are joined by distance, the
nearest first, each detection and each object once (ties: the lower row, then the object that
was founded first). A detection that is left founds an object. So

- an image has no two detections in one object, and a detection is in one object,
- what later images bring changes nothing of what was joined before,
- the result depends on nothing that no chain of links reaches: the sky can be cut wherever
  such chains end.

An object is where its founder is; with `follow` where its last member is, so that it may move by
the radius from one detection to the next. Where a detection was linked with several objects, or
an object with several detections of an image, the objects are ambiguous.
"""

from dataclasses import dataclass

import numpy as np

from mr_extract.objects.neighbours import Cubes, pairs_within
from mr_extract.objects.sphere import ARCSEC, chord


@dataclass(frozen=True)
class Links:
    """What is linked.

    Parameters
    ----------
    radius : float
        Arcseconds.
    sigma : float
        Most errors of the distance; 0 for no such limit.
    follow : bool
        An object is where it was last seen.
    """

    radius: float
    sigma: float = 0.0
    follow: bool = False

    @property
    def reach(self) -> float:
        """Length of the chord of the radius."""
        return float(chord(self.radius))

    def hold(self, squares: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Tell whether pairs are linked.

        Parameters
        ----------
        squares : ndarray of float64, shape (k,)
            Of the chords between them.
        one, other : ndarray of float64, shape (k,)
            Errors of the positions in arcseconds; nan is linked with nothing by its errors.
        """
        near = squares <= self.reach**2
        if self.sigma:
            near &= squares <= (self.sigma * ARCSEC) ** 2 * (one**2 + other**2)
        return near


def associate(
    xyz: np.ndarray, image: np.ndarray, row: np.ndarray, links: Links,
    error: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Say of each detection of which object it is.

    Parameters
    ----------
    xyz : ndarray of float64, shape (n, 3)
        Unit vectors.
    image : ndarray of int, shape (n,)
        Place of the image in the order in which images are taken.
    row : ndarray of int, shape (n,)
        Of the detection in its image: no two have both in common.
    links : Links
    error : ndarray of float64, shape (n,), optional
        Of the positions in arcseconds, where `links` has a `sigma`.

    Returns
    -------
    founder : ndarray of int64, shape (n,)
        Number of the detection by which the object was founded.
    ambiguous : ndarray of bool, shape (n,)
        The object of the detection is.
    """
    error = np.zeros(len(xyz)) if error is None else error
    group = Cubes(xyz, links.reach).groups()
    order = np.lexsort((row, image, group))
    founder, ambiguous = np.empty(len(xyz), np.int64), np.zeros(len(xyz), bool)
    simple, first = _simple(group[order], image[order], xyz[order], error[order], links)
    founder[order] = order[first]
    rest = order[~simple]
    if len(rest):
        founders, choices = _by_images(group[rest], image[rest], xyz[rest], error[rest], links)
        founder[rest], ambiguous[rest] = rest[founders], choices
    return founder, ambiguous


def _simple(group, image, xyz, error, links):
    """Tell which groups are of one object, without a choice, and where each group begins."""
    begins = np.concatenate([[True], group[1:] != group[:-1]])[: len(group)]
    first = np.flatnonzero(begins)[np.cumsum(begins) - 1] if len(group) else np.zeros(0, int)
    before = np.maximum(np.arange(len(group)) - 1, first)
    place = before if links.follow else first
    squares = ((xyz - xyz[place]) ** 2).sum(axis=1)
    fits = links.hold(squares, error, error[place]) & (image != image[before]) | begins
    bad = np.zeros(len(group), bool)
    bad[first[~fits]] = True
    return ~bad[first], first


def _by_images(group, image, xyz, error, links):
    """Associate what is sorted by group, image and row; all groups at once, image after image."""
    wave = _waves(group, image)
    turns = np.argsort(wave, kind="stable")
    bounds = np.searchsorted(wave[turns], np.arange(wave.max() + 2))
    founder = np.arange(len(group))
    founders, places = turns[: bounds[1]], turns[: bounds[1]]
    chosen = np.zeros(len(group), bool)  # by founder
    for start, stop in zip(bounds[1:-1], bounds[2:]):
        new = turns[start:stop]
        one, other, squares = pairs_within(xyz[new], xyz[places], links.reach)
        linked = links.hold(squares, error[new[one]], error[places[other]])
        one, other, squares = one[linked], other[linked], squares[linked]
        several = (np.bincount(one, minlength=len(new))[one] > 1) | (
            np.bincount(other, minlength=len(places))[other] > 1)
        chosen[founders[other[several]]] = True
        joined, to = _nearest_first(one, other, squares)
        founder[new[joined]] = founders[to]
        if links.follow:
            places = places.copy()
            places[to] = new[joined]
        left = np.ones(len(new), bool)
        left[joined] = False
        # A detection that had a choice and lost it has founded an object that is as doubtful.
        chosen[new[np.unique(one[several])]] |= left[np.unique(one[several])]
        founders = np.concatenate([founders, new[left]])
        places = np.concatenate([places, new[left]])
    return founder, chosen[founder]


def _waves(group, image):
    """Return of which image of its group each detection is: 0 for the first, and so on."""
    new_group = np.concatenate([[True], group[1:] != group[:-1]])
    new_image = np.concatenate([[True], image[1:] != image[:-1]]) | new_group
    count = np.cumsum(new_image)
    return count - count[new_group][np.cumsum(new_group) - 1]


def _nearest_first(one, other, squares):
    """Return pairs of which each side is once: the nearest of all, of the rest the nearest ..."""
    order = np.lexsort((other, one, squares))
    one, other = one[order], other[order]
    ones, others = [], []
    while len(one):
        # The first pair of both its sides: no nearer one can take either away.
        place = np.arange(len(one))
        best_one = np.full(one.max() + 1, len(one))
        np.minimum.at(best_one, one, place)
        best_other = np.full(other.max() + 1, len(one))
        np.minimum.at(best_other, other, place)
        joined = (best_one[one] == place) & (best_other[other] == place)
        ones.append(one[joined])
        others.append(other[joined])
        rest = ~(np.isin(one, one[joined]) | np.isin(other, other[joined]))
        one, other = one[rest], other[rest]
    none = np.zeros(0, np.int64)
    return np.concatenate([none, *ones]), np.concatenate([none, *others])
