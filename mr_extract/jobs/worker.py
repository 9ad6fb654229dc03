"""The process that measures: requests on standard input, outcomes on standard output.

It is started by `mr_extract.jobs.supervisor` and ends with its input. What it
is told and what it answers are frames: four bytes of length for a JSON
header and eight for the bytes behind it.
"""

import json
import os
import struct
import sys

CHECKS = "--checkimage"  # among the settings: what process() takes besides
FRAME = struct.Struct("!IQ")


def write_frame(file, head, body=b""):
    """Write one frame and flush it."""
    text = json.dumps(head).encode()
    file.write(FRAME.pack(len(text), len(body)))
    file.write(text)
    file.write(body)
    file.flush()


def read_frame(file):
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


def serve(requests, answers):
    """Answer requests until they end.

    The first frame is the configuration, with the check images under `CHECKS`; each that
    follows is an entry of the manifest, with the bytes of its image where they have been
    fetched.
    """
    from mr_extract.config import Config
    from mr_extract.jobs.checkimage_files import Checks
    from mr_extract.jobs.one_image import process
    from mr_extract.text.manifest import Entry

    told = read_frame(requests)[0]
    checks = told.pop(CHECKS, None)
    config = Config().updated(**told)
    checks = Checks(tuple(checks[0]), checks[1]) if checks else None
    while (frame := read_frame(requests)) is not None:
        head, body = frame
        entry = Entry(head["uri"], tuple(map(tuple, head["fields"])), head["problem"],
                      head["kind"])
        outcome = process(entry, config, body if head["fetched"] else None, checks)
        facts = {name: value for name, value in vars(outcome).items() if name != "block"}
        write_frame(answers, facts, outcome.block)


def main():
    """Serve on the standard streams, which nothing else may write to."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print of a library must not break the frames
    try:
        serve(sys.stdin.buffer, answers)
    except (BrokenPipeError, EOFError):
        os._exit(1)  # whoever asked is gone; there is nobody to tell


if __name__ == "__main__":
    main()
