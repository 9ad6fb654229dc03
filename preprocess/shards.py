"""Sub-command ``shards``: a manifest cut into balanced ones, in constant memory."""

import argparse
import math
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from mr_extract.text.balance import InTurn, LeastFull
from preprocess.errors import CommandError
from preprocess.localities import Host, Locality, locality_named, placed
from preprocess.options import add_access_options, configure_access
from preprocess.parcels import Parcels
from preprocess.sizes import size_for_people, size_in_bytes
from preprocess.texts import lines_of

EXAMPLE = """\
examples:
  python -m preprocess shards list.txt -n 100 -o shards
  python -m preprocess shards list.txt.gz --bytes 2G --by prefix -o shards

A shard is a manifest: DIR/shard-00000.txt and so on. Lines stay as they are, so relative paths
still begin where the job is started; comments are left out. The largest images come first.
Images of one file (ext=) and those found on one detection image (detect=) stay in one shard
unless they are more than it should hold. Lines without bytes= count as the mean of the others.
--by prefix keeps images of one folder or prefix together, --by prefix:2 those that agree without
the last two parts of the path, --by FIELD those that agree in a field, as filter=. --by host asks
HDFS on which host each image is (or takes host=); comments in the shards name the hosts.
Memory does not grow with the manifest; what is sorted stands in $TMPDIR meanwhile.
"""

#: Bytes of lines that wait for being written to their shards.
WAITING = 16 << 20


@dataclass
class Shards:
    """What was written.

    Attributes
    ----------
    images, malformed : int
        Lines, and those of them that cannot be understood.
    loads : list of int
        Bytes of the images of each shard.
    unknown, mean : int
        Files without ``bytes=``, and what each of them counted as.
    elsewhere : int
        Lines that have nothing of what was to be kept together.
    """

    images: int
    malformed: int
    loads: list[int]
    unknown: int
    mean: int
    elsewhere: int

    @property
    def excess(self) -> float:
        """The largest load in means, less one."""
        return max(self.loads) * len(self.loads) / sum(self.loads) - 1


def write_shards(
    lines: Iterable[bytes],
    directory: str,
    number: int | None = None,
    size: int | None = None,
    locality: Locality | None = None,
    threads: int = 16,
) -> Shards:
    """Cut a manifest into shards.

    Parameters
    ----------
    lines : iterable of bytes
        Read once.
    directory : str
        Where to write: it must be empty, or not be there.
    number : int, optional
        Shards; fewer where there are fewer images.
    size : int, optional
        In place of `number`: bytes that a shard should hold on average, at most.
    locality : preprocess.localities.Locality, optional
        What to keep together.
    threads : int, optional
        Files whose hosts are asked for at a time.

    Returns
    -------
    shards : Shards

    Raises
    ------
    CommandError
        When the manifest holds no images, the folder is not empty, or HDFS does not answer.
    """
    with _folder_written_whole(directory) as folder:
        parcels, elsewhere = Parcels(), 0
        for entry, line, local in placed(lines, locality, threads):
            parcels.add(entry, line, local)
            elsewhere += locality is not None and not local
        if not parcels.images:
            raise CommandError("the manifest holds no images")

        parcels.complete()
        total = parcels.sizes.load
        number = min(parcels.images, number or math.ceil(total / cast(int, size)))
        home = InTurn(number, total) if locality else LeastFull(number)
        named = isinstance(locality, Host)
        loads = _deal(parcels.ordered(total / number), home, folder, named)
    return Shards(parcels.images, parcels.malformed, loads, parcels.sizes.unknown,
                  parcels.sizes.mean, elsewhere)


@contextmanager
def _folder_written_whole(directory: str) -> Iterator[str]:
    """Give a hidden folder, that takes its name when the block ends without an exception."""
    if os.path.exists(directory) and (not os.path.isdir(directory) or os.listdir(directory)):
        raise CommandError(f"{directory!r} is there and no empty folder: what it holds would be "
                           "taken for shards of this manifest")
    parent, name = os.path.split(directory.rstrip("/"))
    unfinished = os.path.join(parent, f".{name}.{os.getpid()}.part")
    os.makedirs(unfinished)
    try:
        yield unfinished
        os.replace(unfinished, directory)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _deal(
    parcels: Iterable[tuple[bytes, int, bytes]], home: InTurn | LeastFull, folder: str, named: bool
) -> list[int]:
    """Write parcels to their shards, and give the bytes of each; none stays empty.

    Where it is to be `named`, a comment says what the lines after it have in common.
    """
    loads: list[int] = []
    before: tuple[int, bytes] | None = None
    numbers: dict[int, int] = {}
    waiting: dict[int, list[bytes]] = {}
    size = 0
    for local, load, lines in parcels:
        shard = numbers.setdefault(home.shard_for(load), len(numbers))
        if shard == len(loads):
            loads.append(0)
        loads[shard] += load
        if named and before != (shard, local):
            before = shard, local
            waiting.setdefault(shard, []).append(b"# host: " + (local or b"unknown"))
        waiting.setdefault(shard, []).append(lines)
        size += len(lines) + 64
        if size >= WAITING:
            _write(waiting, folder)
            size = 0
    _write(waiting, folder)
    return loads


def _write(waiting: dict[int, list[bytes]], folder: str) -> None:
    """Append lines to their shards, one file open at a time."""
    for shard, lines in waiting.items():
        with open(os.path.join(folder, f"shard-{shard:05d}.txt"), "ab") as file:
            file.write(b"\n".join(lines) + b"\n")
    waiting.clear()


def _size(text: str) -> int:
    size = size_in_bytes(text)
    if size < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is too small for a shard")
    return size


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of shards")
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``shards``."""
    parser.epilog = EXAMPLE
    parser.add_argument("manifests", nargs="+", metavar="MANIFEST",
                        help="path or URI, plain or gzip; - for standard input")
    many = parser.add_mutually_exclusive_group(required=True)
    many.add_argument("-n", "--number", type=_count, metavar="N", help="number of shards")
    many.add_argument("--bytes", type=_size, metavar="B",
                      help="bytes of the images of a shard, as 500M or 2G")
    parser.add_argument("-o", "--output", required=True, metavar="DIR",
                        help="folder to write, empty or new")
    parser.add_argument("--by", type=locality_named, metavar="prefix[:N]|host|FIELD",
                        help="keep together what is in one place")
    add_access_options(parser)


def run(args: argparse.Namespace) -> int:
    """Write the shards and say on stderr what they came to."""
    configure_access(args)
    try:
        shards = write_shards(lines_of(args.manifests), args.output, args.number, args.bytes,
                              args.by, args.jobs)
    except OSError as error:
        raise CommandError(f"cannot write {args.output!r}: {error.strerror}") from None
    number = len(shards.loads)
    parts = [f"{shards.images} image{'s' * (shards.images != 1)}, "
             f"{size_for_people(sum(shards.loads))} -> {number} shard{'s' * (number != 1)} in "
             f"{args.output}", f"the largest is {100 * shards.excess:.2f} % above the mean"]
    if shards.unknown:
        parts.append(f"{shards.unknown} without bytes= counted as "
                     f"{size_for_people(shards.mean)} each")
    if shards.elsewhere:
        parts.append(f"{shards.elsewhere} without {args.by.name}")
    if shards.malformed:
        parts.append(f"{shards.malformed} malformed lines went along")
    print("; ".join(parts), file=sys.stderr)
    return 0
