"""The values of configuration keywords: their kinds, and all of a file together."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Kind:
    """What a value is: how it is called and how it is read."""

    what: str
    read: object


def _number(text):
    value = float(text)
    if not abs(value) < 1e31:
        raise ValueError
    return value


def _whole(text):
    value = float(text)  # 64. is a whole number to SExtractor, and 064 is octal
    if value != int(value) or (text.lstrip("+-")[:1] == "0" and len(text.lstrip("+-")) > 1):
        raise ValueError
    return int(value)


def _flag(text):
    return {"y": True, "n": False}[text[:1].lower()]


NUMBER = Kind("a number", _number)
WHOLE = Kind("a whole number", _whole)
FLAG = Kind("Y or N", _flag)
NAME = Kind("a name", str)


def words(text: str) -> Kind:
    """Return the kind whose values are these words, in capitals whatever their spelling."""
    known = text.split()
    return Kind(f"one of {', '.join(known)}", lambda word: known[known.index(word.upper())])


@dataclass
class Values:
    """What a configuration says, with SExtractor's defaults for the rest.

    Parameters
    ----------
    keyword : str
        The one that is looked at.
    all : dict of str to tuple
        Values by keyword.
    given : set of str
        Keywords that the file has.
    asked : set of str
        Parameters that the catalogue shall have, without sizes.
    chosen : set of str
        Settings that options give, which stand above the file.
    """

    keyword: str = ""
    all: dict = field(default_factory=dict)
    given: set = field(default_factory=set)
    asked: set = field(default_factory=set)
    chosen: set = field(default_factory=set)

    @property
    def own(self) -> tuple:
        """The values of the keyword."""
        return self.all[self.keyword]

    @property
    def first(self) -> Any:
        """The first value of the keyword."""
        return self.own[0]
