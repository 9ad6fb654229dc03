"""Sub-command ``pack``: the images of a manifest into packed files, for Hadoop or for archives."""

import argparse
import os
import re
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from io import BytesIO
from multiprocessing import get_context

from mr_extract import addresses, storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.beside.companion_files import places
from mr_extract.jobs.beside.position_lists import with_rules_anywhere
from mr_extract.jobs.driver.plan import Plan, absolute_entry, read_plan, standard_input
from mr_extract.jobs.skeleton.expansion import FIRST, check_extensions
from mr_extract.jobs.task.fetching import fetch_first
from mr_extract.packed.records import (
    AS_IS,
    EXTENSIONS,
    FZ,
    INDEX,
    METADATA,
    VERSION,
    Contents,
    Part,
    key_of,
    packed_file,
    packed_with,
    write_index,
)
from mr_extract.packed.sequencefile import MOST, Writer
from mr_extract.settings.config import Config
from mr_extract.settings.options import access_from, add_access, config_from, option_name
from mr_extract.text.manifest import Entry
from mr_extract.text.naming import parse_place
from preprocess.errors import CommandError
from preprocess.listing.found_images import size_for_people
from preprocess.options import add_plane

EXAMPLE = """\
example:
  python -m preprocess pack list.txt -o hdfs:///user/me/frames
  python mr_extract.py -r hadoop --packed hdfs:///user/me/frames > catalog.tsv

The output is a folder that is empty or not there yet, of SequenceFiles that hold a record for
each file: its lines of the manifest, its bytes, and those of its masks and maps. The catalog
is the same as that of the manifest. An image that cannot be had is packed as the failure
that it is. The options that name masks, maps and detection images are those of mr_extract.py.
"""
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_RULES = ("mask_image", "weight_image", "weight_type", "flag_image", "calibration_file",
          "detect_image")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``pack``."""
    parser.epilog = EXAMPLE
    parser.add_argument("manifests", nargs="+", metavar="MANIFEST",
                        help="manifest, - for standard input, or FITS file")
    parser.add_argument("-o", "--output", required=True, metavar="PLACE",
                        help="folder to write, a path, hdfs:// or s3://")
    parser.add_argument("--format", choices=(FZ, AS_IS), default=FZ,
                        help="fz: tile-compressed without loss, where a file can be restored byte "
                        "for byte; as-is: as the files are (default: fz)")
    parser.add_argument("--size", type=_size, default=_UNITS["G"], metavar="BYTES",
                        help="bytes of a packed file, as 512M or 2G (default: 1G)")
    parser.add_argument("--extensions", default=FIRST, metavar="first|all|/PATTERN/",
                        help="what a line without ext= means, as for mr_extract.py "
                        "(default: first)")
    add_plane(parser)
    parser.add_argument("--jobs", type=_number, default=len(os.sched_getaffinity(0)),
                        metavar="N", help="processes (default: all cores)")
    for _, one in Config.declared():
        if one.name in _RULES:
            parser.add_argument(option_name(one.name), help=one.metadata["help"], metavar="RULE")
    add_access(parser.add_argument)


def _size(text: str) -> int:
    match = re.fullmatch(r"([0-9]+)([KMGT]?)B?", text.upper())
    if not match or not int(match[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size, as 512M")
    return int(match[1]) * _UNITS[match[2]]


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Pack the images of manifests, and say on stderr what it came to.

    Returns
    -------
    status : int
        0, or 1 when some images could not be had, and are packed as failures.
    """
    try:
        check_extensions(args.extensions)
        access = access_from(args)
        config = with_rules_anywhere(config_from(args))
        storage.configure(access)
        plan = read_plan(args.manifests, standard_input() if "-" in args.manifests else None,
                         args.extensions, args.plane)
    except (ValueError, re.error) as error:
        raise CommandError(str(error)) from None
    for image_id, entry in plan.entries.items():
        if entry.region is not None:
            raise CommandError(f"{image_id} means a region, and a packed file is read as a whole: "
                               "measure tiles from the file itself")
    folder = args.output.rstrip("/") or args.output
    _check_empty(folder)
    output = _Output(folder, args.size, packed_with(args.extensions, args.plane))
    try:
        pack = partial(packed, form=args.format, config=config)
        for contents, bodies in _in_order(pack, grouped(plan), args.jobs, access):
            output.add(contents, bodies)
        output.close()
    except ImageFailure as failure:
        raise CommandError(f"cannot write to {folder!r}: {failure.message}") from None
    except BrokenProcessPool:
        raise CommandError("a process that packs was killed, for want of memory perhaps: give "
                           "fewer --jobs") from None
    print(output.summary(), file=sys.stderr)
    return 1 if output.failures else 0


def grouped(plan: Plan) -> Iterator[tuple[Entry, ...]]:
    """Yield the lines that go into one record: those of one file.

    Parameters
    ----------
    plan : mr_extract.jobs.driver.plan.Plan
        A line that cannot be tried makes a record of its own, without files.

    Yields
    ------
    entries : tuple of mr_extract.text.manifest.Entry
        With absolute places.
    """
    groups = {}
    for entry in map(absolute_entry, plan.entries.values()):
        groups.setdefault(entry.uri, []).append(entry)
    yield from map(tuple, groups.values())
    for image_id, (kind, problem) in plan.refused.items():
        yield (Entry(image_id, (), problem, kind),)


def packed(entries: tuple[Entry, ...], form: str, config: Config) -> tuple[Contents, list]:
    """Fetch and pack the files of one record.

    Parameters
    ----------
    entries : tuple of mr_extract.text.manifest.Entry
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


def _in_order(pack, groups, jobs: int, access) -> Iterator[tuple[Contents, list]]:
    """Yield what was packed in the order of the groups, some of them at the same time."""
    if jobs == 1:
        yield from map(pack, groups)
        return
    waiting = deque()
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


def _check_empty(folder: str) -> None:
    if storage.scheme(folder) not in storage.WRITTEN:
        raise CommandError(f"-o {folder}: nothing can be written to {storage.scheme(folder)}://")
    try:
        first = next(storage.list_files(folder), None)
    except ImageFailure as failure:
        if failure.kind != "fetch-not-found":
            raise CommandError(f"-o {folder}: {failure.message}") from None
        first = None
    if first is not None:
        raise CommandError(f"-o {folder}: there is {first.uri} already; name a new folder")


class _Output:
    """The packed files of a folder, each written when it is full, and their index at the end."""

    def __init__(self, folder, most, extensions):
        self._folder, self._most, self._extensions = folder, most, extensions
        self._file = self._writer = None
        self._rows, self._files = [], 0
        self.images = self.failures = self.before = self.after = 0

    def add(self, contents, bodies):
        """Write a record."""
        key = key_of(contents)
        if self._writer and self._writer.size + len(key) + sum(map(len, bodies)) > self._most:
            self._put()
        if self._writer is None:
            self._file = tempfile.TemporaryFile()
            # The key has the checksum of a file: no two packed files share their marker.
            self._writer = Writer(self._file, key, {METADATA: VERSION,
                                                    EXTENSIONS: self._extensions})
        offset, size = self._writer.add(key, bodies)
        self._rows.append((self._name(), offset, size, key))
        self.images += len(contents.entries)
        self.before += sum(part.size for part in contents.parts)
        image = contents.parts[0].failure if contents.parts else True
        for entry in contents.entries:
            if entry.problem or image:
                self.failures += 1

    def close(self):
        """Write what is left, and the index, which says that all is there."""
        if self._writer is not None:
            self._put()
        storage.write(f"{self._folder}/{INDEX}",
                      BytesIO(write_index(self._rows, self._extensions)))

    def summary(self):
        """Return the line that says what was done."""
        text = (f"{self.images} image{'s' * (self.images != 1)}, {size_for_people(self.before)} "
                f"-> {size_for_people(self.after)} in {self._files} "
                f"file{'s' * (self._files != 1)} of {self._folder}")
        return text + (f"; {self.failures} packed as failures" if self.failures else "")

    def _name(self):
        return f"packed-{self._files:05d}.seq"

    def _put(self):
        self._file.flush()
        self._file.seek(0)
        storage.write(f"{self._folder}/{self._name()}", self._file)
        self.after += self._writer.size
        self._file.close()
        self._files += 1
        self._file = self._writer = None
