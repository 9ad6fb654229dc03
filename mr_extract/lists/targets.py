"""A list of places to be measured, made ready to be asked by many images."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mr_extract.images.region import Region
from mr_extract.lists.columns import Table
from mr_extract.lists.footprint import Placed
from mr_extract.lists.motions import Motions
from mr_extract.lists.placing import Places
from mr_extract.lists.reading import identities, moving_positions


@dataclass
class Targets:
    """A list of places, made ready to be asked by many images.

    Parameters
    ----------
    ids : list of str
        What the list calls them; their numbers from 1 on where it does not.
    sky : bool
        Whether the positions are ICRS degrees or 0-based pixels.
    first, second : ndarray of float64, shape (n,)
        Right ascension and declination, or x and y.
    ellipses : ndarray of float64, shape (3, n), or None
        Half axes in pixels and angles in degrees from the x axis.
    motions : mr_extract.lists.motions.Motions or None
    """

    ids: list
    sky: bool
    first: np.ndarray
    second: np.ndarray
    ellipses: np.ndarray | None = None
    motions: Motions | None = None

    def __post_init__(self) -> None:
        self.places = Places(self.sky, self.first, self.second, self.motions)

    def __len__(self) -> int:
        return len(self.ids)

    def within(
        self,
        header: Mapping,
        shape: tuple[int, int],
        origin: tuple[int, int] = (0, 0),
        core: Region | None = None,
        mjd: float | None = None,
    ) -> Placed:
        """Return the targets on an image, as `mr_extract.lists.placing.Places.on_pixels`."""
        return self.places.on_pixels(header, shape, origin, core, mjd)

    def shapes(self, which: np.ndarray) -> np.ndarray:
        """Return the ellipses of some of the targets, nan where the list has none."""
        if self.ellipses is None:
            return np.full((3, len(which)), np.nan)
        return self.ellipses[:, which]


def targets_from(table: Table, how: str = "auto", epoch: float = 0.0) -> Targets:
    """Return the targets that a list gives.

    Parameters
    ----------
    table : mr_extract.lists.reading.Table
    how, epoch
        As for `mr_extract.lists.reading.moving_positions`.

    Raises
    ------
    ValueError
        When the list has no positions, or none that is a number.
    """
    sky, first, second, motions = moving_positions(table, how, epoch)
    if len(table) and not (np.isfinite(first) & np.isfinite(second)).any():
        raise ValueError("none of its positions is a number")
    targets = Targets(identities(table), sky, first, second, _ellipses(table), motions)
    if len(table) and not targets.places.there.any():
        raise ValueError("none of its declinations is between -90 and 90 degrees")
    targets.places.say_beyond_poles()
    return targets


def _ellipses(table):
    """Return a, b, theta of a list that has them, a and b times its Kron radius if it has one."""
    found = [table.find(role) for role in ("a", "b", "theta")]
    if None in found:
        return None
    a, b, theta = (table.numbers(k, unit)
                   for k, unit in zip(found, ("pixels", "pixels", "degrees")))
    kron = table.find("kron_radius")
    times = 1.0 if kron is None else table.numbers(kron, "pixels")
    return np.stack([a * times, b * times, theta])
