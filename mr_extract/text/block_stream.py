"""Catalog text cut into the blocks of its images, as a stream."""

import io
from collections.abc import Iterator

from mr_extract.text.accounting import Account, parse_account

_PIECE = 1 << 20


def split_blocks(file: io.BufferedIOBase) -> Iterator[bytes]:
    """Yield the blocks of a text: an accounting line and the rows behind it.

    Parameters
    ----------
    file : binary file
        Open for reading, with ``read1``.

    Yields
    ------
    bytes
        What stands before the first line that begins with ``#`` counts as a block too, and
        of the last block what is there.
    """
    held = bytearray()
    while piece := file.read1(_PIECE):
        start, looked = 0, max(len(held) - 1, 0)
        held += piece
        # Rows never begin with #: ids have it escaped.
        while stop := held.find(b"\n#", looked) + 1:
            yield bytes(held[start:stop])
            start = looked = stop
        del held[:start]
    if held:
        yield bytes(held)


def whole(block: bytes) -> Account | None:
    """Return the account of a block; None when the block is not all there.

    Raises
    ------
    ValueError
        When it does not begin with an accounting line.
    """
    if not block.endswith(b"\n"):
        return None
    account = parse_account(block[: block.index(b"\n") + 1])
    return account if block.count(b"\n") == 1 + account.rows else None
