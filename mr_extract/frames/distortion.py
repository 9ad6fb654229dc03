"""Which distortion of a header is meant."""

from mr_extract.astrometry import as_ctype_says
from mr_extract.images.image import Image
from mr_extract.settings.config import Config


def settle_distortion(image: Image, config: Config) -> None:
    """Give an image the header that its setting `distortion` means."""
    if config.astrometry.distortion == "ctype":
        image.header = as_ctype_says(image.header)
