"""FITS images of remote places, in the order in which the place lists them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.storage.found import Found
from mr_extract.text.manifest import is_fits_name
from preprocess.digests import DigestSet, digest_of
from preprocess.errors import CommandError
from preprocess.listing.found_images import FoundImage, Tally, file_name


@dataclass(frozen=True)
class Place:
    """A folder, prefix, page or file, perhaps with a pattern of what is meant in it.

    Parameters
    ----------
    source : str
        As the user gave it.
    root : str
        What is listed: of a pattern the folders before its first sign.
    pattern : re.Pattern or None
        What a URI must match as a whole.
    """

    source: str
    root: str
    pattern: re.Pattern | None = None

    def covers(self, uri: str) -> bool:
        """Tell whether this place lists the URI, if it is there; pages promise nothing."""
        if _is_http(self.root):
            return False
        if self.pattern is not None:
            return self.pattern.fullmatch(uri) is not None
        return uri == self.root or uri.startswith(f"{self.root.rstrip('/')}/")


def place_of(source: str) -> Place:
    """Understand a URI, in which ``*``, ``?`` and ``[...]`` may stand behind the host or bucket.

    ``*`` does not go over a ``/`` and ``**`` does. In http URIs ``?`` begins a query.
    """
    signs = r"[*\[]" if _is_http(source) else r"[*?\[]"
    sign = re.compile(signs).search(source, source.index("://") + 3)
    if sign is None:
        return Place(source, source)
    root = source[: source.rindex("/", 0, sign.start()) + 1]
    if root.endswith("://"):
        raise CommandError(f"a pattern cannot stand for a host or bucket: {source!r}")
    return Place(source, root, re.compile(_translated(source)))


def remote_images(
    place: Place, earlier: list[Place], linked: DigestSet, tally: Tally
) -> Iterator[FoundImage]:
    """Search a remote place for FITS images.

    Parameters
    ----------
    place : Place
    earlier : list of Place
        Those that have been searched: what they cover has been listed.
    linked : DigestSet
        What pages have led to, which is no more than they link, and that several times.
    tally : Tally
        Gets what is left out.

    Yields
    ------
    FoundImage
        As the place lists them.

    Raises
    ------
    CommandError
        When the place cannot be listed, or nothing matches.
    """
    matched = False
    try:
        for found in _files_of(place):
            uri = found.uri
            if place.pattern is not None and not place.pattern.fullmatch(uri):
                continue
            matched = True
            if not is_fits_name(file_name(uri)):
                tally.counts["others"] += 1
            elif (
                not linked.add(digest_of(uri)) if _is_http(uri)
                else any(other.covers(uri) for other in earlier)
            ):
                tally.counts["repeats"] += 1
            else:
                yield FoundImage(uri, found.size, found.modified)
    except ImageFailure as failure:
        raise CommandError(
            f"cannot list {place.source!r}: {failure.message} ({failure.kind})"
        ) from failure
    if not matched:
        raise CommandError(f"nothing matches {place.source!r}")


def _files_of(place: Place) -> Iterator[Found]:
    """Give the files of a place, which may be one file."""
    if place.pattern is None and is_fits_name(file_name(place.root)):
        try:
            yield storage.stat(place.root)
            return
        except ImageFailure as failure:
            if failure.kind not in ("fetch-not-found", "fetch-not-a-file"):
                raise
    yield from storage.list_files(place.root)


def _is_http(uri: str) -> bool:
    return storage.scheme(uri) in ("http", "https")


def _translated(pattern: str) -> str:
    """Return a glob pattern as a regular expression."""
    signs = re.compile(r"(\*\*/)|(\*\*)|(\*)|(\?)|(\[!?\]?[^\]]*\])")
    made, end = [], 0
    for sign in signs.finditer(pattern):
        made.append(re.escape(pattern[end : sign.start()]))
        end = sign.end()
        deep, all_below, star, mark, group = sign.groups()
        if deep:
            made.append("(?:.*/)?")
        elif all_below:
            made.append(".*")
        elif star:
            made.append("[^/]*")
        elif mark:
            made.append(r"\?" if _is_http(pattern) else "[^/]")
        else:
            negated = group[1] == "!"
            inner = re.sub(r"([\\\[\]^])", r"\\\1", group[1 + negated : -1])
            made.append(f"[{'^/' if negated else ''}{inner}]")
    return "(?s:" + "".join(made) + re.escape(pattern[end:]) + ")"
