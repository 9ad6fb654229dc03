"""From the bytes of a file to an image in memory."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mr_extract.images.image import Image
    from mr_extract.images.read import read_image

__all__ = ["Image", "read_image"]

_HOMES = {"Image": "mr_extract.images.image", "read_image": "mr_extract.images.read"}


def __getattr__(name: str) -> object:
    # Who only lists the units of a file must not pay for numpy.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
