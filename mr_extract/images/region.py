"""A rectangle of pixels in an image, and how it is written."""

import re
from dataclasses import dataclass
from typing import Any

_TEXT = re.compile(r"(\d{1,9}):(\d{1,9}),(\d{1,9}):(\d{1,9})")


@dataclass(frozen=True)
class Region:
    """Pixels x0 <= x < x1, y0 <= y < y1 of an image, the first pixel being (0, 0).

    Parameters
    ----------
    x0, x1, y0, y1 : int
    """

    x0: int
    x1: int
    y0: int
    y1: int

    def __str__(self) -> str:
        return f"{self.x0}:{self.x1},{self.y0}:{self.y1}"

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.y1 - self.y0, self.x1 - self.x0

    @property
    def slices(self) -> tuple[slice, slice]:
        """What cuts it out of an array of shape (height, width)."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def contains(self, x: Any, y: Any) -> Any:
        """Say which pixels lie in it; numbers or arrays."""
        return (x >= self.x0) & (x < self.x1) & (y >= self.y0) & (y < self.y1)

    def within(self, other: "Region") -> bool:
        """Tell whether no pixel of it is outside of another region."""
        return (other.x0 <= self.x0 and self.x1 <= other.x1
                and other.y0 <= self.y0 and self.y1 <= other.y1)

    def outside(self, shape: tuple[int, int]) -> str:
        """Return why it is no region of an image of this (height, width), or an empty text."""
        height, width = shape
        if self.within(Region(0, width, 0, height)):
            return ""
        return f"the region {self} is not within the image of {width} x {height} pixels"


def looks_like_region(text: str) -> bool:
    """Tell whether a text is written as a region is."""
    return _TEXT.fullmatch(text) is not None


def parse_region(text: str) -> Region:
    """Read ``x0:x1,y0:y1``.

    Raises
    ------
    ValueError
        When it is written otherwise, or holds no pixel; the message says so.

    Examples
    --------
    >>> parse_region("0:4096,1024:2048")
    Region(x0=0, x1=4096, y0=1024, y1=2048)
    """
    match = _TEXT.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not of the form x0:x1,y0:y1 (from 0, x1 and y1 left out)")
    region = Region(*map(int, match.groups()))
    if 0 in region.shape or min(region.shape) < 0:
        raise ValueError(f"{text!r} holds no pixel")
    return region
