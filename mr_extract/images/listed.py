"""The units of a whole file, listed once for all images that are read of it.

To list them takes a look at every header: done for each image of a file of a thousand, it would
take longer than all else.
"""

from __future__ import annotations

from typing import NamedTuple

from mr_extract.images.extensions import siblings_of
from mr_extract.images.units import Unit, list_units, reader_of
from mr_extract.remarks import hearing, repeat


class Listed(NamedTuple):
    """What is known of a file.

    Attributes
    ----------
    units : list of mr_extract.images.units.Unit
    images : int
        How many of them are images of two axes or more.
    siblings : tuple
        Of each such image, as `mr_extract.images.extensions.siblings_of` returns it.
    said : tuple of (str, str)
        What was said as they were listed.
    """

    units: list[Unit]
    images: int
    siblings: tuple[tuple[int, str, int | None], ...]
    said: tuple[tuple[str, str], ...]


# By the id of a buffer the buffer, without which another could have its id, and what is known.
_held: dict[int, tuple[bytes | memoryview, list[Listed]]] = {}


def hold(buffer: bytes | memoryview) -> None:
    """Keep what units a file has, which is held anyway, until `let_go`."""
    _held[id(buffer)] = buffer, []


def let_go(buffer: bytes | memoryview) -> None:
    """Forget a file."""
    _held.pop(id(buffer), None)


def listed(buffer: bytes | memoryview) -> Listed:
    """Return what units a file has.

    Parameters
    ----------
    buffer : bytes-like
        The whole file, uncompressed outside.

    Raises
    ------
    ImageFailure, NotPlain
        As of `mr_extract.images.units.list_units`.
    """
    kept = _held.get(id(buffer), (buffer, []))[1]
    if not kept:
        with hearing() as said:
            units = list_units(reader_of(buffer))
        images = sum(unit.is_plane for unit in units)
        kept.append(Listed(units, images, siblings_of(units), tuple(said)))
    repeat(kept[0].said)
    return kept[0]
