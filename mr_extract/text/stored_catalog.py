"""Catalogs read from beginning to end, image by image, also those that break off."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from mr_extract.failures import ImageFailure
from mr_extract.storage.streaming import opened_text
from mr_extract.text.accounting import ACCOUNTS, Account, Header, parse_header
from mr_extract.text.block_stream import split_blocks, whole

_ACCOUNTS = tuple(word.encode() for word in ACCOUNTS)


class UnfitCatalog(Exception):
    """A text is no catalog, or not one that goes with the others; the message says why."""


class CatalogReader:
    """The images of a catalog.

    Parameters
    ----------
    source : str
        Path or URI, plain or packed; ``-`` for standard input.
    stdin : binary file, optional
        What ``-`` means.

    Attributes
    ----------
    header : mr_extract.text.accounting.Header or None
        None for text without one, as reducers write it, or if it breaks off there.
    images : int
        Images that were there whole, so far.
    ordered : bool
        They came in the order of their ids, so far.
    last : bytes
        Id of the last image, where they are in order; else empty.
    damage : str
        Why not all images were there, once it was read to the end; empty if they were.
    """

    def __init__(self, source: str, stdin: BinaryIO | None = None) -> None:
        self.source, self._stdin = source, stdin
        self.header: Header | None = None
        self.images, self.ordered, self.last, self.damage = 0, True, b"", ""

    @property
    def promised(self) -> int | None:
        """Number of images by the header."""
        if self.header is None:
            return None
        return self.header.accounts

    def __iter__(self) -> Iterator[tuple[Account, bytes]]:
        """Give each image that is there whole: its account and all that is said of it.

        Raises
        ------
        UnfitCatalog
            When the text is no catalog, or cannot be opened.
        """
        self.header, self.images, self.ordered, self.damage = None, 0, True, ""
        self.last, self._opened = b"", False
        try:
            for block in self._blocks():
                account = whole(block)
                if account is None:
                    self.damage = self.damage or "an image is not there whole"
                    continue
                key = account.id.encode()
                self.ordered = self.ordered and key > self.last
                self.last = key if self.ordered else b""
                self.images += 1
                yield account, block
        except ValueError as error:
            raise UnfitCatalog(f"{self.source!r} is no catalog: {error}") from None
        except ImageFailure as failure:
            if not self._opened:
                raise UnfitCatalog(f"cannot read {self.source!r}: {failure.message}") from None
            self.damage = failure.message
        if self.header is None:
            self.damage = self.damage or "it has no header that says how many images there are"
        elif self.images < self.promised:
            self.damage = f"it breaks off: {self.images} of {self.promised} images are there"

    def _blocks(self) -> Iterator[bytes]:
        """Give what stands behind the header."""
        with opened_text(self.source, self._stdin) as file:
            self._opened = True
            blocks = split_blocks(file)
            head = next(blocks, b"")
            if head.startswith(b"#mr_extract "):
                head += next(blocks, b"")
                if head.count(b"\n") < 3:
                    return
                self.header = parse_header(head)
            elif head.startswith(_ACCOUNTS):
                yield head
            elif head:
                raise ValueError("it does not begin as one")
            for block in blocks:
                if not block.startswith(_ACCOUNTS) and block.endswith(b"\n"):
                    raise ValueError("more than images stands behind its header; catalogs are "
                                     "named one by one")
                yield block


def common_header(catalogs: Sequence[CatalogReader]) -> Header:
    """Give the header that all catalogs have but for its totals.

    Raises
    ------
    UnfitCatalog
        When two differ, or there is none.
    """
    known = [(catalog, catalog.header) for catalog in catalogs if catalog.header is not None]
    for catalog in catalogs:
        if catalog.header is None and catalog.images:
            raise UnfitCatalog(f"{catalog.source!r} has no header that says how it was made")
    if not known:
        raise UnfitCatalog("none of the catalogs has a header")
    first, header = known[0]
    for catalog, other in known[1:]:
        for what, ours, theirs in _facts(header, other):
            if ours != theirs:
                raise UnfitCatalog(
                    f"{catalog.source!r} was made with {what} {theirs}, {first.source!r} with "
                    f"{ours}: only catalogs made alike go together"
                )
    return header


def _facts(one: Header, other: Header) -> list[tuple[str, str, str]]:
    return [
        ("mr_extract", one.version, other.version),
        ("the programs and settings", _pairs(one), _pairs(other)),
        ("the columns", one.columns.replace("\t", ","), other.columns.replace("\t", ",")),
        ("the settings", one.config, other.config),
    ]


def _pairs(header: Header) -> str:
    return " ".join(f"{name}={value}" for name, value in header.made_with)
