"""What the neighbours in a shard have in common: a prefix, a field, or a host of HDFS."""

import argparse
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from zlib import crc32

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.storage.hadoop.block_hosts import SCHEMES, hosts_of
from mr_extract.text.entry import Entry
from mr_extract.text.manifest import parse_line
from preprocess.errors import CommandError
from preprocess.threads import in_order

#: Failures of an image that is there or not: the job will name them.
_OF_THE_IMAGE = ("fetch-not-found", "fetch-not-a-file")

#: Files whose hosts are remembered, for other images of the same file.
_REMEMBERED = 1 << 12


class Locality:
    """What neighbours must share.

    Attributes
    ----------
    name : str
        What an image without it lacks.
    """

    name: str

    def of(self, entry: Entry) -> str:
        """Give what a line has in common with its neighbours, empty if there is nothing."""
        raise NotImplementedError

    def waits(self, entry: Entry) -> bool:
        """Tell whether `of` waits for a network."""
        return False


class Prefix(Locality):
    """Images whose paths begin alike.

    Parameters
    ----------
    parts : int, optional
        Last parts of the path that do not count.
    """

    name = "a folder"

    def __init__(self, parts: int = 1) -> None:
        self._parts = parts

    def of(self, entry: Entry) -> str:
        """Give the beginning of the path."""
        return _place(entry).rsplit("/", self._parts)[0]


class Field(Locality):
    """Images that agree in a field.

    Parameters
    ----------
    field : str
    """

    def __init__(self, field: str) -> None:
        self._field, self.name = field, f"{field}="

    def of(self, entry: Entry) -> str:
        """Give the value of the field."""
        return entry.get(self._field) or ""


class Host(Locality):
    """Images on one host of HDFS, as its NameNode says, or ``host=`` where it is given.

    Of several hosts with as many bytes of a file one is chosen by the name of the file, so
    that the choice is always the same, and the hosts get about as much each.
    """

    name = "a known host"

    def __init__(self) -> None:
        self._hosts_of = lru_cache(_REMEMBERED)(hosts_of)

    def of(self, entry: Entry) -> str:
        """Give the name of a host.

        Raises
        ------
        CommandError
            When the NameNode cannot be asked.
        """
        if not self.waits(entry):
            return entry.get("host") or ""
        uri = _place(entry)
        try:
            hosts = self._hosts_of(uri)
        except ImageFailure as failure:
            if failure.kind in _OF_THE_IMAGE:
                return ""
            raise CommandError(f"cannot learn on which host {uri!r} is: "
                               f"{failure.message}") from None
        return hosts[crc32(uri.encode()) % len(hosts)] if hosts else ""

    def waits(self, entry: Entry) -> bool:
        """Tell whether HDFS is to be asked."""
        return (not entry.problem and not entry.get("host")
                and storage.scheme(_place(entry)) in SCHEMES)


def _place(entry: Entry) -> str:
    """Give the file beside which an image is best measured."""
    return entry.get("detect") or entry.uri


def placed(
    lines: Iterable[bytes], locality: Locality | None, threads: int
) -> Iterator[tuple[Entry, bytes, str]]:
    """Read the lines of a manifest and find what each has in common with its neighbours.

    Parameters
    ----------
    lines : iterable of bytes
        Blank ones and comments are passed over.
    locality : Locality, optional
    threads : int
        Questions that are asked at a time.

    Yields
    ------
    entry : Entry
    line : bytes
        Without its end.
    local : str
        Empty without a locality.
    """
    images = ((entry, line.rstrip(b"\r\n")) for line in lines
              if (entry := parse_line(line)) is not None)
    if locality is None:
        yield from ((entry, line, "") for entry, line in images)
        return
    yield from in_order(lambda image: (*image, locality.of(image[0])), images, threads,
                        waits=lambda image: locality.waits(image[0]))


def locality_named(text: str) -> Locality:
    """Read what ``--by`` was given."""
    match = re.fullmatch(r"prefix(?::([1-9][0-9]?))?", text)
    if match:
        return Prefix(int(match[1] or 1))
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is neither prefix, prefix:N, host nor a field")
    return Host() if text == "host" else Field(text)
