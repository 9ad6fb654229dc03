"""Files that travel with a job under a name that has their SHA-256."""

import hashlib
import os

from mr_extract.failures import ImageFailure


def write_named(folder: str, start: str, content: bytes | memoryview, end: str) -> str:
    """Write a file to a folder, and return its path.

    Parameters
    ----------
    folder : str
    start, end : str
        Of its name, around the SHA-256.
    content : bytes-like
    """
    path = os.path.join(folder, f"{start}{hashlib.sha256(content).hexdigest()}{end}")
    with open(path, "wb") as file:
        file.write(content)
    return path


def read_named(path: str, start: str, end: str) -> bytes:
    """Return what `write_named` was given.

    Raises
    ------
    ImageFailure
        ``fetch-not-found`` where the file did not come with the task, ``bad-list`` where it is
        not what its name says.
    """
    name = os.path.basename(path)
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise ImageFailure("fetch-not-found", f"{name} did not come with the task: "
                                              f"{error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != name.removeprefix(start).removesuffix(end):
        raise ImageFailure("bad-list", f"{name} is not what its name says (SHA-256)")
    return content
