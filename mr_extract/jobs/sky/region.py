"""The detections of one cell to objects, in memory that does not grow with the cell.

A cell with more than `HELD` detections is cut into 16, in files. In a part of the sky, detections
hang together in groups (`mr_extract.objects.neighbours`). A group none of whose members is
within the radius from the border is all there and can be settled. The others are left open: what
is linked across a border is in open groups of both sides. The open groups of all parts together
are again a set of whole groups, which the next larger part takes, and at the end the driver.
"""

import os
import tempfile
from collections.abc import Generator, Iterable
from typing import TypeAlias

import numpy as np

from mr_extract.objects.association import Links, associate
from mr_extract.objects.cells import cells_of, near_border, size_of
from mr_extract.objects.neighbours import Cubes
from mr_extract.objects.sphere import vectors

HELD = 400_000  # detections in memory: with what is made of them some 250 bytes each
_DEEPER = 2
_LEAST = 20  # radii that a cell must be wide
#: Records, founder and ambiguous, of whole objects.
Group: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]


def settle(chunks: Iterable[np.ndarray], order: int | None, links: Links,
           held: int = HELD) -> Generator[Group, None, np.ndarray]:
    """Associate the detections of a cell.

    Parameters
    ----------
    chunks : iterable of ndarray
        Records with ``place``, ``image``, ``ra``, ``dec`` and ``error``.
    order : int or None
        Of the cell; None for a part of the sky beyond which there is nothing.
    links : mr_extract.objects.association.Links
    held : int
        Detections in memory at a time, unless the cell is too small to be cut.

    Yields
    ------
    records, founder, ambiguous : ndarray
        Of whole objects, as of `mr_extract.objects.association.associate`.

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
                size_of(order + _DEEPER) > _LEAST * links.radius):
            return (yield from _settle_in_parts(found, chunks, order, links, held))
    if not found:
        return np.zeros(0)
    return (yield from _settle_at_once(np.concatenate(found), order, links))


def _settle_at_once(records, order, links):
    # By place, so that equal detections in another order of arrival are equal arrays.
    records = records[np.argsort(records["place"])]
    if not len(records):
        return records
    xyz = vectors(records["ra"], records["dec"])
    if order is None:
        is_open = np.zeros(len(records), bool)
    else:
        groups = Cubes(xyz, links.reach).groups()
        near = near_border(records["ra"], records["dec"], order, links.radius)
        open_groups = np.zeros(groups.max() + 1, bool)
        open_groups[groups[near]] = True
        is_open = open_groups[groups]
    closed = records[~is_open]
    if len(closed):
        yield closed, *associate(xyz[~is_open], closed["image"], closed["place"], links,
                                 closed["error"].astype(float))
    return records[is_open]


def _settle_in_parts(found, chunks, order, links, held):
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
            left.append((yield from settle(_read(path, dtype, held), order + _DEEPER, links, held)))
    return (yield from _settle_at_once(np.concatenate(left), order, links))


def _chained(found, chunks):
    yield from found
    found.clear()
    yield from chunks


def _read(path, dtype, held):
    with open(path, "rb") as file:
        while data := file.read(dtype.itemsize * max(held // 4, 1)):
            yield np.frombuffer(data, dtype)
    os.remove(path)
