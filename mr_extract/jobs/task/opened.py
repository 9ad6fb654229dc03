"""A file fetched, checksummed and unpacked once for the entries that follow each other in it.

Lines of one file stand together in a shard, so the last file is all that is
worth holding; none is held unless it is asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from mr_extract import storage
from mr_extract.addresses import shown
from mr_extract.failures import ImageFailure
from mr_extract.images import listed
from mr_extract.packed.records import PackedFile
from mr_extract.remarks import hearing, repeat
from mr_extract.unpacking import unpack

if TYPE_CHECKING:
    from mr_extract.text.entry import Entry

#: A file that was fetched, or is in a packed record, or why it cannot be had.
Fetched: TypeAlias = bytes | PackedFile | ImageFailure

# Role to (absolute uri, (buffer, checksum, size), what was said of it).
_held: dict[str, tuple[str, tuple[bytes, str, int], Any]] = {}
_at_hand: dict[str, Fetched] = {}  # uri to bytes, PackedFile or ImageFailure


def hand_over(files: dict[str, Fetched]) -> None:
    """Have files at hand that were fetched already; each is taken once, by `opened`.

    Parameters
    ----------
    files : dict of str to (bytes or PackedFile or ImageFailure)
        By URI. They replace those of an earlier call.
    """
    global _at_hand
    _at_hand = files


def opened(uri: str, keep: bool = False, role: str = "image",
           lap: Callable[[str], object] = lambda stage: None) -> tuple[bytes, str, int]:
    """Return the bytes of a file without gzip or bzip2 around them, and what they were.

    Parameters
    ----------
    uri : str
        The file.
    keep : bool
        Hold the file for the next call: so much memory stays taken until then.
    role : str
        What the file is to the image, as ``image`` or ``weight``. Of each role one
        file is held, until another of that role is opened.
    lap : callable
        Called with ``"fetch"``, ``"unpack"`` (of a packed record), ``"checksum"`` and
        ``"read"`` (here: gzip and bzip2) when that is done.

    Returns
    -------
    buffer : bytes-like
        Unpacked; it is shared and must not be written to.
    checksum : str
        SHA-256 of the file as it is, in hexadecimal digits.
    size : int
        Bytes that were read: those of the file as it is, or as it is packed.

    Raises
    ------
    ImageFailure
        ``fetch-...`` and ``unsupported-scheme`` as the storage names them;
        ``empty-file``, ``truncated`` or ``corrupt`` when it cannot be unpacked, or is
        not the file that was packed.
    """
    if is_held(uri, role):
        _, file, said = _held[role]
        if not keep:
            _let_go(role)
        repeat(said)
        return file
    _let_go(role)  # before the next is read: there may be no room for two
    fetched = _at_hand.pop(uri, None)
    if fetched is None:  # a packed record names files as they may be shown
        fetched = _at_hand.pop(shown(uri), None)
    if isinstance(fetched, ImageFailure):
        raise fetched
    if fetched is None:
        fetched = storage.read(uri)
    lap("fetch")
    size, meant = len(fetched), None
    if isinstance(fetched, PackedFile):
        meant, fetched = fetched.sha256, fetched.unpacked()
        lap("unpack")
    checksum = hashlib.sha256(fetched).hexdigest()
    if meant not in (None, checksum):
        raise ImageFailure("corrupt", "its packed record is damaged: it is not the file that "
                                      "was packed")
    lap("checksum")
    with hearing() as said:
        file = unpack(fetched), checksum, size
    repeat(said)
    lap("read")
    if keep:
        _held[role] = storage.absolute(uri), file, said
        listed.hold(file[0])
    return file


def _let_go(role):
    if role in _held:
        listed.let_go(_held.pop(role)[1][0])


def stays_open(entry: Entry) -> bool:
    """Tell whether the entries that follow may be of the same file."""
    return entry.ext is not None or entry.get("plane") is not None


def is_at_hand(uri: str, role: str = "image") -> bool:
    """Tell whether the whole file is here, or was tried: fetched for the entry, or held."""
    return uri in _at_hand or shown(uri) in _at_hand or is_held(uri, role)


def is_held(uri: str, role: str = "image") -> bool:
    """Tell whether the file is here, so that it need not be fetched again."""
    return role in _held and _held[role][0] == storage.absolute(uri)
