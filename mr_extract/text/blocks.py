"""Blocks of catalog text on their way from mappers to reducers.

A block is all that a catalog says of one image: its accounting line and its
rows. It travels as one line of text for each megabyte, under a key that sorts
bytewise by image id in whatever way a runner or a locale sorts.
"""

import hashlib
from collections.abc import Iterable

from mr_extract.text.accounting import error_line

DUPLICATE = "different lines of the manifest have this id; give each its own id="
CHUNK = 1 << 20
_LINE_END = b"\x1e"  # no cell can hold a control character


def key(image_id: str) -> bytes:
    """Return the sort key of an image: its bytes as three-digit decimals.

    Digits sort alike in every locale, and the closing 000 puts an id before
    those that it begins.
    """
    return b"".join(b"%03d" % byte for byte in image_id.encode()) + b"000"


def pack(block: bytes, meaning: object = ()) -> list[bytes]:
    """Cut a block into values of about a megabyte, each on one line.

    Parameters
    ----------
    block : bytes
        Lines with their line ends.
    meaning : object
        `Entry.meaning` of the line that the block is the answer to.

    Returns
    -------
    list of bytes
        ``number/of/digest/digest of the meaning``, a tab and the lines.
    """
    digest = b"%s/%s" % (_digest(block), _digest(repr(meaning).encode()))
    pieces, start = [], 0
    while start < len(block):
        stop = block.find(b"\n", min(start + CHUNK, len(block) - 1)) + 1
        pieces.append(block[start:stop])
        start = stop
    return [
        b"%05d/%05d/%s\t%s" % (number, len(pieces), digest, piece.replace(b"\n", _LINE_END))
        for number, piece in enumerate(pieces, 1)
    ]


def unpack(values: Iterable[bytes]) -> bytes | None:
    """Put the values of one key together again, in whatever order they came.

    An image may have been measured more than once, by a line that stands
    twice or by a task that was repeated. A success then stands before a
    failure, and among equals the first by digest, so that the choice does not
    depend on the order of arrival. Lines that mean different things under one
    id are a failure: none of them may vanish unsaid.

    Parameters
    ----------
    values : iterable of bytes

    Returns
    -------
    bytes or None
        The block; None when no attempt is complete.
    """
    attempts: dict[tuple[bytes, int], dict[int, bytes]] = {}
    meanings = set()
    for value in values:
        place, _, text = value.partition(b"\t")
        number, total, digest, meaning = place.split(b"/")
        meanings.add(meaning)
        attempts.setdefault((digest, int(total)), {})[int(number)] = text
    complete = []
    for (digest, count), pieces in attempts.items():
        block = b"".join(pieces[k] for k in sorted(pieces)).replace(_LINE_END, b"\n")
        if len(pieces) == count and _digest(block) == digest:
            complete.append((not block.startswith(b"#image\t"), digest, block))
    if not complete:
        return None
    if len(meanings) > 1:
        image_id = complete[0][2].split(b"\t", 2)[1].decode()
        return error_line(image_id, "duplicate-id", DUPLICATE).encode()
    return min(complete)[2]


def _digest(text):
    return hashlib.sha256(text).hexdigest()[:12].encode()
