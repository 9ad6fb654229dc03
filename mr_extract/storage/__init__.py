"""Where images are: a URI to bytes, one module a scheme.

A scheme is a module with the functions of this one: ``read``, ``read_range``, ``stat``,
``list_files`` and ``write``, and, where a job may keep what it keeps, ``make_folder`` and
``remove_folder``. It raises `mr_extract.failures.ImageFailure` with a
``fetch-...`` kind, and no other exception for what the world does wrong. Messages do not
name the URI: whoever reports knows it, and spells it as the user did.
"""

import re
from collections.abc import Iterator
from importlib import import_module
from typing import BinaryIO

from mr_extract.failures import ImageFailure
from mr_extract.storage import local
from mr_extract.storage.access import Access
from mr_extract.storage.found import Found

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
# Scheme to the module that serves it; imported when it is used.
SCHEMES = {
    "file": "local",
    "http": "http", "https": "http",
    "s3": "s3", "s3a": "s3", "s3n": "s3",
    "hdfs": "hdfs", "viewfs": "hdfs",
    "webhdfs": "webhdfs", "swebhdfs": "webhdfs",
}
WRITTEN = {name for name, module in SCHEMES.items() if module != "http"}
_access = Access()


def configure(access: Access) -> None:
    """Set how remote places are reached, for this process."""
    global _access
    _access = access


def access() -> Access:
    """Return how remote places are reached."""
    return _access


def scheme(uri: str) -> str:
    """Return the scheme of a URI in lower case; ``file`` for a path."""
    match = _SCHEME.match(uri)
    return match.group(1).lower() if match else "file"


def is_local(uri: str) -> bool:
    """Tell whether the URI is a path of this machine, or of a shared disk."""
    return scheme(uri) == "file"


def read(uri: str) -> bytes:
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
    return _module(uri).read(uri)


def read_range(uri: str, offset: int, size: int, version: str = "") -> tuple[bytes, str]:
    """Return a part of a file.

    Parameters
    ----------
    uri : str
    offset, size : int
        In bytes.
    version : str
        What an earlier call returned: the file must still be that one.

    Returns
    -------
    data : bytes
        Fewer than `size` at the end of the file, none beyond it.
    version : str
        Of the file.

    Raises
    ------
    ImageFailure
        As for `read`, and ``fetch-changed``.
    """
    return _module(uri).read_range(uri, offset, size, version)


def stat(uri: str) -> Found:
    """Return what is known of a file.

    Returns
    -------
    mr_extract.storage.found.Found

    Raises
    ------
    ImageFailure
        As for `read`.
    """
    return _module(uri).stat(uri)


def list_files(uri: str) -> Iterator[Found]:
    """Yield the files of a place as they are found: folder, prefix or index page.

    Parameters
    ----------
    uri : str
        A folder is searched to the bottom, hidden files and folders apart.

    Yields
    ------
    mr_extract.storage.found.Found
        In no promised order; memory does not grow with their number.

    Raises
    ------
    ImageFailure
        As for `read`.
    """
    yield from _module(uri).list_files(uri)


def write(uri: str, source: BinaryIO, aside: str = "") -> None:
    """Write a file, whole or not at all, in the place of what was there.

    Parameters
    ----------
    uri : str
    source : binary file
        Open for reading and seeking, at its beginning.
    aside : str
        URI of a folder of the same file system in which the file stands until it is whole, under
        a name of its own; by default it stands beside `uri`. Where `has_folders` is false
        nothing stands anywhere before.

    Raises
    ------
    ImageFailure
        As for `read`.
    """
    _module(uri).write(uri, source, aside)


def has_folders(uri: str) -> bool:
    """Tell whether a file grows where others see it, in a folder, before it has its name."""
    return SCHEMES.get(scheme(uri)) != "s3"


def make_folder(uri: str) -> None:
    """Make a folder that nobody else may enter, and those above it as usual.

    Of a place without folders, as S3, nothing is made: who may read is the bucket's to say.

    Raises
    ------
    ImageFailure
        As for `read`.
    """
    _module(uri).make_folder(uri)


def remove_folder(uri: str) -> None:
    """Remove a folder with all that is in it; one that is not there is removed already.

    Raises
    ------
    ImageFailure
        As for `read`.
    """
    _module(uri).remove_folder(uri)


def _module(uri):
    name = SCHEMES.get(scheme(uri))
    if name is None:
        raise ImageFailure(
            "unsupported-scheme", f"no storage module reads {scheme(uri)}:// in this version"
        )
    return local if name == "local" else import_module(f"mr_extract.storage.{name}")


def advise(uri: str) -> None:
    """Let the operating system fetch a local file in the background."""
    if is_local(uri):
        local.advise(uri)


def absolute(uri: str) -> str:
    """Return a URI that means the same from every working directory."""
    return local.absolute(uri) if scheme(uri) == "file" and "://" not in uri else uri
