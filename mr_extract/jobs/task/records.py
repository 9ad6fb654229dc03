"""Packed records in a task: read from where a line says, or handed over by Hadoop."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.packed import framed, sequencefile
from mr_extract.packed.hadoop_text import Damaged
from mr_extract.packed.index import parse_place
from mr_extract.packed.records import contents_of

if TYPE_CHECKING:
    from mr_extract.packed.records import PackedFile
    from mr_extract.text.entry import Entry

INPUT_FORMAT = "org.apache.hadoop.mapred.SequenceFileInputFormat"
JOBCONF = {
    "stream.map.input": "rawbytes",
    "mapreduce.input.fileinputformat.split.minsize": 1,
    "mapreduce.job.maps": 1,  # at least: so each block is a split, whose hosts are its own
    "mapreduce.task.io.sort.mb": 32,  # rows are few: the heap of a task is for images
    "mapreduce.job.heap.memory-mb.ratio": 0.5,  # records go through Java
}
KEYS_LOST = "packed", "keys lost"  # the counter of records that name no image any more


class RecordsLost(Exception):
    """Hadoop handed over records of which nobody can say what they are."""


def fetch_record(place: str, image: str) -> dict[str, PackedFile | ImageFailure]:
    """Read one record and return the files in it by URI.

    Parameters
    ----------
    place : str
        Value of the field ``packed``.
    image : str
        URI of the image that the record should hold.

    Returns
    -------
    dict of str to (PackedFile or ImageFailure)
        When the record cannot be had, that is the failure of the image: ``fetch-...``,
        ``truncated`` or ``corrupt``.
    """
    try:
        uri, offset, size = parse_place(place)
        data, _ = storage.read_range(uri, offset, size)
        if len(data) < size:
            raise ImageFailure("truncated", "the packed file ends inside its record")
        key, value = sequencefile.read_record(data)
        files = contents_of(key).files(value)
        if image not in files:
            raise Damaged("the record is that of another image")
    except Damaged as damage:
        return {image: ImageFailure("corrupt", f"its packed record is damaged: {damage}")}
    except ImageFailure as failure:
        return {image: failure}
    return files


def received(
    stream: BinaryIO, driven: bool, lost: Callable[[], object]
) -> Iterator[tuple[Entry, dict[str, PackedFile | ImageFailure]]]:
    """Yield the images of the records that Hadoop streaming hands over.

    Parameters
    ----------
    stream : binary file
        Standard input of the task.
    driven : bool
        A driver has accounted for the lines that cannot be tried; without one they are
        yielded, too.
    lost : callable
        Called for each record of which not even the key can be understood.

    Yields
    ------
    entry, files
        As `mr_extract.jobs.task.fetching.fetch_ahead` yields them.

    Raises
    ------
    Damaged
        When the input is not that of `JOBCONF`, or breaks off.
    """
    for key, value in framed.read_framed(stream):
        try:
            contents = contents_of(key)
        except Damaged as damage:
            print(f"mr_extract: a packed record is lost: {damage}", file=sys.stderr)
            lost()
            continue
        files = contents.files(value)
        del value
        for entry in contents.entries:
            if not (driven and entry.problem):
                yield entry, files
