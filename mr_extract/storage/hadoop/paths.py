"""What the URIs of HDFS mean, whichever way it is read.

As for ``hadoop fs``, a path means what is written: ``%20`` is not a blank, ``#`` and ``?``
are characters of a name.
"""

import os
import re

_URI = re.compile(r"([^:/]+)://([^/]*)(/?.*)", re.DOTALL)


def place_of(uri: str) -> tuple[str, str, str]:
    """Return the scheme (lower case), the authority and the path of a URI."""
    scheme, authority, path = _parts(uri)
    return scheme.lower(), authority, re.sub("/+", "/", path).rstrip("/") or "/"


def uri_of(uri: str, path: str) -> str:
    """Return the URI of a path in the file system of another URI."""
    scheme, authority, _ = _parts(uri)
    return f"{scheme}://{authority}{path}"


def _parts(uri):
    return _URI.fullmatch(uri).groups()


def unfinished(path: str, aside: str) -> str:
    """Return the path at which a file stands until it is whole: hidden, and nobody else's.

    Parameters
    ----------
    path : str
        Where it will be.
    aside : str
        URI of the folder in which it stands; empty for that of `path`.
    """
    folder, _, name = path.rpartition("/")
    return f"{place_of(aside)[2] if aside else folder}/.{name}.{os.urandom(4).hex()}.part"


def is_hidden(name: str) -> bool:
    """Tell whether Hadoop's own jobs leave a file or folder out, or its copy is unfinished."""
    return name.startswith((".", "_")) or name.endswith("._COPYING_")


def version_of(milliseconds: int, length: int) -> str:
    """Return what changes with the content of a file: when it was closed, and its length."""
    return f"{milliseconds}-{length}"
