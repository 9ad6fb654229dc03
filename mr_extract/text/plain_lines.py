"""The lines of manifests of which there are millions: an address, and fields that travel along.

What they say is seen by looking at the whole of them, in a third of the time that
`mr_extract.text.manifest.parse_line` takes for every line that there may be.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from mr_extract.text.balance import COUNTED
from mr_extract.text.fields import USED, field_name, problem_of

# ASCII without what ends a word, is written otherwise in an id (#, "), may hide a password
# (@, =) or names a part of the file ([, ]). A `?` may begin a query.
_ADDRESS = rb"[^\x00-\x20\x7f-\xff#\"@=?\[\]]+"
_LINE = re.compile(rb"(%s)((?:\t[A-Za-z0-9_.-]+=[^\x00-\x20\x7f-\xff]*)*)\n?" % _ADDRESS)
_VALUES = re.compile(rb"=[^\t]*")
_SIZE = re.compile(rb"\tbytes=(\d{1,19})(?:\t|$)")
_LONGEST = 4096


class PlainLine(NamedTuple):
    """A line that means one image by its address alone.

    Attributes
    ----------
    id : str
        The address, which is the image's id.
    text : bytes
        The line without its end, as `mr_extract.text.manifest.format_line` gives it.
    size : int or None
        As `mr_extract.text.balance.size_of`.
    """

    id: str
    text: bytes
    size: int | None


def plain_line(line: bytes) -> PlainLine | None:
    r"""Read a line that has nothing particular.

    Parameters
    ----------
    line : bytes
        With or without its line end.

    Returns
    -------
    PlainLine or None
        None for every other line, good or bad.

    Examples
    --------
    >>> plain_line(b"night1/frame.fits\tbytes=2880\tfilter=r\n").size
    2880
    >>> plain_line(b"night1/frame.fits\text=2\n")
    """
    found = _LINE.fullmatch(line)
    if found is None or len(line) > _LONGEST:
        return None
    address, fields = found.groups()
    size = None
    if fields:
        names = _VALUES.sub(b"", fields)
        if not _travel_along(names):
            return None
        if b"\tbytes" in names:
            told = _SIZE.search(fields)
            if told is None:
                return None
            size = max(int(told[1]), 1)
    return PlainLine(address.decode(), address + fields, size)


# Of names there are few in a manifest.
@lru_cache(1024)
def _travel_along(names):
    """Tell whether fields of these names change nothing of how an image is measured."""
    known = names.decode().split("\t")[1:]
    return (len(set(known)) == len(known) and all(map(field_name, known))
            and not {*USED, COUNTED}.intersection(known) - {"bytes"}
            and not problem_of([(name, "1") for name in known]))
