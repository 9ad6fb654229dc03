"""What lies in one cell settled, in memory that does not grow with the cell.

A cell with more than `HELD` records is cut into 16, in files. A rule settles what it can of a part
of the sky, and leaves the rest open. What is open in all parts together is settled as a part is
in the next larger one, and at the end in the driver.

For objects: detections hang together in groups (`mr_extract.objects.neighbours`). A group none of
whose members is within the radius from the border is all there and can be settled. What is linked
across a border is in open groups of both sides.
"""

import os
import tempfile
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from mr_extract.objects.association import Links, associate
from mr_extract.objects.cells import near_border, size_of
from mr_extract.objects.healpix import cells_of
from mr_extract.objects.neighbours import Cubes
from mr_extract.objects.sphere import vectors

HELD = 400_000  # records in memory: with what is made of them some 250 bytes each
_DEEPER = 2
_LEAST = 20  # radii that a cell must be wide
#: Records, founder and ambiguous, of whole objects.
Group: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]


class Rule(Protocol):
    """How records are settled.

    Attributes
    ----------
    radius : float
        Arcseconds within which records have to do with each other.
    """

    @property
    def radius(self) -> float:
        """Arcseconds."""

    def settled(self, records: np.ndarray,
                order: int | None) -> Generator[Any, None, np.ndarray]:
        """Yield what is settled of the records of a part of the sky, and return the open ones."""


@dataclass(frozen=True)
class Linking:
    """Detections to objects.

    Parameters
    ----------
    links : mr_extract.objects.association.Links
    """

    links: Links

    @property
    def radius(self) -> float:
        """Arcseconds."""
        return self.links.radius

    def settled(self, records: np.ndarray,
                order: int | None) -> Generator[Group, None, np.ndarray]:
        """Yield whole objects, and return the detections of groups that may go on elsewhere."""
        # By place, so that equal detections in another order of arrival are equal arrays.
        records = records[np.argsort(records["place"])]
        if not len(records):
            return records
        xyz = vectors(records["ra"], records["dec"])
        if order is None:
            is_open = np.zeros(len(records), bool)
        else:
            groups = Cubes(xyz, self.links.reach).groups()
            near = near_border(records["ra"], records["dec"], order, self.radius)
            open_groups = np.zeros(groups.max() + 1, bool)
            open_groups[groups[near]] = True
            is_open = open_groups[groups]
        closed = records[~is_open]
        if len(closed):
            yield closed, *associate(xyz[~is_open], closed["image"], closed["place"], self.links,
                                     closed["error"].astype(float))
        return records[is_open]


def settle(chunks: Iterable[np.ndarray], order: int | None, rule: Rule,
           held: int = HELD) -> Generator[Any, None, np.ndarray]:
    """Settle the records of a cell.

    Parameters
    ----------
    chunks : iterable of ndarray
        Records with ``ra``, ``dec`` and what the rule needs.
    order : int or None
        Of the cell; None for a part of the sky beyond which there is nothing.
    rule : Rule
    held : int
        Records in memory at a time, unless the cell is too small to be cut.

    Yields
    ------
    object
        What the rule yields.

    Returns
    -------
    ndarray
        The records that are open.
    """
    found, count = [], 0
    chunks = iter(chunks)
    for chunk in chunks:
        found.append(chunk)
        count += len(chunk)
        if count > held and order is not None and (
                size_of(order + _DEEPER) > _LEAST * rule.radius):
            return (yield from _settle_in_parts(found, chunks, order, rule, held))
    if not found:
        return np.zeros(0)
    return (yield from rule.settled(np.concatenate(found), order))


def _settle_in_parts(found, chunks, order, rule, held):
    dtype = found[0].dtype
    with tempfile.TemporaryDirectory(prefix="mr_extract-") as folder:
        kept = set()
        for chunk in _chained(found, chunks):
            parts = cells_of(chunk["ra"], chunk["dec"], order + _DEEPER)
            for part in np.unique(parts):
                with open(os.path.join(folder, str(part)), "ab") as file:
                    file.write(chunk[parts == part].tobytes())
                kept.add(int(part))
        left = [np.zeros(0, dtype)]
        for part in sorted(kept):
            path = os.path.join(folder, str(part))
            left.append((yield from settle(_read(path, dtype, held), order + _DEEPER, rule, held)))
    return (yield from rule.settled(np.concatenate(left), order))


def _chained(found, chunks):
    yield from found
    found.clear()
    yield from chunks


def _read(path, dtype, held):
    with open(path, "rb") as file:
        while data := file.read(dtype.itemsize * max(held // 4, 1)):
            yield np.frombuffer(data, dtype)
    os.remove(path)
