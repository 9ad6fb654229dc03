"""Names of files that belong to an image, legible and different for different images."""

import hashlib
import re

_SUFFIX = re.compile(r"\.(fits|fit|fts)(\.(gz|bz2|fz))*(?=$|\[)", re.IGNORECASE)
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 100


def stem_of(image_id: str) -> str:
    """Return what the names of an image's files begin with.

    Parameters
    ----------
    image_id : str
        Of which the last part is legible in the name; eight digits of the whole one's
        SHA-256 keep names apart.
    """
    last = _SUFFIX.sub("", image_id.rpartition("/")[2])
    digest = hashlib.sha256(image_id.encode()).hexdigest()[:8]
    return f"{legible(last) or 'image'}-{digest}"


def legible(text: str) -> str:
    """Return a text as the part of a file's name, empty where nothing of it can stand there."""
    return _UNSAFE.sub("_", text).strip("._-")[:_LONGEST]
