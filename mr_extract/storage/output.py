"""Files that appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO


@contextmanager
def written_whole(path: str, aside: str = "") -> Iterator[str]:
    """Give a name to write to, that becomes `path` when the block ends without an exception.

    Parameters
    ----------
    path : str
        The name of the finished file. What stood there before is replaced. Something that is
        not a regular file (a device, a pipe) is written to directly.
    aside : str
        A folder of the same disk in which it stands until it is whole; by default that of `path`.

    Yields
    ------
    unfinished : str
        The name to write to: a hidden one, which nobody else has.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        yield path
        return
    folder, name = os.path.split(path)
    # Not by the process alone: two nodes that see one disk may have the same number.
    unfinished = os.path.join(aside or folder,
                              f".{name}.{os.urandom(4).hex()}.{os.getpid()}.part")
    try:
        yield unfinished
        os.replace(unfinished, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.remove(unfinished)
        raise


@contextmanager
def text_written_whole(path: str) -> Iterator[TextIO]:
    """Open a text file that takes its name only when the block ends without an exception.

    Parameters
    ----------
    path : str
        As for `written_whole`.

    Yields
    ------
    file : text file
        Open for writing, UTF-8, with line feeds alone as line ends.
    """
    with written_whole(path) as unfinished:
        with open(unfinished, "w", encoding="utf-8", newline="\n") as file:
            yield file


def for_me_alone(path: str, flags: int) -> int:
    """Open a file that nobody else may read: an `opener` for `open`."""
    return os.open(path, flags, 0o600)
