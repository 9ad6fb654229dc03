"""Files of this machine and of shared disks: paths and file:// URIs."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from stat import S_ISDIR, S_ISREG
from typing import BinaryIO
from urllib.parse import quote, unquote, urlsplit

from mr_extract.failures import ImageFailure
from mr_extract.storage.found import Found
from mr_extract.storage.output import written_whole

_FITS = re.compile(r".\.(fits|fit|fts)(\.(gz|bz2|fz))*$", re.IGNORECASE)


def path_of(uri: str) -> str:
    """Return the path that a path or file:// URI means."""
    if uri.lower().startswith("file://"):
        return unquote(urlsplit(uri).path)
    return uri


def real_path(uri: str) -> str:
    """Return the one path of a file, links followed; two ways to it give the same."""
    try:
        return os.path.realpath(path_of(uri))
    except ValueError:
        return uri  # it means no file


def absolute(path: str) -> str:
    """Return the path from the root."""
    # Not normalised: `..` behind a link leads elsewhere than the text says.
    return os.path.join(os.getcwd(), path)


def read(uri: str) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    ImageFailure
        ``fetch-not-found``, ``fetch-forbidden``, ``fetch-not-a-file`` or
        ``fetch-failed``.
    """
    with _opened(uri) as file:
        return file.read()


def read_range(uri: str, offset: int, size: int, version: str = "") -> tuple[bytes, str]:
    """Return a part of a file and its version, as `mr_extract.storage.read_range` does."""
    with _opened(uri) as file:
        now = _version(os.fstat(file.fileno()))
        if version not in ("", now):
            raise ImageFailure("fetch-changed", "the file changed while it was read")
        file.seek(offset)
        return file.read(size), now


def stat(uri: str) -> Found:
    """Return what is known of a file, as `mr_extract.storage.stat` does."""
    with _opened(uri) as file:
        return _found(uri, os.fstat(file.fileno()))


def list_files(uri: str) -> Iterator[Found]:
    """Yield the files below a folder, as `mr_extract.storage.list_files` does.

    Links are followed; a folder reached twice counts once.
    """
    with _named(uri) as root:
        if not S_ISDIR(os.stat(root).st_mode):
            yield stat(uri)
            return
        as_uri = uri != root
        walked = set()
        for folder, folders, names in os.walk(root, onerror=_raise, followlinks=True):
            walked.add(os.path.realpath(folder))
            folders[:] = [name for name in sorted(folders) if name[0] != "."
                          and os.path.realpath(os.path.join(folder, name)) not in walked]
            for name in sorted(names):
                path = os.path.join(folder, name)
                if name[0] != "." and os.path.isfile(path):
                    yield _found(f"file://{quote(path)}" if as_uri else path, os.stat(path))


def write(uri: str, source: BinaryIO, aside: str = "") -> None:
    """Write a file whole, as `mr_extract.storage.write` does; folders are made."""
    with _named(uri) as path:
        for folder in filter(None, (os.path.dirname(path), path_of(aside))):
            os.makedirs(folder, exist_ok=True)
        with written_whole(path, path_of(aside)) as unfinished, open(unfinished, "wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)


def make_folder(uri: str) -> None:
    """Make a folder, as `mr_extract.storage.make_folder` does."""
    with _named(uri) as path:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.mkdir(path, 0o700)


def remove_folder(uri: str) -> None:
    """Remove a folder, as `mr_extract.storage.remove_folder` does."""
    with _named(uri) as path:
        if os.path.lexists(path):
            shutil.rmtree(path)


@contextmanager
def _opened(uri):
    with _named(uri) as path:
        # Before opening: to open a pipe would wait for its writer.
        mode = os.stat(path).st_mode
        if S_ISDIR(mode):
            raise IsADirectoryError
        if not S_ISREG(mode):
            raise ImageFailure("fetch-not-a-file", "it is a device, pipe or socket")
        with open(path, "rb") as file:
            yield file


@contextmanager
def _named(uri):
    """Give the path of a URI, and names to what the operating system says of it."""
    path = uri
    try:
        path = path_of(uri)
        yield path
    except FileNotFoundError as error:
        raise ImageFailure("fetch-not-found", f"no such file{_hint(path)}") from error
    except IsADirectoryError as error:
        raise ImageFailure("fetch-not-a-file", "it is a directory") from error
    except NotADirectoryError as error:
        raise ImageFailure("fetch-not-found", "a part of its path is no directory") from error
    except PermissionError as error:
        raise ImageFailure("fetch-forbidden", "the file may not be read") from error
    except (OSError, ValueError) as error:
        # Without the path, which is relative here and absolute there.
        reason = getattr(error, "strerror", None) or "the path makes no sense"
        raise ImageFailure("fetch-failed", f"{type(error).__name__}: {reason}") from error


def _raise(error):
    raise error


def _found(uri, facts):
    return Found(uri, facts.st_size, facts.st_mtime, _version(facts))


def _version(facts):
    return f"{facts.st_mtime_ns}-{facts.st_size}-{facts.st_ino}"


def _hint(path):
    if " " in path and "=" in path:
        return "; are its fields separated by tabs?"
    # As SExtractor is told to detect on one image and measure another. Of the paths the last
    # parts alone: the rest is relative here and absolute there.
    names = [part.rpartition("/")[2] for part in path.split(",")]
    if len(names) == 2 and all(map(_FITS.search, names)):
        return f"; two images? {names[1]} --detect-image {names[0]}"
    return ""


def advise(uri: str) -> None:
    """Have the file read ahead into the page cache; does not wait, never fails."""
    if not hasattr(os, "posix_fadvise"):
        return
    try:
        descriptor = os.open(path_of(uri), os.O_RDONLY | os.O_NONBLOCK)
    except (OSError, ValueError):
        return  # `read` will say what is wrong
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_WILLNEED)
    except OSError:
        return  # not a regular file: `read` will say so
    finally:
        os.close(descriptor)
