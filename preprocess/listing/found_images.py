"""An image that was found, and the count of what was found besides."""

import sys
from collections import Counter
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from mr_extract import storage
from mr_extract.addresses import shown_within
from preprocess.sizes import size_for_people

#: What is counted beside the images: its words in the summary, for one and for several.
COUNTS = {
    "others": ("other file left out", "other files left out"),
    "companions": ("companion not listed", "companions not listed"),
    "unruled": ("to whose name a rule does not apply", "to whose names a rule does not apply"),
    "filtered": ("not chosen", "not chosen"),
    "repeats": ("met again, listed once", "met again, listed once"),
    "complaints": ("without what was asked of it", "without what was asked of them"),
    "refused": ("refused", "refused"),
}


class FoundImage(NamedTuple):
    """One file that is an image, or a line of a list.

    Parameters
    ----------
    uri : str
        As it will stand in the manifest.
    size : int or None
        Bytes, None where the place did not say.
    modified : float or None
        Seconds since 1970 UTC, None where the place did not say.
    fields : tuple of (str, str)
        What the line has besides.
    """

    uri: str
    size: int | None = None
    modified: float | None = None
    fields: tuple[tuple[str, str], ...] = ()


def file_name(uri: str) -> str:
    """Return the last part of a path or URI; of a web server's without query and encoding."""
    if storage.scheme(uri) in ("http", "https"):
        uri = unquote(urlsplit(uri).path)
    return uri.rpartition("/")[2]


class Tally:
    """Count what a search came to, and say on standard error what went wrong."""

    def __init__(self) -> None:
        self.images = 0
        self.bytes = 0
        self.counts: Counter[str] = Counter()
        self.headers = 0
        self.lacking: Counter[str] = Counter()

    def refuse(self, name: str, why: str | None) -> None:
        """Leave something out."""
        self.counts["refused"] += 1
        self._say(f"left out {name!r}: {why}")

    def complain(self, name: str, why: str) -> None:
        """List something that lacks what was asked for."""
        self.counts["complaints"] += 1
        self._say(f"{name!r}: {why}")

    def _say(self, text: str) -> None:
        print(f"python -m preprocess manifest: {shown_within(text)}", file=sys.stderr)

    def summary(self, target: str) -> str:
        """Write the one line that says what was found."""
        images = f"{self.images} image{'s' * (self.images != 1)}"
        return f"{images}, {size_for_people(self.bytes)} -> {target}{self.besides()}"

    def cards(self) -> list[str]:
        """Write a line for each header keyword that was asked for and not always found."""
        return [f"card {keyword} is not in the headers of {number} of {self.headers} images"
                for keyword, number in sorted(self.lacking.items())]

    def besides(self) -> str:
        """Write what was found besides images, each behind a semicolon."""
        return "".join(
            f"; {self.counts[name]} {words[self.counts[name] != 1]}"
            for name, words in COUNTS.items() if self.counts[name]
        )
