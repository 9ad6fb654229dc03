"""The files of a manifest's lines as the records of packed files."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

from mr_extract import addresses, storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.beside.named_companions import places
from mr_extract.jobs.driver.plan import Plan, absolute_entry
from mr_extract.jobs.task.fetching import fetch_first
from mr_extract.packed.records import Contents, Part, packed_file
from mr_extract.packed.sequencefile import MOST
from mr_extract.settings.config import Config
from mr_extract.storage import Access
from mr_extract.text.entry import Entry
from mr_extract.text.naming import parse_place
from preprocess.errors import CommandError


def grouped(plan: Plan) -> Iterator[tuple[Entry, ...]]:
    """Yield the lines that go into one record: those of one file.

    Parameters
    ----------
    plan : mr_extract.jobs.driver.plan.Plan
        A line that cannot be tried makes a record of its own, without files.

    Yields
    ------
    entries : tuple of mr_extract.text.entry.Entry
        With absolute places.
    """
    groups: dict[str, list[Entry]] = {}
    for entry in map(absolute_entry, plan.entries.values()):
        groups.setdefault(entry.uri, []).append(entry)
    yield from map(tuple, groups.values())
    for image_id, (kind, problem) in plan.refused.items():
        yield (Entry(image_id, (), problem, kind),)


def packed(entries: tuple[Entry, ...], form: str, config: Config) -> tuple[Contents, list]:
    """Fetch and pack the files of one record.

    Parameters
    ----------
    entries : tuple of mr_extract.text.entry.Entry
    form : str
        ``fz`` or ``as-is``.
    config : mr_extract.settings.config.Config
        Its rules name companions.

    Returns
    -------
    contents : Contents
    bodies : list of bytes
        The value of the record, in pieces.
    """
    wanted = {}
    for entry in entries:
        if not entry.problem:
            wanted.update(dict.fromkeys((*places(entry, config), *_of_detection(entry))))
    parts, bodies, size = {}, [], 0
    for uris in wanted:
        for uri, file in fetch_first(uris).items():
            if uri in parts:
                continue
            if not isinstance(file, ImageFailure):
                file_packed = packed_file(file, form)
                if size + len(file_packed) <= MOST - (1 << 20):  # the rest is for the key
                    size += len(file_packed)
                    bodies.append(file_packed.body)
                    parts[uri] = Part(uri, len(file), len(file_packed), file_packed.form,
                                      file_packed.sha256, file_packed.crc32)
                    continue
                file = ImageFailure("memory", "a packed record holds no more than 2 GB")
            parts[uri] = Part(uri, failure=(file.kind, file.message))
    return _to_be_read(entries, tuple(parts.values())), bodies


def _to_be_read(entries: tuple[Entry, ...], parts: tuple[Part, ...]) -> Contents:
    """Return contents without what opens addresses: the files are there, and others read it."""
    shown = [addresses.shown(part.uri) for part in parts]
    for part, name in zip(parts, shown):
        if part.uri != name and shown.count(name) > 1:
            raise CommandError(f"{name}: two files of an image have this address, but for what is "
                               "secret in it, so that a record cannot tell them apart")
    entries = tuple(
        replace(entry, uri=addresses.shown(entry.uri),
                fields=tuple((name, addresses.shown(value)) for name, value in entry.fields))
        for entry in entries
    )
    return Contents(entries, tuple(
        replace(part, uri=name) for part, name in zip(parts, shown)))


def _of_detection(entry: Entry) -> list[tuple[str, ...]]:
    """Return the companions that a line names for its detection image."""
    named = (parse_place(value).uri for name, value in entry.fields
             if name.startswith("detect_") and value)
    return [(uri,) for uri in named if uri]


def in_order(pack: Callable, groups: Iterable[tuple[Entry, ...]], jobs: int,
             access: Access) -> Iterator[tuple[Contents, list]]:
    """Yield what was packed in the order of the groups, some of them at the same time.

    Parameters
    ----------
    pack : callable
        `packed` with all but its first argument.
    groups : iterable of tuple of mr_extract.text.entry.Entry
    jobs : int
        Processes.
    access : mr_extract.storage.Access
        How they reach remote places.

    Yields
    ------
    contents, bodies
        As `packed` returns them.

    Raises
    ------
    concurrent.futures.process.BrokenProcessPool
        When one of the processes was killed.
    """
    if jobs == 1:
        yield from map(pack, groups)
        return
    waiting: deque[Future[tuple[Contents, list]]] = deque()
    with ProcessPoolExecutor(jobs, get_context("spawn"), storage.configure, (access,)) as pool:
        try:
            for group in groups:
                waiting.append(pool.submit(pack, group))
                if len(waiting) > 2 * jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
