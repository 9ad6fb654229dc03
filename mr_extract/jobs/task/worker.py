"""The process that measures: requests on standard input, outcomes on standard output.

It is started by `mr_extract.jobs.task.worker_process` and ends with its input. What it
is told and what it answers are frames: four bytes of length for a JSON
header and eight for the bytes behind it.
"""

from __future__ import annotations

import json
import os
import struct
from typing import TYPE_CHECKING, Any, BinaryIO

from mr_extract.failures import ImageFailure
from mr_extract.jobs.task import last_words, renewal
from mr_extract.jobs.task.kept_memory import keep_freed_memory
from mr_extract.jobs.task.parent import adopt, end_with
from mr_extract.packed.records import PackedFile

if TYPE_CHECKING:
    from mr_extract.jobs.skeleton.work import Work
    from mr_extract.jobs.task.opened import Fetched
    from mr_extract.settings.tree import Settings
    from mr_extract.storage.access import Access

FRAME = struct.Struct("!IQ")
OUT_OF_MEMORY = 3  # exit status when a file that was handed over does not fit


def write_frame(file: BinaryIO, head: object, body: bytes = b"") -> None:
    """Write one frame and flush it."""
    text = json.dumps(head).encode()
    file.write(FRAME.pack(len(text), len(body)))
    file.write(text)
    file.write(body)
    file.flush()


def write_file(file: BinaryIO, uri: str, content: Fetched) -> None:
    """Write the frame of a fetched file: bytes, a packed file or why it could not be had."""
    if isinstance(content, ImageFailure):
        write_frame(file, {"uri": uri, "failure": (content.kind, content.message)})
    elif isinstance(content, PackedFile):
        packed = content.form, content.sha256, content.crc32
        write_frame(file, {"uri": uri, "packed": packed}, content.body)
    else:
        write_frame(file, {"uri": uri}, content)


def read_frame(file: BinaryIO) -> tuple[Any, bytes] | None:
    """Read one frame.

    Returns
    -------
    tuple of (object, bytes) or None
        None at the end of the input.

    Raises
    ------
    EOFError
        When the input ends inside a frame.
    """
    start = file.read(FRAME.size)
    if not start:
        return None
    lengths = FRAME.unpack(start) if len(start) == FRAME.size else (0, 0)
    head, body = file.read(lengths[0]), file.read(lengths[1])
    if len(start) < FRAME.size or len(head) < lengths[0] or len(body) < lengths[1]:
        raise EOFError("the other side ended inside a frame")
    return json.loads(head), body


def opening(work: Work, config: Settings, access: Access,
            more: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the first frame that a worker gets: which job, how remote places are reached."""
    return {"work": work.name, "settings": config.differing(), "access": vars(access),
            "more": more or {}}


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until they end.

    The first frame is of `opening`. An entry of the manifest follows, then a frame for each
    of its `files` that has been fetched, as `write_file` writes it. And so on, until an outcome
    that is the last.
    """
    from mr_extract import storage
    from mr_extract.jobs.skeleton.work import work_of
    from mr_extract.jobs.task.one_line import process
    from mr_extract.storage.access import Access
    from mr_extract.text.entry import Entry

    told, _ = _expected(requests)
    if "parent" in told:
        end_with(told["parent"])
        renewal.be_apart(told["folder"])
        last_words.use(told["words"])
    words = told.get("words", ())
    streams = [(one.fileno(), os.fstat(one.fileno())) for one in (requests, answers)]
    work = work_of(told["work"])
    storage.configure(Access(**told["access"]))
    config = work.settings().updated(**told["settings"])
    while (frame := read_frame(requests)) is not None:
        head, _ = frame
        files = dict(_file(*_expected(requests)) for _ in range(head["files"]))
        entry = Entry(head["uri"], tuple(map(tuple, head["fields"])), head["problem"],
                      head["kind"])
        last_words.clear(*words)
        try:
            outcome = process(entry, work, config, files, told["more"])
        finally:
            if not all(_is_still(*one) for one in streams):
                os._exit(last_words.LOST_STREAMS)  # what is written now would go elsewhere
        outcome.renew = renewal.asked()
        facts = {name: value for name, value in vars(outcome).items() if name != "block"}
        write_frame(answers, facts, outcome.block)
        if outcome.is_last:
            break  # it may have been asked for more, which another will do


def _is_still(number, facts):
    try:
        return os.path.samestat(os.fstat(number), facts)
    except OSError:
        return False


def _expected(requests):
    """Read a frame that must come."""
    frame = read_frame(requests)
    if frame is None:
        raise EOFError("the other side ended before a frame")
    return frame


def _file(head, body):
    if "failure" in head:
        return head["uri"], ImageFailure(*head["failure"])
    return head["uri"], PackedFile(*head["packed"], body) if "packed" in head else body


def main() -> None:
    """Serve on the standard streams, which nothing else may write to."""
    keep_freed_memory()
    adopt()
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print of a library must not break the frames
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # nor is what somebody reads there meant for it
    os.close(nothing)
    try:
        serve(requests, answers)
    except (BrokenPipeError, EOFError):
        os._exit(1)  # whoever asked is gone; there is nobody to tell
    except MemoryError:
        os._exit(OUT_OF_MEMORY)  # in the middle of a frame: what follows cannot be understood


if __name__ == "__main__":
    main()
