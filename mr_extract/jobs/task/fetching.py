"""Fetch what the next images need while one is computed, bounded in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.beside import named_companions as companions
from mr_extract.jobs.task.opened import stays_open
from mr_extract.jobs.task.records import fetch_record
from mr_extract.settings.config import Config

if TYPE_CHECKING:
    from mr_extract.jobs.task.opened import Fetched
    from mr_extract.settings.tree import Settings
    from mr_extract.text.entry import Entry

LOOKAHEAD_BYTES = 256 << 20
# Small images on a far server need many on the way: at 100 ms a request and 10 ms an
# image it takes ten to keep up. But those that are fetched at once share the link, and the
# first is late: so there are few to begin with, and one more whenever an image is waited for.
FIRST_IMAGES, LOOKAHEAD_IMAGES = 3, 16
HEARTBEAT = 10.0  # seconds
_UNKNOWN_SIZE = 16 << 20


def fetch_ahead(
    entries: Iterable[Entry], config: Settings | None = None, most_bytes: int = LOOKAHEAD_BYTES,
    most_images: int = LOOKAHEAD_IMAGES, heartbeat: Callable[[], object] = lambda: None
) -> Iterator[tuple[Entry, dict[str, Fetched]]]:
    """Yield entries with the files that they need, fetching those to come in the background.

    A local file is not read here: the operating system is told to fetch it
    into its cache, from where the process that measures it reads it with one
    copy less. What several images in turn need is fetched once.

    Parameters
    ----------
    entries : iterable of mr_extract.text.entry.Entry
    config : mr_extract.settings.config.Config, optional
        Its rules name masks, weight maps, flag images and detection images.
    most_bytes : int
        What may be held or under way; before a file is there the ``bytes`` field of its
        line is taken for its size. One image is always let through.
    most_images : int
        How many images may be held or under way, when fewer do not keep up.
    heartbeat : callable
        Called without arguments every ten seconds of waiting.

    Yields
    ------
    entry : mr_extract.text.entry.Entry
    files : dict of str to (bytes or PackedFile or ImageFailure)
        By URI the remote files that were fetched, or those of a packed record. What is not
        among them is for the process that measures to read.
    """
    config = config or Config()
    waiting: deque[tuple[Entry, dict[Any, Future]]] = deque()
    before: dict[Any, Future] = {}  # by packed record, or the places of a file
    entries = iter(entries)
    window, first = min(FIRST_IMAGES, most_images), True
    with ThreadPoolExecutor(most_images, "fetch") as pool:
        ended = False
        while True:
            while not ended and len(waiting) < window and (
                not waiting or _held(waiting) < most_bytes
            ):
                entry = next(entries, None)
                if entry is None:
                    ended = True
                    break
                # Of a region or plane the process that measures reads no more than it needs; a
                # record of a packed file holds the companions too.
                packed = entry.get("packed")
                apart = entry.problem or packed or not entry.is_whole
                places = [] if apart else companions.places(entry, config)
                fetches: dict[Any, Future] = {}
                if packed and not entry.problem:
                    fetches[packed] = before.get(packed) or pool.submit(
                        fetch_record, packed, entry.uri)
                for uris in places:
                    for uri in uris:
                        storage.advise(uri)
                    if not storage.is_local(uris[0]):
                        fetches[uris] = before.get(uris) or pool.submit(fetch_first, uris)
                waiting.append((entry, fetches))
                before = fetches if stays_open(entry) else {}
            if not waiting:
                return
            entry, fetches = waiting.popleft()
            if not first and not all(one.done() for one in fetches.values()):
                window = min(window + 1, most_images)
            first = False
            while wait(fetches.values(), HEARTBEAT).not_done:
                heartbeat()
            yield entry, {u: f for one in fetches.values() for u, f in one.result().items()}


def _held(waiting):
    """Return the bytes that are there or expected."""
    sizes = {}
    for entry, fetches in waiting:
        for one in fetches.values():
            size = int(entry.get("bytes") or _UNKNOWN_SIZE)
            done = one.done() and not one.exception()
            sizes[one] = sum(map(_size, one.result().values())) if done else size
    return sum(sizes.values())


def _size(file):
    return 0 if isinstance(file, ImageFailure) else len(file)


def fetch_first(uris: Sequence[str]) -> dict[str, bytes | ImageFailure]:
    """Return the first of the files that is there, and why those before it are not, by URI."""
    files: dict[str, bytes | ImageFailure] = {}
    for uri in uris:
        try:
            files[uri] = storage.read(uri)
            break
        except ImageFailure as failure:
            files[uri] = failure
            if failure.kind != "fetch-not-found":
                break
    return files
