"""What the user names, be it a folder, a bucket, a page or a list, as one stream of images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mr_extract import storage
from preprocess.digests import DigestSet
from preprocess.listing.found_images import FoundImage, Tally
from preprocess.listing.local_files import local_images
from preprocess.listing.remote_places import Place, place_of, remote_images
from preprocess.listing.text_lists import images_of_list, is_list


@dataclass(frozen=True)
class Sources:
    """What was named, by kind.

    Parameters
    ----------
    local : tuple of str
        Paths, file:// URIs and patterns.
    others : tuple of str or Place
        Text lists and remote places, in the order given.
    """

    local: tuple[str, ...]
    others: tuple[str | Place, ...]

    @property
    def places(self) -> tuple[Place, ...]:
        """The remote places."""
        return tuple(other for other in self.others if isinstance(other, Place))


def sources_of(arguments: Sequence[str]) -> Sources:
    """Tell what each argument is.

    Raises
    ------
    CommandError
        For a pattern that no place can be listed for.
    """
    local: list[str] = []
    others: list[str | Place] = []
    for argument in arguments:
        if is_list(argument):
            others.append(argument)
        elif storage.is_local(argument):
            local.append(argument)
        else:
            others.append(place_of(argument))
    return Sources(tuple(local), tuple(others))


def found_images(sources: Sources, tally: Tally) -> Iterator[FoundImage]:
    """Search sources for images.

    Parameters
    ----------
    sources : Sources
    tally : Tally
        Gets what is left out.

    Yields
    ------
    FoundImage
        Local ones first, each once and in natural order; then those of places and lists in
        the order given. What two places cover comes from the first.

    Raises
    ------
    CommandError
        When a source cannot be read, or nothing is there.
    """
    yield from local_images(sources.local, tally)
    searched: list[Place] = []
    linked = DigestSet()
    for other in sources.others:
        if isinstance(other, Place):
            yield from remote_images(other, searched, linked, tally)
            searched.append(other)
        else:
            yield from images_of_list(other, tally)
