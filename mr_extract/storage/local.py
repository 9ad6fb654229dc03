"""Files of this machine and of shared disks: paths and file:// URIs."""

import os
import re
import stat
from urllib.parse import unquote, urlsplit

from mr_extract.failures import ImageFailure

_FITS = re.compile(r".\.(fits|fit|fts)(\.(gz|bz2|fz))?$", re.IGNORECASE)


def path_of(uri):
    """Return the path that a path or file:// URI means."""
    if uri.lower().startswith("file://"):
        return unquote(urlsplit(uri).path)
    return uri


def real_path(uri):
    """Return the one path of a file, links followed; two ways to it give the same."""
    try:
        return os.path.realpath(path_of(uri))
    except ValueError:
        return uri  # it means no file


def absolute(path):
    """Return the path from the root."""
    # Not normalised: `..` behind a link leads elsewhere than the text says.
    return os.path.join(os.getcwd(), path)


def read(uri):
    """Return the bytes of a file.

    Raises
    ------
    ImageFailure
        ``fetch-not-found``, ``fetch-forbidden``, ``fetch-not-a-file`` or
        ``fetch-failed``.
    """
    try:
        path = path_of(uri)
        # Before opening: to open a pipe would wait for its writer.
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError
        if not stat.S_ISREG(mode):
            raise ImageFailure("fetch-not-a-file", "it is a device, pipe or socket")
        with open(path, "rb") as file:
            return file.read()
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


def _hint(path):
    if " " in path and "=" in path:
        return "; are its fields separated by tabs?"
    # As SExtractor is told to detect on one image and measure another. Of the paths the last
    # parts alone: the rest is relative here and absolute there.
    names = [part.rpartition("/")[2] for part in path.split(",")]
    if len(names) == 2 and all(map(_FITS.search, names)):
        return f"; two images? {names[1]} --detect-image {names[0]}"
    return ""


def advise(uri):
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
