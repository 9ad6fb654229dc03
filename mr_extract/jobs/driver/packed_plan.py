"""Packed folders and files to a plan: every line known, as of manifests."""

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from urllib.parse import quote

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.jobs.driver.plan import Plan
from mr_extract.packed import sequencefile
from mr_extract.packed.hadoop_text import Damaged
from mr_extract.packed.index import EXTENSIONS, INDEX, METADATA, VERSION, place_of, read_index
from mr_extract.packed.records import contents_of
from mr_extract.packed.sequencefile import Lost
from mr_extract.storage.ranges import Ranges
from mr_extract.text.entry import Entry

_SEQUENCE_FILE = ".seq"


def read_packed(places: Sequence[str], extensions: str,
                complain: Callable[[str], object]) -> tuple[Plan, list[str]]:
    """Return the plan of packed folders and files, and what Hadoop may read of them.

    Parameters
    ----------
    places : sequence of str
        Folders that `python -m preprocess pack` wrote, or files of them (``.seq``).
    extensions : str
        What a line without ``ext`` and ``plane`` is to mean, as
        `mr_extract.packed.index.packed_with` has it: the same as when it was packed.
    complain : callable
        Called with a line of text for each thing that is damaged.

    Returns
    -------
    plan : mr_extract.jobs.driver.plan.Plan
        Each line has the field ``packed``, which says where its record is.
    inputs : list of str
        What Hadoop should read; empty when a part is damaged, which its reader would not
        survive, or an image is packed more than once.

    Raises
    ------
    ValueError
        When a place is not packed, or was packed with other `extensions`.
    """
    plan, inputs, whole, images = Plan(), [], True, 0
    for place in places:
        place = place.rstrip("/")
        read = _read_file if _is_file(place) else _read_folder
        try:
            meant, rows = read(place, complain)
            if meant != extensions:
                raise ValueError(f"{place} was packed with --extensions {meant}: say so "
                                 "here too, or pack it again")
            for row in rows:
                if row is None:
                    whole = False
                else:
                    images += _add(plan, *row)
        except ImageFailure as failure:
            raise ValueError(f"cannot read {place}: {failure.message}") from failure
        except Damaged as damage:
            raise ValueError(f"{place}: {damage}") from damage
        inputs.append(_for_hadoop(storage.absolute(place)))
    if images > len(plan.entries):
        complain(f"{images - len(plan.entries)} images are packed more than once")
        whole = False
    return plan, inputs if whole else []


def _is_file(place):
    """Tell a packed file from a folder, whose name may end as that of a file."""
    try:
        return place.endswith(_SEQUENCE_FILE) and storage.stat(place) is not None
    except ImageFailure:
        return False  # of what is neither `_read_folder` will say so


def _read_folder(folder, complain):
    """Return what lines mean and the rows of the index; None among them: damage."""
    try:
        index = storage.read(f"{folder}/{INDEX}")
    except ImageFailure as failure:
        if failure.kind != "fetch-not-found":
            raise
        raise ValueError(f"{folder} has no {INDEX}: it is no folder that `preprocess pack` "
                         "wrote to its end") from failure
    extensions, rows = read_index(index)
    return extensions, _placed(folder, rows, complain)


def _placed(folder, rows, complain):
    """Yield the rows of an index, and compare it with the files that are there."""
    root, ends = storage.absolute(folder), {}
    for name, offset, size, key in rows:
        ends[name] = offset + size
        yield f"{root}/{name}", offset, size, key
    sizes = {PurePosixPath(found.uri).name: found.size for found in storage.list_files(folder)}
    sizes.pop(INDEX, None)  # HDFS does not list it
    for name in sorted({*ends, *sizes}):
        if name not in sizes:
            complain(f"{folder}/{name} is not there")
        elif name not in ends:
            complain(f"{folder}/{name} is not in the index and is left alone")
        elif sizes[name] != ends[name]:
            complain(f"{folder}/{name} has {sizes[name]:,} bytes; its index says {ends[name]:,}")
        else:
            continue
        yield None


def _read_file(place, complain):
    """Return the same of one file, from the keys in it."""
    uri = storage.absolute(place)
    read = Ranges(uri, sequencefile.LOOK).read
    metadata = sequencefile.read_header(read).metadata
    if metadata.get(METADATA) != VERSION:
        raise Damaged(f"it holds no packed images of version {VERSION}")
    return metadata.get(EXTENSIONS, ""), _scanned(place, uri, read, complain)


def _scanned(place, uri, read, complain):
    for one in sequencefile.scan(read):
        if isinstance(one, Lost):
            complain(f"{place}: bytes {one.start:,} to {one.stop:,} are damaged ({one.reason}): "
                     "which images are lost cannot be said")
            yield None
        else:
            yield uri, one.offset, one.size, one.key


def _for_hadoop(uri):
    """Return a URI that means the same whatever Hadoop's default file system is."""
    return f"file://{quote(uri)}" if uri.startswith("/") else uri


def _add(plan, uri, offset, size, key):
    """Take in the lines of a record, and return how many images should be tried."""
    contents = contents_of(key)
    size_of_files = sum(part.size for part in contents.parts)
    for entry in contents.entries:
        if not entry.problem:
            fields = (*entry.fields, ("packed", place_of(uri, offset, size)))
            if entry.get("bytes") is None:
                fields = (*fields, ("bytes", str(size_of_files)))
            entry = Entry(entry.uri, fields)
        plan.add(entry)
    return sum(not entry.problem for entry in contents.entries)
