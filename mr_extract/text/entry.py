"""A line of a manifest that was read, and what becomes of its text in a catalog."""

import re
from dataclasses import dataclass

from mr_extract import addresses
from mr_extract.images.cubes import single_plane
from mr_extract.images.region import Region, parse_region
from mr_extract.text.fields import USED

# `#` would cut a row for readers with a comment option, a quote would swallow
# tabs; control characters and Unicode's line ends break lines.
_PART = {"ext": "", "plane": "plane=", "region": ""}  # what of a file is meant, as ids say it
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029#\"]")


@dataclass(frozen=True, slots=True)  # slots: a driver may hold millions
class Entry:
    """One line of a manifest.

    Parameters
    ----------
    uri : str
        Where the image is.
    fields : tuple of (str, str)
        The ``key=value`` fields in their order.
    problem : str
        Why the line cannot be used, empty for a good one.
    kind : str
        The kind of failure that the problem is.
    """

    uri: str
    fields: tuple = ()
    problem: str = ""
    kind: str = "malformed-line"

    def get(self, name: str) -> str | None:
        """Return the value of a field, None for one that is not there."""
        for known, value in self.fields:
            if known == name:
                return value
        return None

    @property
    def id(self) -> str:
        """Identity in the catalog: the field ``id``, or URI, extension, plane and region.

        Of an address without what opens it, so that it can be published, and stays the same
        when the address is signed again.
        """
        # An empty one is a problem, and is reported under the path.
        given = self.get("id")
        return escaped(addresses.shown(given or self.uri) + ("" if given else self.part))

    @property
    def part(self) -> str:
        """What stands behind the URI: ``[2][plane=3][0:4096,0:4096]``."""
        named = {name: value for name, value in self.fields if name in _PART}
        return "".join([f"[{mark}{named[name]}]" for name, mark in _PART.items() if name in named]
                       ) if named else ""

    @property
    def plane(self) -> tuple[int, ...] | None:
        """The numbers of the plane that is meant, None where none is named, or several."""
        text = self.get("plane")
        return None if text is None else single_plane(text)

    @property
    def is_whole(self) -> bool:
        """It means all pixels of its image, and not a region or a plane."""
        return self.get("region") is None and self.get("plane") is None

    @property
    def region(self) -> Region | None:
        """The region of the image that is meant, None for all of it."""
        text = self.get("region")
        return None if text is None else parse_region(text)

    @property
    def core(self) -> Region | None:
        """The region whose sources are this line's, None for all that it finds."""
        text = self.get("tile_core")
        return None if text is None else parse_region(text)

    @property
    def origin(self) -> tuple[int, int]:
        """Where the first pixel of the file is in the image that it was cut from, as (x, y)."""
        x, y = map(int, (self.get("tile_origin") or "0,0").split(","))
        return x, y

    @property
    def ext(self) -> int | str | None:
        """The extension asked for: a number, a name, ``*``, ``/pattern/`` or None."""
        ext = self.get("ext")
        return int(ext) if ext is not None and ext.isdecimal() and len(ext) < 10 else ext

    def companion(self, *names: str) -> tuple[str, str] | None:
        """Return the one of the named fields that stands, as (name, value), or None."""
        return next((field for field in self.fields if field[0] in names), None)

    @property
    def carried(self) -> tuple[tuple[str, str], ...]:
        """The fields that only travel along, as (name, value) pairs in order of name."""
        return tuple(sorted((k, escaped(addresses.shown_within(v)))
                            for k, v in self.fields if k not in USED))

    @property
    def meaning(self) -> tuple[str, tuple[tuple[str, str], ...], str]:
        """All that makes it this line and no other: two with one id must agree in it."""
        fields = sorted(field for field in self.fields if field[0] not in ("id", "bytes"))
        return self.uri, tuple(fields), self.problem


def escaped(text: str) -> str:
    """Return the text with what would break a row of the catalog as %XX."""
    return _UNSAFE.sub(lambda m: "".join(f"%{byte:02X}" for byte in m.group().encode()), text)
