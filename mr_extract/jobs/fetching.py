"""Fetch the next images while one is computed, bounded in memory."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs import companions
from mr_extract.jobs.opened import stays_open

LOOKAHEAD_BYTES = 256 << 20
LOOKAHEAD_IMAGES = 4
_UNKNOWN_SIZE = 16 << 20


def fetch_ahead(
    entries, most_bytes=LOOKAHEAD_BYTES, most_images=LOOKAHEAD_IMAGES, settings=None
):
    """Yield entries with their bytes, fetching those to come in the background.

    A local file is not read here: the operating system is told to fetch it
    into its cache, from where the process that measures it reads it with one
    copy less. Of images of one file that follow each other the file is fetched
    once.

    Parameters
    ----------
    entries : iterable of mr_extract.text.manifest.Entry
    most_bytes : int
        What may be held or under way, by the ``bytes`` field where given; one
        image is always let through.
    most_images : int
        How many images may be held or under way.
    settings : mr_extract.config.Companions, optional
        Rules that name masks, weight maps and flag images, to be fetched likewise
        where they are local. Remote ones are fetched when they are used.

    Yields
    ------
    entry : mr_extract.text.manifest.Entry
    fetched : bytes, ImageFailure or None
        None for a local file.
    """
    waiting, held, entries = deque(), 0, iter(entries)
    last, file = None, None  # the file fetched last, if the next entry may be of it
    with ThreadPoolExecutor(most_images, "fetch") as pool:
        ended = False
        while True:
            while not ended and len(waiting) < most_images and (not waiting or held < most_bytes):
                entry = next(entries, None)
                if entry is None:
                    ended = True
                    break
                if entry.uri == last and not entry.problem:
                    waiting.append((entry, 0, file))
                    continue
                size = int(entry.get("bytes") or _UNKNOWN_SIZE) if not entry.problem else 0
                begun = _begin(pool, entry)
                if settings is not None and not entry.problem:
                    companions.advise(entry, settings)
                waiting.append((entry, size, begun))
                held += size
                last, file = (entry.uri, begun) if stays_open(entry) else (None, None)
            if not waiting:
                return
            entry, size, future = waiting.popleft()
            held -= size
            yield entry, future.result() if future else None


def _begin(pool, entry):
    if entry.problem:
        return None
    if storage.is_local(entry.uri):
        storage.advise(entry.uri)
        return None
    return pool.submit(_fetch, entry.uri)


def _fetch(uri):
    try:
        return storage.read(uri)
    except ImageFailure as failure:
        return failure
