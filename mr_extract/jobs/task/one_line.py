"""One line of a manifest to one block of the catalog."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mr_extract import __version__
from mr_extract.addresses import shown_within
from mr_extract.failures import ImageFailure
from mr_extract.jobs.task.line import Line
from mr_extract.jobs.task.opened import hand_over
from mr_extract.remarks import as_cell, hearing
from mr_extract.standard_output import to_standard_error
from mr_extract.text.accounting import error_line, image_line
from mr_extract.text.entry import escaped
from mr_extract.text.fields import PART

if TYPE_CHECKING:
    from mr_extract.jobs.skeleton.work import Work
    from mr_extract.jobs.task.opened import Fetched
    from mr_extract.settings.tree import Settings
    from mr_extract.text.entry import Entry

NO_MEMORY = "the image does not fit into memory"


@dataclass
class Outcome:
    """What became of one image.

    Parameters
    ----------
    block : bytes
        Accounting line and rows, with their line ends.
    kind : str
        Kind of failure, empty for a measured image.
    rows, failed_rows : int
        Rows, and those of them with a failed measurement.
    size : int
        Bytes that were read.
    milliseconds : dict of str to int
        Wall time by stage.
    compiled : bool
        False for an image that was measured without compiled kernels.
    renew : str
        Why another process should measure the next image; empty for no reason.
    """

    block: bytes
    kind: str = ""
    rows: int = 0
    failed_rows: int = 0
    size: int = 0
    milliseconds: dict = field(default_factory=dict)
    compiled: bool = True
    renew: str = ""

    @property
    def is_last(self) -> bool:
        """Whether the process that has measured the image should measure no other.

        What is left of the memory of one that had not enough may be in pieces.
        """
        return self.kind == "memory" or bool(self.renew)


def failed(image_id: str, kind: str, message: str) -> Outcome:
    """Return the outcome of an image that was not measured."""
    return Outcome(error_line(image_id, kind, message).encode(), kind)


def process(entry: Entry, work: Work, config: Settings, files: Mapping[str, Fetched] | None = None,
            more: dict[str, Any] | None = None) -> Outcome:
    """Do a job's work for one line.

    Parameters
    ----------
    entry : mr_extract.text.entry.Entry
    work : mr_extract.jobs.skeleton.work.Work
    config : mr_extract.settings.tree.Settings
        Of the job.
    files : dict of str to (bytes or PackedFile or ImageFailure), optional
        By URI the files that have been fetched already.
    more : dict of str to object, optional
        What the job hands to its tasks besides.

    Returns
    -------
    Outcome
        A failure is an outcome too: this never raises but for the end of the
        process (SystemExit, KeyboardInterrupt).
    """
    image_id = entry.id
    hand_over(dict(files or {}))  # each is let go when it has been read
    try:
        if entry.problem:
            raise ImageFailure(entry.kind, entry.problem)
        with to_standard_error(), warnings.catch_warnings():
            # Of numpy and astropy, about pixels and headers that our kinds of
            # failure name; in some runners to warn is an error.
            warnings.simplefilter("ignore")
            line = Line(entry, config, more)
            with hearing() as said:
                rows = work.measure(line)
            return _outcome(line, work, rows, said)
    except ImageFailure as failure:
        return failed(image_id, failure.kind, failure.message)
    except MemoryError:
        return failed(image_id, "memory", NO_MEMORY)
    except Exception as error:
        # A defect of ours: the traceback is for the log of the task (a binary stream
        # in some runners), and the image is accounted for.
        log: Any = getattr(sys.stderr, "buffer", sys.stderr)
        log.write(shown_within(traceback.format_exc()).encode())
        last = traceback.extract_tb(error.__traceback__)[-1]
        return failed(image_id, "internal", f"{type(error).__name__}: {error} "
                                            f"({os.path.basename(last.filename)}:{last.lineno})")


def _outcome(line, work, rows, said):
    from mr_extract.compiled import kernels
    from mr_extract.text.rows import format_rows

    entry = line.entry
    facts = {
        work.rows: len(rows),
        **rows.facts,
        "sha256": line.checksum,
        "version": __version__,
        "config": line.config.hash(),
        **{name: entry.get(name) for name in PART if entry.get(name) is not None},
        **line.facts, **rows.further,
    }
    if line.images > 1 and entry.ext is None:
        facts["images_in_file"] = line.images  # measured: the first of them
    if rows.failed:
        facts["failed_" + work.rows] = rows.failed
    if said:
        facts["remarks"] = escaped(as_cell(said))
    block = image_line(entry.id, facts, entry.carried).encode() + format_rows(
        entry.id, rows.columns)
    line.lap("format")
    return Outcome(
        block, "", len(rows), rows.failed, line.size,
        {stage: round(1000 * value) for stage, value in line.seconds.items()},
        kernels is not None,
    )
