"""From the bytes of a file to an image in memory."""

from mr_extract.images.image import Image
from mr_extract.images.read import read_image

__all__ = ["Image", "read_image"]
