"""Names that end in brackets: of an extension or a region, unless a file is called so.

A file wins over an extension. Whether it is there is asked of this machine's disks alone,
which costs microseconds; of remote places every line would cost a request, so their brackets
are never part of the name. There ``frame.fits[1][0]`` is extension 0 of ``frame.fits[1]``.
"""

import os

from mr_extract.storage.local import path_of


def is_file(text: str) -> bool:
    """Say whether a text in brackets at its end is the whole name of a file of this machine."""
    if not text.endswith("]"):
        return False
    path = path_of(text)
    return "://" not in path and os.path.exists(path)
