"""Where images are: a URI to bytes, one module a scheme.

A scheme is a module with ``read(uri) -> bytes``; it raises
`mr_extract.failures.ImageFailure` with a ``fetch-...`` kind.
"""

import re

from mr_extract.failures import ImageFailure
from mr_extract.storage import local

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def scheme(uri):
    """Return the scheme of a URI in lower case; ``file`` for a path."""
    match = _SCHEME.match(uri)
    return match.group(1).lower() if match else "file"


def is_local(uri):
    """Tell whether the URI is a path of this machine, or of a shared disk."""
    return scheme(uri) == "file"


def read(uri):
    """Return all bytes of a file.

    Parameters
    ----------
    uri : str
        A path or a URI.

    Returns
    -------
    bytes

    Raises
    ------
    ImageFailure
        ``fetch-...`` as the scheme names it, ``unsupported-scheme``.
    """
    if is_local(uri):
        return local.read(uri)
    raise ImageFailure(
        "unsupported-scheme", f"no storage module reads {scheme(uri)}:// in this version"
    )


def advise(uri):
    """Let the operating system fetch a local file in the background."""
    if is_local(uri):
        local.advise(uri)


def absolute(uri):
    """Return a URI that means the same from every working directory."""
    return local.absolute(uri) if scheme(uri) == "file" and "://" not in uri else uri
