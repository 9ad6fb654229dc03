"""Which of the images that are found are meant, by name, size and age."""

import argparse
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from preprocess.listing.found_images import file_name
from preprocess.sizes import size_in_bytes

_AGE = re.compile(r"(\d+(?:\.\d*)?) *(s|min|h|d|w)")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def moment(text: str, now: Callable[[], float] = time.time) -> float:
    """Read a date in ISO format, UTC unless it says otherwise, or an age: seconds since 1970."""
    age = _AGE.fullmatch(text.strip())
    if age:
        return now() - float(age.group(1)) * _SECONDS[age.group(2)]
    try:
        date = datetime.fromisoformat(text.strip())
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a date as 2013-01-05 nor an age as 2d, 12h or 30min"
        ) from None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


@dataclass(frozen=True)
class Choice:
    """What an image must be like.

    Parameters
    ----------
    names, not_names : tuple of str
        Patterns of file names: one of the first must match, if there are any, and none of
        the second.
    min_size, max_size : int or None
        Bytes, both included.
    newer, older : float or None
        Seconds since 1970: changed at that time or later, and before.
    """

    names: tuple[str, ...] = ()
    not_names: tuple[str, ...] = ()
    min_size: int | None = None
    max_size: int | None = None
    newer: float | None = None
    older: float | None = None

    @property
    def asks_size(self) -> bool:
        """The size must be known."""
        return self.min_size is not None or self.max_size is not None

    @property
    def asks_time(self) -> bool:
        """The time of the last change must be known."""
        return self.newer is not None or self.older is not None

    def by_name(self, uri: str) -> bool:
        """Tell whether the name of a file is one that is meant."""
        name = file_name(uri)
        if self.names and not any(fnmatchcase(name, pattern) for pattern in self.names):
            return False
        return not any(fnmatchcase(name, pattern) for pattern in self.not_names)

    def by_facts(self, size: int | None, modified: float | None) -> bool:
        """Tell whether size and age are those that are meant.

        Raises
        ------
        ValueError
            When what is asked for is not known.
        """
        if self.asks_size and size is None:
            raise ValueError("its place does not tell its size")
        if self.asks_time and modified is None:
            raise ValueError("its place does not tell when it was changed")
        return (size is None or self._has_size(size)) and (
            modified is None or self._is_of_time(modified))

    def _has_size(self, size: int) -> bool:
        return ((self.min_size is None or size >= self.min_size)
                and (self.max_size is None or size <= self.max_size))

    def _is_of_time(self, modified: float) -> bool:
        return ((self.newer is None or modified >= self.newer)
                and (self.older is None or modified < self.older))


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Add the options of a choice."""
    group = parser.add_argument_group("which images")
    group.add_argument("--name", action="append", default=[], metavar="PATTERN",
                       help="only files with such a name, as '*_ooi_*' (repeatable: one of them)")
    group.add_argument("--not-name", action="append", default=[], metavar="PATTERN",
                       help="no files with such a name (repeatable)")
    group.add_argument("--min-size", type=size_in_bytes, metavar="SIZE",
                       help="at least so large: 500, 10kB, 2MiB")
    group.add_argument("--max-size", type=size_in_bytes, metavar="SIZE", help="at most so large")
    group.add_argument("--newer", type=moment, metavar="WHEN",
                       help="changed at that time or later: a date (2013-01-05T20:30, UTC) or an "
                       "age (30min, 12h, 2d, 4w)")
    group.add_argument("--older", type=moment, metavar="WHEN", help="changed before that time")


def choice_from(args: argparse.Namespace) -> Choice:
    """Return the choice that parsed options describe."""
    return Choice(tuple(args.name), tuple(args.not_name), args.min_size, args.max_size,
                  args.newer, args.older)
